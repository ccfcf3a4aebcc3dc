package coverage

import (
	"cmp"
	"slices"
	"strings"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// schedulingFixes are for pods that the scheduler does not bind.
func (r *Result) schedulingFixes(d *DaemonSetResult, v *Verdict) []string {
	e := &v.Detail.Evidence
	if e.Room != nil && e.Room.Preemption == preemptUnderWay {
		if text := findWhy(e.Room.Victims); text != "" {
			return []string{text + ": the scheduler waits for it"}
		}
		return []string{"wait: " + underWay(e.Room)}
	}
	switch v.Reason {
	case SchedInsufficient, SchedNoVictims, SchedTooManyPods:
		return insufficientFixes(d, v)
	case SchedNeverFits:
		return neverFitsFixes(e.Room)
	case SchedHostPort:
		return r.portFixes(d, e.Room)
	case SchedNoScheduler:
		return []string{"start scheduler " + r.schedulerName(v) + ", or correct spec.schedulerName in the template"}
	case SchedAdmissionDrift:
		return driftFixes(d.DaemonSet, e.Drift)
	case SchedDRA, SchedVolume, SchedPodAffinity:
		return r.wordFixes(v)
	default:
		return nil
	}
}

// wordFixes are for what the scheduler's own words, or its silence, tell apart.
func (r *Result) wordFixes(v *Verdict) []string {
	if fixes := r.unheardFixes(v); len(fixes) > 0 {
		return fixes
	}
	s := v.Detail.Evidence.Scheduler
	if s == nil {
		return nil
	}
	for _, text := range s.Reasons {
		switch {
		case v.Reason == SchedPodAffinity && strings.Contains(text, "existing pods anti-affinity"):
			return []string{"find the pod there whose required anti-affinity selects this one, and change that rule, or the labels in the template"}
		case v.Reason == SchedVolume && strings.HasSuffix(text, "not found"):
			return []string{"create what the scheduler does not find, or correct its name in spec.template.spec.volumes"}
		}
	}
	return nil
}

// underWay says what the scheduler does for a pod that it has nominated.
func underWay(room *Room) string {
	if room.Victims == nil {
		return "the scheduler has nominated the pod to the node"
	}
	verb := " are ending"
	if room.Victims.Count == 1 {
		verb = " is ending"
	}
	return "the scheduler has nominated the pod to the node; " + room.Victims.text() + verb + " there"
}

// findWhy is what to do about victims that do not end; empty for none.
func findWhy(v *Victims) string {
	if v == nil || len(v.Overdue) == 0 {
		return ""
	}
	return "find why " + few(v.Overdue) + " stays, though its grace is over"
}

func (r *Result) portFixes(d *DaemonSetResult, room *Room) []string {
	if room == nil || len(room.HostPorts) == 0 {
		return nil
	}
	var pods, sets []string
	for _, h := range room.HostPorts {
		switch kind, name, _ := strings.Cut(h.Owner, "/"); {
		case r.own(d, h.Pod):
			return []string{"set maxSurge to 0 and maxUnavailable to 1: the old pod " + h.Pod + " holds the port until it is gone"}
		case kind == "DaemonSet":
			namespace, _, _ := strings.Cut(h.Pod, "/")
			sets = append(sets, "DaemonSet "+namespace+"/"+name)
		default:
			pods = append(pods, h.Pod)
		}
	}
	slices.Sort(sets)
	slices.Sort(pods)
	if sets = slices.Compact(sets); len(sets) > 0 {
		return []string{"change one of the ports" + room.beyondPorts() + ": " + few(sets) + " takes it on its nodes too"}
	}
	fix := "move " + few(slices.Compact(pods)) + " off the node, or change one of the ports" + room.beyondPorts()
	if evicts, helps := room.raise(d); helps && !room.partial {
		fix += ", or " + highest + " in the template, which evicts " + evicts
	}
	return []string{fix}
}

// beyondPorts is what has to be done beside taking another port, where something
// else is short, too; empty for nothing.
func (room *Room) beyondPorts() string {
	rest := Room{Resources: room.Resources, partial: room.partial}
	less, ok := rest.atMost()
	switch {
	case len(rest.short()) == 0:
		return ""
	case ok:
		return " and request at most " + less
	default:
		return " and " + moveOff
	}
}

// neverFitsFixes say what would fit as things are; where nothing would, how much
// the node has when it is empty.
func neverFitsFixes(room *Room) []string {
	if room == nil {
		return nil
	}
	var most, none []string
	for _, x := range room.Resources {
		switch {
		case !x.Short || x.Asks <= x.Allocatable:
		case x.Allocatable == 0:
			none = append(none, x.Name)
		default:
			most = append(most, x.Name+" "+quantity(x.Name, x.Allocatable))
		}
	}
	const keepOff = "keep the DaemonSet off such nodes"
	less, ok := room.atMost()
	switch {
	case len(none) > 0:
		return []string{"find why the node offers no " + strings.Join(none, ", ") + ", or " + keepOff}
	case ok:
		return []string{"request at most " + less + ", or " + keepOff}
	case len(most) > 0:
		return []string{"request at most " + strings.Join(most, ", ") + " and " + moveOff + ", or " + keepOff}
	}
	return nil
}

const moveOff = "move pods off the node"

// insufficientFixes are what makes room, the gentlest first.
func insufficientFixes(d *DaemonSetResult, v *Verdict) []string {
	room := v.Detail.Evidence.Room
	switch {
	case room == nil || room.NotExamined:
		if v.Reason == SchedTooManyPods {
			return []string{moveOff}
		}
		return []string{"request less, or " + moveOff}
	case len(room.short()) == 0 && len(room.HostPorts) == 0:
		return []string{"wait: the scheduler tries again"}
	case room.Preemption == preemptPossible && room.Victims != nil && len(room.Victims.Overdue) == 0:
		return []string{waitForVictims(room)}
	}
	return []string{strings.Join(makeRoom(d, room), ", or ")}
}

// waitForVictims says whom the scheduler can preempt by itself, and what that
// costs.
func waitForVictims(room *Room) string {
	text := "wait: the scheduler can preempt " + room.Victims.text()
	if len(room.Victims.Stranded) > 0 {
		text += "; these have no other place: " + few(room.Victims.Stranded)
	}
	if len(room.Victims.Bare) > 0 {
		text += "; nothing makes these again: " + few(room.Victims.Bare)
	}
	if less, ok := requestAtMost(room); ok {
		text += "; or request at most " + less
	}
	return text
}

// atMost is what would fit as things are, as far as nodes were examined.
func (room *Room) atMost() (string, bool) {
	less, ok := requestAtMost(room)
	if ok && room.partial {
		less += ", the least that is free on a node examined"
	}
	return less, ok
}

// makeRoom are the ways to make room where the scheduler makes none.
func makeRoom(d *DaemonSetResult, room *Room) []string {
	var out []string
	if text := findWhy(room.Victims); text != "" && room.Preemption == preemptPossible {
		out = append(out, text)
	}
	if less, ok := room.atMost(); ok {
		out = append(out, "request at most "+less)
	}
	if evicts, helps := room.raise(d); helps && !room.partial {
		out = append(out, highest+" in the template, which evicts "+evicts)
	}
	if len(out) == 0 {
		out = append(out, moveOff)
	}
	return out
}

// own reports whether a pod, by its key, belongs to the DaemonSet.
func (r *Result) own(d *DaemonSetResult, pod string) bool {
	namespace, name, _ := strings.Cut(pod, "/")
	i, ok := slices.BinarySearchFunc(r.Snapshot.Pods, name, func(p snapshot.Pod, name string) int {
		return cmp.Or(strings.Compare(p.Namespace, namespace), strings.Compare(p.Name, name))
	})
	return ok && r.Snapshot.Pods[i].Owner != nil && r.Snapshot.Pods[i].Owner.UID == d.DaemonSet.UID
}
