package coverage

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// Words of Room.Preemption.
const (
	preemptPossible  = "possible"
	preemptNoVictims = "no victims"
	preemptNotEnough = "not enough"
	preemptNever     = "never"
	preemptUnderWay  = "under way"
)

// systemNodeCritical is the value of the highest priority class, which never
// changes (pkg/apis/scheduling/types.go, v1.37.2).
const systemNodeCritical = 2000001000

// highest is the advice to take that class.
const highest = "set priorityClassName: system-node-critical"

// preempt says whether evicting pods of a lower priority than the one given
// makes room, and which: all of them go, and the most important come back as
// long as the pod still fits. Mirrors SelectVictimsOnNode
// (plugins/defaultpreemption, v1.37.2), without PodDisruptionBudgets, which
// make it spare other pods of the same node where it can.
func (s *roomScene) preempt(priority int32) (string, []*snapshot.Pod) {
	var lower []*snapshot.Pod
	for _, q := range s.bound {
		switch {
		case q.Priority < priority:
			lower = append(lower, q)
		case clash(s.p, q):
			return preemptNoVictims, nil
		}
	}
	if slices.ContainsFunc(s.reserved(priority), func(q *snapshot.Pod) bool { return clash(s.p, q) }) {
		return preemptNoVictims, nil
	}
	if len(lower) == 0 {
		return preemptNoVictims, nil
	}
	rest := slices.DeleteFunc(s.resources(priority), func(x ResourceRoom) bool { return x.Unlisted })
	for i := range rest {
		x := &rest[i]
		for _, q := range lower {
			x.Free += amountOf(x.Name, q)
		}
		if x.Asks > x.Free {
			return preemptNotEnough, nil
		}
	}
	// util.MoreImportantPod; a pod starts soon after it was made.
	slices.SortStableFunc(lower, func(a, b *snapshot.Pod) int {
		return cmp.Or(cmp.Compare(b.Priority, a.Priority), cmp.Compare(a.Created, b.Created))
	})
	var victims []*snapshot.Pod
	for _, q := range lower {
		if clash(s.p, q) || slices.ContainsFunc(rest, func(x ResourceRoom) bool { return x.Asks > x.Free-amountOf(x.Name, q) }) {
			victims = append(victims, q)
			continue
		}
		for i := range rest {
			rest[i].Free -= amountOf(rest[i].Name, q)
		}
	}
	return preemptPossible, victims
}

// preemption says what preemption does, or would do, for the pod as it is.
func (s *roomScene) preemption(room *Room, now time.Time) {
	short := room.short()
	var ending []*snapshot.Pod
	nominated := s.p.Node == "" && s.p.Nominated == s.n.Name
	if nominated {
		ending = s.ending(now, short)
	}
	switch {
	case len(ending) > 0, nominated && len(short) == 0 && len(room.HostPorts) == 0:
		room.Preemption, room.Victims = preemptUnderWay, newVictims(ending, short, now)
	case !mayPreempt(s.p):
		room.Preemption = preemptNever
	default:
		word, victims := s.preempt(s.p.Priority)
		room.Preemption, room.Victims = word, newVictims(victims, short, now)
	}
}

// ending are the pods of a lower priority whose end makes room: those that the
// scheduler has preempted, for which it waits however long they take
// (podTerminatingByPreemption, plugins/defaultpreemption, v1.37.2), and those
// within their grace that hold what is short. What should have ended long ago
// is not waited for: its end may never come.
func (s *roomScene) ending(now time.Time, short []ResourceRoom) []*snapshot.Pod {
	holds := func(q *snapshot.Pod) bool {
		return clash(s.p, q) || slices.ContainsFunc(short, func(x ResourceRoom) bool { return amountOf(x.Name, q) > 0 })
	}
	var out []*snapshot.Pod
	for _, q := range s.bound {
		if q.Deleted != 0 && q.Priority < s.p.Priority && (preempted(q) || !overdue(q, now) && holds(q)) {
			out = append(out, q)
		}
	}
	return out
}

// overdue reports whether a pod that is deleted should have ended long ago.
func overdue(p *snapshot.Pod, now time.Time) bool {
	return p.Deleted != 0 && now.Unix() > int64(p.Deleted)+stuckAfter
}

// preempted reports whether the scheduler deletes the pod to make room.
func preempted(p *snapshot.Pod) bool {
	if p.Full == nil {
		return false
	}
	c := podCondition(p.Full, corev1.DisruptionTarget)
	return c != nil && c.Status == corev1.ConditionTrue && c.Reason == corev1.PodReasonPreemptionByScheduler
}

func mayPreempt(p *snapshot.Pod) bool {
	return p.Full == nil || p.Full.Spec.PreemptionPolicy == nil || *p.Full.Spec.PreemptionPolicy != corev1.PreemptNever
}

