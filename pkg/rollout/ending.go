package rollout

import (
	"slices"
	"time"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// resting lets nodes in flight land while nothing new is begun, and then
// waits for a person. A pause is not a freeze: what joins or is evicted starts
// on the template.
func (d *decider) resting() Decision {
	if dec := d.guard(); dec != nil {
		return *dec
	}
	if d.r.Undo != nil && !d.r.Undo.TouchPods && !d.r.Undo.Pinned && d.v.onDelete() {
		dec, ok := d.templateBack()
		if !ok {
			return dec
		}
		d.next().Undo.Pinned = true
		return d.save("hold: the template is back")
	}
	ps := d.look(false)
	if dec := d.landing(&ps); dec != nil {
		return *dec
	}
	if a := d.strayMark(); a != nil {
		return act(a)
	}
	if ps.pause != nil {
		ps.waitFor(*ps.pause, time.Time{})
	}
	if len(d.r.InFlight) > 0 {
		because := append([]Cause{{Code: WaitLanding}}, ps.waits...)
		return Decision{Wait: &Wait{Until: ps.until, Because: because}}
	}
	if d.r.Phase == Paused {
		exit := ExitPaused
		if d.r.Because.Code == PauseTimeout {
			exit = ExitTimedOut
		}
		return Decision{Wait: &Wait{Because: []Cause{*d.r.Because}, Rests: true, Exit: exit}}
	}
	return d.stopped()
}

// landing brings down what is in flight while nothing is begun; nil where
// there is nothing to do or to say about it.
func (d *decider) landing(ps *pass) *Decision {
	var dec Decision
	switch {
	case len(ps.failures) > 0:
		d.next().fail(ps.failures)
		if f := ps.failures[0]; d.r.Phase == Paused {
			dec = d.rest(Stopped, Cause{Code: StopFailed, Node: f.Node, Message: f.Message})
			return &dec
		}
		dec = d.save("a node failed while the run rested")
	case ps.act != nil:
		dec = act(ps.act)
	case len(ps.landed)+len(ps.released) > 0:
		d.land(ps)
		dec = d.save("nodes landed")
	default:
		return nil
	}
	return &dec
}

func (d *decider) stopped() Decision {
	s := &Stop{Because: *d.r.Because, Failed: d.r.Failed, Resumable: true, Exit: ExitStopped, Left: d.cordonsLeft()}
	if s.Because.Node != "" {
		s.Evidence = d.evidence(s.Because.Node)
	}
	return Decision{Stop: s}
}

// cordonsLeft names failed nodes that stay cordoned while the run is stopped:
// workloads are better elsewhere until somebody has looked.
func (d *decider) cordonsLeft() []Left {
	var out []Left
	for i := range d.v.Nodes {
		if n := &d.v.Nodes[i]; n.Mark.ours(d.r.ID) {
			out = append(out, Left{Node: n.Node.Name, What: LeftCordon, Reason: "its new pod failed"})
		}
	}
	return out
}

// finish is the end of striving: every node is settled or cannot be reached.
func (d *decider) finish() Decision {
	n := d.next()
	n.Phase, n.Because, n.Outcome = Finishing, nil, OutcomeDone
	if d.r.Undo != nil {
		n.Outcome = OutcomeUndone
	}
	return d.save("every node is settled")
}

// ending cleans up: nodes, strategy, copies of the annotation, Lease.
func (d *decider) ending() Decision {
	if d.r.Phase == Aborting {
		if dec := d.landAborted(); dec != nil {
			return *dec
		}
	}
	if a := d.uncordonAny(func(string) bool { return true }); a != nil {
		return act(a)
	}
	left := d.leftBehind()
	if dec := d.handBack(&left); dec != nil {
		return *dec
	}
	for _, rev := range d.v.Revisions {
		if _, ok := rev.Annotations[ArmAnnotation]; ok {
			return act(&CleanRevision{Name: rev.Name, UID: rev.UID, ResourceVersion: rev.ResourceVersion})
		}
	}
	if dec := d.moment(); dec != nil {
		return *dec
	}
	n := d.next()
	n.Phase, n.Left, n.Nodes, n.InFlight = Ended, left, d.onTarget(), nil
	return d.save("nothing is left to do")
}

// moment gives a pod that was proven, and is not available as the run finishes,
// the time that it has while the run goes on: one look is no verdict.
func (d *decider) moment() *Decision {
	if d.r.Phase != Finishing {
		return nil
	}
	for _, i := range d.r.Touched {
		n, counts := d.counts(i)
		if !counts || !n.ShouldRun || !d.down(n) || len(d.old(n)) > 0 || d.r.failed(n.Node.Name) {
			continue
		}
		if ends := since(d.o.Nodes[n.Node.Name].Down, d.now).Add(lostAfter); !d.now.After(ends) {
			return &Decision{Wait: &Wait{Until: ends.Add(time.Second), Because: []Cause{{Code: WaitAvailable, Node: n.Node.Name}}}}
		}
	}
	return nil
}

// landAborted waits for pods that were deleted to come back, on whatever
// revision, before their nodes are given back. It begins nothing.
func (d *decider) landAborted() *Decision {
	ps := d.look(false)
	var dec Decision
	switch {
	case ps.act != nil:
		dec = act(ps.act)
	case len(ps.landed)+len(ps.released)+len(ps.failures) > 0:
		d.land(&ps)
		d.next().fail(ps.failures)
		dec = d.save("nodes landed")
	case len(d.r.InFlight) > 0:
		dec = Decision{Wait: &Wait{Until: ps.until, Because: append([]Cause{{Code: WaitLanding}}, ps.waits...)}}
	default:
		return nil
	}
	return &dec
}

// What is left behind.
const (
	LeftOldPod    = "OldPod"    // a pod of an older revision
	LeftFailedPod = "FailedPod" // a node that failed on the target
	LeftNoPod     = "NoPod"     // a node without an available pod that did not fail
	LeftCordon    = "Cordon"    // a node that is still cordoned
	LeftStrategy  = "Strategy"  // the DaemonSet is still OnDelete
	LeftSkipped   = "Skipped"   // an old pod that is available, on a node that a person skipped
)

func (l Left) bad() bool { return l.What != LeftSkipped }

// handBack gives the strategy back, or says why not. The built-in update
// would delete exactly those pods that are still old: on nodes where they
// would not come back, on lost nodes, and on skipped ones (rollout.md e-6,
// e-12, e-13).
func (d *decider) handBack(left *[]Left) *Decision {
	armed, err := ArmedOf(d.v.DaemonSet)
	if err != nil {
		*left = append(*left, Left{What: LeftStrategy, Reason: err.Error()})
		return nil
	}
	if armed == nil && d.v.onDelete() && d.r.Original != onDelete {
		// Whoever took the annotation away may mean OnDelete to stay.
		*left = append(*left, Left{What: LeftStrategy, Reason: "somebody removed the annotation of the run: OnDelete stays, it was " + d.r.Original})
	}
	if armed == nil || armed.Run != d.r.ID {
		return nil
	}
	ds := d.v.DaemonSet
	if !d.v.settled() {
		dec := d.wait(Cause{Code: WaitObserved})
		return &dec
	}
	a := &HandBack{UID: ds.UID, ResourceVersion: ds.ResourceVersion}
	if armed.Original != string(ds.Spec.UpdateStrategy.Type) {
		a.Strategy = armed.Original
		if old := d.v.Outdated(); len(old) > 0 {
			if ends := since(d.o.Stray, d.now).Add(strayFor); d.v.onlyStray() && ends.After(d.now) {
				return &Decision{Wait: &Wait{Until: ends, Because: []Cause{{Code: WaitTerminating, Node: old[0].EffectiveNode(), Message: old[0].Name}}}}
			}
			if !d.p.HandBack {
				*left = append(*left, Left{Node: old[0].EffectiveNode(), What: LeftStrategy,
					Reason: "old pods remain, which the controller would begin to replace immediately, up to maxUnavailable at a time"})
				return nil
			}
			a.Acknowledged = true
		}
	}
	dec := act(a)
	return &dec
}

func (d *decider) leftFailed(n *NodeView, f *Failure) Left {
	l := Left{Node: f.Node, What: LeftFailedPod, Reason: f.words()}
	if len(d.old(n)) > 0 {
		l.What = LeftOldPod // it failed before its pod was replaced
	}
	return l
}

// leftBehind names nodes that do not run the target, and why.
func (d *decider) leftBehind() []Left {
	var out []Left
	for i := range d.v.Nodes {
		n := &d.v.Nodes[i]
		f := d.r.failure(n.Node.Name)
		switch old := len(d.old(n)) > 0; {
		case old && d.r.Outcome != OutcomeAborted:
			out = append(out, d.leftOld(n, f))
		case f != nil && d.stands(d.r, f):
			out = append(out, d.leftFailed(n, f))
		case !old && n.ShouldRun && d.down(n) && d.r.has(n):
			out = append(out, d.leftDown(n))
		}
	}
	return out
}

// leftDown says what is known of a node that the run went past, and whose pod
// of the target is not available.
func (d *decider) leftDown(n *NodeView) Left {
	name := n.Node.Name
	l := Left{Node: name, What: LeftNoPod, Reason: "it did not become available"}
	switch {
	case slices.Contains(d.r.Skipped, name):
		l.Reason = "skipped by a person"
	case lostNode(n):
		l.Reason = "the node is lost"
	case slices.Contains(d.r.Touched, d.r.index(name)): // else it had failed
		l.Reason = "its new pod is no longer available"
	case slices.Contains(d.r.Fenced, name):
		l.Reason = "broken before the run, and set aside"
	}
	l.Reason += d.gapWords(name)
	return l
}

// gapWords is why no pod of a node is available, in brackets; empty where one
// is.
func (d *decider) gapWords(node string) string {
	if v := d.evidence(node); v != nil && v.State.Gap() {
		return " (" + string(v.Reason) + ")"
	}
	return ""
}

// leftOld says why a node still runs an old pod.
func (d *decider) leftOld(n *NodeView, f *Failure) Left {
	name := n.Node.Name
	l := Left{Node: name, What: LeftOldPod, Reason: "not in the scope of the run"}
	switch {
	case slices.Contains(d.r.Skipped, name) && !d.down(n):
		l.What, l.Reason = LeftSkipped, "skipped by a person"
	case slices.Contains(d.r.Skipped, name):
		l.Reason = "skipped by a person" + d.gapWords(name)
	case f != nil:
		l.Reason = f.words()
	case slices.Contains(d.r.Fenced, name):
		l.Reason = "broken before the run, and set aside"
	case !n.ShouldRun || n.Doubt:
		l.Reason = "its pod would not come back: the node is not eligible now"
	case lostNode(n):
		l.Reason = "the node is lost"
	case n.Mark != nil && !n.Mark.ours(d.r.ID):
		l.Reason = "the node is held by run " + n.Mark.Run
	case d.r.knows(name) && (d.r.Undo != nil || d.r.wave(d.r.index(name)) > 0):
		l.Reason = "the node is not Ready"
	case d.r.knows(name):
		l.Reason = "not among the nodes that the policy selects"
	}
	return l
}

// onTarget counts the nodes of the scope that run the target and whose failure
// does not stand.
func (d *decider) onTarget() int {
	count := 0
	for _, m := range d.r.Members {
		if f := d.r.failure(m.Node); f != nil && d.stands(d.r, f) {
			continue
		}
		if n := d.v.member(m); n != nil && slices.ContainsFunc(n.Pods, func(p *snapshot.Pod) bool {
			return d.isTarget(p) && n.available(p, d.minReady, d.now)
		}) {
			count++
		}
	}
	return count
}
