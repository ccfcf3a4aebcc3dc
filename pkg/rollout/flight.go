package rollout

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// How patient a run is with what kubelets mend by themselves.
const (
	// lostAfter is how long a node that we touched may be other than Ready,
	// or its pod unavailable after it was proven: a little more than one
	// missed heartbeat of a kubelet.
	lostAfter = 30 * time.Second
	// crashesAllowed of a new pod before it is called a failure: the third
	// restart comes after the first back-offs, so it is no accident.
	crashesAllowed = 2
)

// step is what a node in flight asks for: exactly one of the fields is set.
type step struct {
	act      Action
	landed   bool
	released bool     // not begun, and not to be begun now
	failure  *Failure //
	pause    *Cause   // somebody interferes
	wait     *Cause
	until    time.Time // of wait
	asking   bool      // a gate has been asked and has not answered
}

// fly decides for one node in flight. mayBegin is false where nothing more is
// to be started: then a node whose pod still stands is released.
func (d *decider) fly(f *Flight, mayBegin bool) step {
	n := d.v.Node(f.Node)
	if n == nil || n.Node.UID != f.NodeUID {
		return step{landed: true} // left the cluster; a namesake is another node
	}
	if n.Mark != nil && n.Mark.ours(d.r.ID) && n.Mark.Epoch > d.o.Epoch {
		return step{pause: &Cause{Code: StopLockLost, Node: f.Node, Message: "a newer driver has marked the node"}}
	}
	if d.replaced(n, f) {
		return d.prove(n, f)
	}
	return d.replace(n, f, mayBegin)
}

// replace goes from a node with its old pod to the deletion of that pod.
func (d *decider) replace(n *NodeView, f *Flight, mayBegin bool) step {
	if why := d.mayNot(n, f); why != nil || !mayBegin || len(d.old(n)) == 0 {
		if a := d.uncordon(n); a != nil {
			return step{act: a}
		}
		return step{released: true}
	}
	if s, done := d.prepare(n, f); !done {
		return s
	}
	p := d.old(n)[0]
	return step{act: &DeletePod{
		Namespace: p.Namespace, Name: p.Name, Node: f.Node, UID: p.UID, ResourceVersion: p.ResourceVersion,
	}}
}

// mayNot says why the pod of a node must not be deleted now.
func (d *decider) mayNot(n *NodeView, f *Flight) *Cause {
	taken := d.taken(d.r.InFlight)
	switch {
	case !n.ShouldRun || n.Doubt:
		return &Cause{Code: WaitPending, Node: f.Node, Message: "its pod would not come back"}
	case n.Ready != corev1.ConditionTrue && !d.p.ActOnNotReady:
		return &Cause{Code: WaitNode, Node: f.Node}
	case !free(n) && len(taken) > d.ceiling():
		return &Cause{Code: WaitCeiling, Node: f.Node}
	case d.byZone(d.r) && !free(n) && slices.Contains(d.r.Down, d.r.index(f.Node)):
		return &Cause{Code: WaitZone, Node: f.Node, Message: "its pod is back: it is begun in its turn"}
	case slices.ContainsFunc(d.r.InFlight, func(g Flight) bool { return g.Wave < f.Wave }):
		return &Cause{Code: WaitPending, Node: f.Node, Message: "a node of an earlier wave is tried again"}
	}
	return nil
}

// prepare cordons, waits for jobs, and drains. It reports whether all of that
// is over.
func (d *decider) prepare(n *NodeView, f *Flight) (step, bool) {
	if d.cordons(f) {
		if s, held := d.cordoned(n, f); !held {
			return s, false
		}
	}
	seen := d.o.Nodes[f.Node]
	// Jobs are waited for without a cordon, too: new ones may come meanwhile.
	if s, busy := d.jobs(n, f, seen); busy {
		return s, false
	}
	if s, busy := d.drain(n, f, seen); busy {
		return s, false
	}
	return step{}, true
}

// cordons reports whether a node is cordoned before its pod is deleted: also
// one that a person retried, and that is turned round later.
func (d *decider) cordons(f *Flight) bool { return f.Cordon || d.p.cordons() }

// cordoned reports whether the node carries our cordon; if not, what to do.
func (d *decider) cordoned(n *NodeView, f *Flight) (step, bool) {
	switch {
	case n.Mark == nil:
		return step{act: &Cordon{
			Node: f.Node, UID: n.Node.UID, ResourceVersion: n.Node.ResourceVersion,
			Mark: Mark{Run: d.r.ID, Epoch: d.o.Epoch, Prior: n.Node.Spec.Unschedulable},
		}}, false
	case !n.Mark.ours(d.r.ID):
		return step{released: true}, false
	case !n.Node.Spec.Unschedulable:
		return step{pause: &Cause{Code: PauseUncordon, Node: f.Node, Message: "somebody uncordoned the node while it was being drained"}}, false
	}
	return step{}, true
}

