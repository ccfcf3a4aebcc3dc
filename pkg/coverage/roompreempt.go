package coverage

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

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

// ending are the pods of a lower priority that are being deleted: those that the
// scheduler preempted for the pod are among them.
func (s *roomScene) ending() []*snapshot.Pod {
	var out []*snapshot.Pod
	for _, q := range s.bound {
		if q.Deleted != 0 && q.Priority < s.p.Priority {
			out = append(out, q)
		}
	}
	return out
}

func mayPreempt(p *snapshot.Pod) bool {
	return p.Full == nil || p.Full.Spec.PreemptionPolicy == nil || *p.Full.Spec.PreemptionPolicy != corev1.PreemptNever
}

// newVictims keeps the largest by what is short.
func newVictims(pods []*snapshot.Pod, short []ResourceRoom) *Victims {
	if len(pods) == 0 {
		return nil
	}
	v := &Victims{Count: len(pods), short: short}
	for _, q := range pods {
		v.Pods = append(v.Pods, newHolder(q))
		if text := stranded(q); text != "" && !slices.Contains(v.Stranded, text) {
			v.Stranded = append(v.Stranded, text)
		}
	}
	v.cut()
	return v
}

func (v *Victims) cut() {
	sortHolders(v.Pods, v.short)
	v.Pods = v.Pods[:min(len(v.Pods), maxHolders)]
	slices.Sort(v.Stranded)
	v.Stranded = slices.Compact(v.Stranded)
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

// merge adds the victims on another node.
func (v *Victims) merge(w *Victims) *Victims {
	if v == nil || w == nil {
		return cmp.Or(v, w)
	}
	sum := &Victims{
		Count: v.Count + w.Count, Pods: slices.Concat(v.Pods, w.Pods),
		Stranded: slices.Concat(v.Stranded, w.Stranded), short: v.short,
	}
	sum.cut()
	return sum
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

// raise says what the highest priority class would do for a pod of the
// DaemonSet: whom it evicts, and whether it helps. It does not where a victim
// has no other place, as the pod of another DaemonSet: that would only move the
// gap.
func (room *Room) raise(d *DaemonSetResult) (evicts string, helps bool) {
	spec := &d.DaemonSet.Spec.Template.Spec
	never := spec.PreemptionPolicy != nil && *spec.PreemptionPolicy == corev1.PreemptNever
	c := room.Critical
	if c == nil || c.Preemption != preemptPossible || c.Victims == nil || never || spec.PriorityClassName == "system-node-critical" {
		return "", false
	}
	return c.Victims.text(), len(c.Victims.Stranded) == 0
}

// noRaise says why a higher priority class is no way out, where it would make
// room.
func (room *Room) noRaise(d *DaemonSetResult) string {
	if evicts, helps := room.raise(d); helps || evicts == "" {
		return ""
	}
	return "a higher priority class would only move the gap: it evicts pods of " + few(room.Critical.Victims.Stranded) + ", which have no other place"
}