// newVictims keeps the largest by what is short.
func newVictims(pods []*snapshot.Pod, short []ResourceRoom, now time.Time) *Victims {
	v := Victims{Count: len(pods), short: short}
	for _, q := range pods {
		v.Pods = append(v.Pods, newHolder(q))
		if text := stranded(q); text != "" {
			v.Stranded = append(v.Stranded, text)
		}
		if q.Owner == nil {
			v.Bare = append(v.Bare, key(q))
		}
		if overdue(q, now) {
			v.Overdue = append(v.Overdue, key(q))
		}
	}
	return v.sum()
}

// add notes the victims on another node; sum is to follow.
func (v *Victims) add(w *Victims) {
	if w == nil {
		return
	}
	v.Count += w.Count
	v.Pods = append(v.Pods, w.Pods...)
	v.Stranded = append(v.Stranded, w.Stranded...)
	v.Bare = append(v.Bare, w.Bare...)
	v.Overdue = append(v.Overdue, w.Overdue...)
	v.short = w.short
}

// sum puts in order, and cuts, what was added up; nil for no victims.
func (v *Victims) sum() *Victims {
	if v.Count == 0 {
		return nil
	}
	sortHolders(v.Pods, v.short)
	v.Pods = v.Pods[:min(len(v.Pods), maxHolders)]
	slices.Sort(v.Stranded)
	v.Stranded = slices.Compact(v.Stranded)
	slices.Sort(v.Bare)
	slices.Sort(v.Overdue)
	return v
}

// stranded names what a pod belongs to where it has no other place than its
// node.
func stranded(p *snapshot.Pod) string {
	switch {
	case p.Owner == nil:
		return ""
	case p.Owner.Kind == "DaemonSet":
		return "DaemonSet " + p.Namespace + "/" + p.Owner.Name
	case p.Owner.Kind == "Node":
		return "static pod " + key(p)
	}
	return ""
}

// text names the largest victims, and what they belong to.
func (v *Victims) text() string {
	const most = 3
	var out []string
	for i := range v.Pods[:min(len(v.Pods), most)] {
		h := &v.Pods[i]
		s := fmt.Sprintf("%s (%s)", h.Pod, cmp.Or(strings.Replace(h.Owner, "/", " ", 1), "no controller"))
		if len(v.short) > 0 && v.short[0].Name != string(corev1.ResourcePods) {
			s += " " + quantity(v.short[0].Name, h.amount(v.short[0].Name))
		}
		out = append(out, s)
	}
	text := strings.Join(out, ", ")
	if n := v.Count - len(out); n > 0 {
		text += fmt.Sprintf(", +%d", n)
	}
	return text
}

// against says what speaks against evicting these: pods of what has no other
// place, pods that nothing makes again, and pods that do not end; nothing where
// all go, and come back elsewhere.
func (v *Victims) against() []string {
	var out []string
	if len(v.Stranded) > 0 {
		out = append(out, "pods of "+few(v.Stranded)+", which have no other place")
	}
	switch {
	case len(v.Bare) == 1:
		out = append(out, v.Bare[0]+": nothing makes it again")
	case len(v.Bare) > 1:
		out = append(out, few(v.Bare)+": nothing makes them again")
	}
	switch {
	case len(v.Overdue) == 1:
		out = append(out, v.Overdue[0]+", which is deleted and does not end")
	case len(v.Overdue) > 1:
		out = append(out, few(v.Overdue)+", which are deleted and do not end")
	}
	return out
}

// raise says what the highest priority class would do for a pod of the
// DaemonSet: whom it evicts, and whether it helps. It does not where a victim
// does not come back elsewhere, as the pod of another DaemonSet, which would only
// move the gap, or does not go.
func (room *Room) raise(d *DaemonSetResult) (evicts string, helps bool) {
	spec := &d.DaemonSet.Spec.Template.Spec
	never := spec.PreemptionPolicy != nil && *spec.PreemptionPolicy == corev1.PreemptNever
	c := room.Critical
	if c == nil || c.Preemption != preemptPossible || c.Victims == nil || never || spec.PriorityClassName == "system-node-critical" {
		return "", false
	}
	return c.Victims.text(), len(c.Victims.against()) == 0
}

// noRaise says why a higher priority class is no way out, where it would make
// room that the scheduler does not make as things are.
func (room *Room) noRaise(d *DaemonSetResult) string {
	evicts, helps := room.raise(d)
	if helps || evicts == "" || room.Preemption == preemptPossible || room.Preemption == preemptUnderWay {
		return ""
	}
	v := room.Critical.Victims
	text := "a higher priority class "
	if len(v.Stranded) > 0 {
		text += "would only move the gap: it "
	}
	return text + "evicts " + strings.Join(v.against(), "; and ")
}