// prove goes from the deletion of the old pod to a node that is done.
func (d *decider) prove(n *NodeView, f *Flight) step {
	seen := d.o.Nodes[f.Node]
	if s, failed := d.lost(n, f, seen); failed {
		return s
	}
	if p := d.departing(n, f.PodUID); p != nil {
		return d.patient(f, seen, Cause{Code: WaitTerminating, Node: f.Node, Message: p.Name})
	}
	p := d.proof(n, f)
	switch {
	case p == nil:
		return d.patient(f, seen, Cause{Code: WaitNewPod, Node: f.Node})
	case seen.Available.IsZero() || seen.Pod != p.UID:
		if why := f.crashes(p); why != "" {
			return step{failure: d.failure(f.Node, why)}
		}
		return d.patient(f, seen, Cause{Code: WaitAvailable, Node: f.Node, Message: p.Name})
	}
	return d.soaked(n, f, seen, p)
}

// crashes says that the new pod restarted too often; empty where it did not.
// Only what came after the node was tried again is held against a pod that was
// there then.
func (f *Flight) crashes(p *snapshot.Pod) string {
	n, since := p.Restarts, ""
	if p.UID == f.Again.PodUID {
		n, since = n-f.Again.Restarts, " since the node was tried again"
	}
	if n <= crashesAllowed {
		return ""
	}
	return fmt.Sprintf("the new pod restarted %d times%s", n, since)
}

func (d *decider) soaked(n *NodeView, f *Flight, seen NodeSeen, p *snapshot.Pod) step {
	if d.leaving() { // whoever aborts does not wait for a proof
		if a := d.uncordon(n); a != nil {
			return step{act: a}
		}
		return step{landed: true}
	}
	soak := d.p.soak(d.minReady)
	if ends := seen.Available.Add(soak); ends.After(d.now) {
		// A pod that is available now and then never soaks: it has the time
		// of a node and one soak, in all.
		if d.now.Sub(seen.Replaced) > d.p.nodeTimeout()+soak {
			return step{failure: d.failure(f.Node, fmt.Sprintf("its pod was not available for %s without a break or a restart", soak))}
		}
		return step{wait: &Cause{Code: WaitSoak, Node: f.Node, Message: p.Name}, until: ends}
	}
	if s, open := d.gates(AfterNode, f.Node, f.Wave, false); !open {
		return s
	}
	if a := d.uncordon(n); a != nil {
		return step{act: a}
	}
	return step{landed: true}
}

// lost tells a node that broke after we touched it.
func (d *decider) lost(n *NodeView, f *Flight, seen NodeSeen) (step, bool) {
	if n.Ready == corev1.ConditionTrue || seen.NotReady.IsZero() || d.p.ActOnNotReady {
		return step{}, false
	}
	if d.now.Sub(seen.NotReady) <= lostAfter {
		return step{wait: &Cause{Code: WaitNode, Node: f.Node}, until: seen.NotReady.Add(lostAfter + time.Second)}, true
	}
	return step{failure: d.failure(f.Node, "the node is no longer Ready after its pod was replaced")}, true
}

// patient waits until the time of a node is over. A pod that broke late has a
// moment to mend itself all the same.
func (d *decider) patient(f *Flight, seen NodeSeen, c Cause) step {
	if seen.Replaced.IsZero() {
		return step{wait: &c, until: d.now.Add(time.Second)}
	}
	ends, why := seen.Replaced.Add(d.p.nodeTimeout()), fmt.Sprintf("its pod was not available within %s (%s)", d.p.nodeTimeout(), c.Code)
	if !seen.Broke.IsZero() {
		why = seen.brokeWords(d.p.soak(d.minReady))
		if late := seen.Broke.Add(lostAfter); late.After(ends) {
			ends = late
		}
	}
	if d.now.After(ends) {
		return step{failure: d.failure(f.Node, why)}
	}
	return step{wait: &c, until: ends.Add(time.Second)}
}

// brokeWords says how far a new pod came that broke: its gates are asked once
// it has soaked.
func (s *NodeSeen) brokeWords(soak time.Duration) string {
	if s.Lasted < soak {
		return fmt.Sprintf("its new pod was available, and broke before it had been so for %s", soak)
	}
	return fmt.Sprintf("its new pod broke after it had been available for %s, before its gates had passed", s.Lasted.Round(time.Second))
}

// uncordon gives back a node that carries our mark; nil where it does not.
func (d *decider) uncordon(n *NodeView) Action {
	if !n.Mark.ours(d.r.ID) {
		return nil
	}
	return &Uncordon{
		Node: n.Node.Name, UID: n.Node.UID, ResourceVersion: n.Node.ResourceVersion,
		Unschedulable: n.Mark.Prior && n.Node.Spec.Unschedulable,
	}
}

// uncordonAny gives back one node with our mark that which picks; nil where
// there is none.
func (d *decider) uncordonAny(which func(node string) bool) Action {
	for i := range d.v.Nodes {
		n := &d.v.Nodes[i]
		if n.Mark.ours(d.r.ID) && which(n.Node.Name) {
			return d.uncordon(n)
		}
	}
	return nil
}
