package rollout

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

type templateSpec = corev1.PodTemplateSpec

// class is where one member of the scope stands, seen from the cluster.
type class uint8

const (
	classGone     class = iota + 1 // left the cluster, or a namesake took its place
	classAside                     // skipped by a person, or fenced and nothing can be done
	classFlying                    // in flight
	classFailed                    //
	classDone                      // an available pod of the target, and no old one
	classReady                     // to be replaced: an old pod, an eligible node that is Ready
	classNoReturn                  // an old pod that would not come back
	classPending                   // between pods, or the pod of the target is not available, without us
	classNotReady                  // an old pod on a node that is not Ready
	classHeld                      // another run has cordoned the node
)

// stuck reports whether a wave may have to wait for the node.
func (c class) stuck() bool { return c == classPending || c == classNotReady || c == classHeld }

// isTarget reports whether a pod is of the target revision.
func (d *decider) isTarget(p *snapshot.Pod) bool {
	return d.r.Target.Hash != "" && p.Labels[hashLabel] == d.r.Target.Hash
}

// old returns the live pods of the node that are of another revision.
func (d *decider) old(n *NodeView) []*snapshot.Pod {
	var out []*snapshot.Pod
	for _, p := range n.Pods {
		if live(p) && !d.isTarget(p) {
			out = append(out, p)
		}
	}
	return out
}

// Replaces reports whether a node runs a pod that the run has yet to replace.
func (r *Run) Replaces(n *NodeView) bool { return len((&decider{r: r}).old(n)) > 0 }

func (n *NodeView) anyAvailable(minReady int32, now time.Time) bool {
	return slices.ContainsFunc(n.Pods, func(p *snapshot.Pod) bool { return n.available(p, minReady, now) })
}

// down reports whether no pod of the DaemonSet is available on the node:
// judged by pods, since DaemonSet.status counts pods that are being deleted
// and leaves out nodes that lost eligibility (rollout.md e-12, e-15).
func (d *decider) down(n *NodeView) bool { return !n.anyAvailable(d.minReady, d.now) }

// free reports whether acting on a node costs nothing: no pod of the
// DaemonSet is even ready there. One that is ready and not available yet, by
// minReadySeconds, serves already, and is no less to be missed.
func free(n *NodeView) bool {
	return !slices.ContainsFunc(n.Pods, func(p *snapshot.Pod) bool { return p.Ready && live(p) })
}

func (d *decider) class(i int) class {
	if d.classes == nil {
		d.classes = make([]class, len(d.r.Members))
	}
	if d.classes[i] == 0 {
		d.classes[i] = d.classify(d.r.Members[i])
	}
	return d.classes[i]
}

func (d *decider) classify(m Member) class {
	c := d.classifyAny(m)
	if c.stuck() && (slices.Contains(d.r.Fenced, m.Node) || d.r.aside(m.Node)) {
		return classAside // nobody waits for what was broken, or left out, before
	}
	return c
}

func (d *decider) classifyAny(m Member) class {
	n := d.v.member(m)
	switch {
	case n == nil:
		return classGone
	case slices.Contains(d.r.Skipped, m.Node):
		return classAside
	case d.r.flight(m.Node) != nil:
		return classFlying
	}
	old := d.old(n)
	targetUp := slices.ContainsFunc(n.Pods, func(p *snapshot.Pod) bool {
		return d.isTarget(p) && n.available(p, d.minReady, d.now)
	})
	f := d.r.failure(m.Node)
	switch {
	case len(old) == 0 && targetUp && !f.byGate():
		return classDone
	case f != nil:
		return classFailed
	case len(old) == 0:
		return classPending
	case !n.ShouldRun || n.Doubt:
		return classNoReturn
	case n.Mark != nil && !n.Mark.ours(d.r.ID):
		return classHeld
	case n.Ready != corev1.ConditionTrue && !d.p.ActOnNotReady:
		return classNotReady
	default:
		return classReady
	}
}

// counts reports whether a member counts for the ceiling: it is there, and
// nobody set it aside. One that has lost eligibility still counts, and so does
// one that was broken before, once we have touched it.
func (d *decider) counts(i int) (*NodeView, bool) {
	m := d.r.Members[i]
	n := d.v.member(m)
	switch {
	case n == nil || slices.Contains(d.r.Skipped, m.Node) || d.r.aside(m.Node):
		return n, false
	case slices.Contains(d.r.Fenced, m.Node):
		return n, slices.Contains(d.r.Touched, i)
	}
	return n, true
}

// taken are the nodes that hold a place of the ceiling: those without an
// available pod, those in flight until soak and gates are over, and those that
// failed, for as long as that stands.
func (d *decider) taken(flights []Flight) map[string]bool {
	out := map[string]bool{}
	for i := range d.r.Members {
		if n, ok := d.counts(i); ok && d.down(n) {
			out[n.Node.Name] = true
		}
	}
	for i := range d.r.Failed {
		if f := &d.r.Failed[i]; d.stands(d.r, f) {
			out[f.Node] = true
		}
	}
	for i := range flights {
		f := &flights[i]
		if n := d.v.Node(f.Node); n != nil && n.Node.UID == f.NodeUID {
			out[f.Node] = true
		}
	}
	return out
}

func (d *decider) ceiling() int { return d.p.Ceiling(d.r.Size) }

// proof is the pod that a node in flight is proven by: of the target, or,
// where the template is no longer the target, whatever came after the old pod.
func (d *decider) proof(n *NodeView, f *Flight) *snapshot.Pod {
	var best *snapshot.Pod
	for _, p := range n.Pods {
		switch {
		case !live(p) || p.UID == f.PodUID:
		case !d.isTarget(p) && !d.drifted && !d.leaving():
		case best == nil, n.available(p, d.minReady, d.now):
			best = p
		}
	}
	return best
}

// leaving reports whether the run no longer strives for the target.
func (d *decider) leaving() bool { return d.r.Phase == Aborting }

// replaced reports whether the old pod of a flight has been deleted: it is
// gone or on its way, and no other old one is left to delete.
func (d *decider) replaced(n *NodeView, f *Flight) bool {
	if p := n.podByUID(f.PodUID); p != nil && live(p) {
		return false
	}
	if d.drifted || d.leaving() {
		return true
	}
	return len(d.old(n)) == 0
}

// departing returns a pod of the node that is on its way out and that the
// flight replaced.
func (d *decider) departing(n *NodeView, uid types.UID) *snapshot.Pod {
	for _, p := range n.Pods {
		if p.Deleted != 0 && !p.Terminal() && (p.UID == uid || !d.isTarget(p)) {
			return p
		}
	}
	return nil
}
