package rollout

import (
	"maps"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// Observed is what this process saw itself, by its own clock. It is empty
// after a restart, and can only lengthen waiting: no duration of a policy is
// measured by a clock of somebody else, which may be wrong (kubernetes issue
// 77203: a skewed clock of the controller held a rollout for ever).
type Observed struct {
	Since time.Time // when this process began, or the run was gone on with after a rest
	Full  time.Time // nothing is in flight and nodes that are down or have failed keep all others out, since
	Stray time.Time // only pods of nodes that are gone keep the strategy from being given back, since
	Epoch int64     // leaseTransitions that it holds the Lease by
	Nodes map[string]NodeSeen
	Gates map[GateKey]GateSeen
	// Refused are evictions that the server refused.
	Refused map[types.UID]Refusal
	// Zones are the time zones of the policy's windows. A zone that is not
	// there is one in which the window is closed.
	Zones map[string]*time.Location
	// Template is what the run is to bring; only in the process that starts it.
	Template *corev1.PodTemplateSpec

	outside bool // somebody who does not drive looks
}

// NodeSeen is what was seen of one node. A zero time is "not so now".
type NodeSeen struct {
	Pod       types.UID     // the pod that Available is about
	Available time.Time     // since when it is available without a break and a restart
	Broke     time.Time     // its new pod was available, and has not been since
	Lasted    time.Duration // for how long it was seen to be available, last
	ready     snapshot.Time // the pod's own word since when: a change tells of a break between two looks
	Restarts  int32
	Flying    time.Time // in flight since
	Replaced  time.Time // its old pod is deleted since: the node's time runs from here
	Drain     time.Time // free of jobs and cordoned since
	Down      time.Time // touched, and without an available pod since
	NotReady  time.Time // the node's Ready is not True since
	Stuck     time.Time // its wave waits for it, and nothing can be done, since
}

// GateKey names one question to a gate.
type GateKey struct {
	Gate string
	Node string // empty before a wave
	Wave int
}

// GateOutcome is a gate's answer.
type GateOutcome string

// Answers of a gate. Error means that it could not look: it blocks.
const (
	GatePass  GateOutcome = "pass"
	GateHold  GateOutcome = "hold"
	GateFail  GateOutcome = "fail"
	GateError GateOutcome = "error"
)

// GateSeen is the newest answer of a gate.
type GateSeen struct {
	Running  bool
	Outcome  GateOutcome
	Reason   string // untrusted
	At       time.Time
	Attempts int       // that ended in fail or error, since it last passed
	First    time.Time // of the answers since it last passed
}

// Refusal is the server's no to an eviction.
type Refusal struct {
	Node      string    // of the pod: it is forgotten when the node is no longer in flight
	Until     time.Time // ask again then
	Permanent bool      // more than one PodDisruptionBudget selects the pod
	Reason    string    // untrusted
}

// NewObserved is what a process has seen that has just begun.
func NewObserved(now time.Time, epoch int64) *Observed {
	return &Observed{
		Since: now, Epoch: epoch, Nodes: map[string]NodeSeen{}, Gates: map[GateKey]GateSeen{},
		Refused: map[types.UID]Refusal{}, Zones: map[string]*time.Location{},
	}
}

// Observe looks once more and returns what was seen by now. Only nodes that
// something is to be remembered of are kept. prev is not changed.
func Observe(prev *Observed, p *Policy, r *Run, v *View, now time.Time) *Observed {
	out := *prev
	out.Nodes, out.Full, out.Stray = map[string]NodeSeen{}, time.Time{}, time.Time{}
	out.Gates = gatesThatStand(prev.Gates, p, r)
	out.Refused = maps.Clone(prev.Refused)
	maps.DeleteFunc(out.Refused, func(_ types.UID, no Refusal) bool { return r.flight(no.Node) == nil })
	if r.Phase == Paused || r.Phase == Stopped {
		out.Since = now // the time that a run may take begins anew where somebody goes on with it
	}
	if v.DaemonSet == nil || r.Target.Hash == "" || v.Unread != "" {
		return &out
	}
	d := newDecider(p, r, v, prev, now)
	for _, f := range r.InFlight {
		if n := v.Node(f.Node); n != nil && n.Node.UID == f.NodeUID {
			out.Nodes[f.Node] = d.seeFlight(n, &f, prev.Nodes[f.Node])
		}
	}
	if d.shut() {
		out.Full = since(prev.Full, now)
	}
	if (r.Phase == Aborting || r.Phase == Finishing) && v.onlyStray() {
		out.Stray = since(prev.Stray, now)
	}
	d.seeMembers(out.Nodes)
	for i := range p.Gates {
		d.forgetAnswers(&p.Gates[i], out.Gates, out.Nodes)
	}
	return &out
}

// seeMembers notes of nodes that are not in flight how long they have been
// down, and how long their wave has waited for them.
func (d *decider) seeMembers(nodes map[string]NodeSeen) {
	touched := map[int]bool{}
	for _, i := range d.r.Touched {
		touched[i] = true
	}
	for i, m := range d.r.Members {
		n := d.v.member(m)
		if n == nil || d.r.flight(m.Node) != nil {
			continue
		}
		was, seen := d.o.Nodes[m.Node], NodeSeen{}
		if touched[i] && !n.anyAvailable(d.minReady, d.now) {
			seen.Down = since(was.Down, d.now)
		}
		if (d.r.wave(i) > 0 || d.r.Undo != nil) && d.class(i).stuck() {
			seen.Stuck = since(was.Stuck, d.now)
		}
		if seen != (NodeSeen{}) {
			nodes[m.Node] = seen
		}
	}
}

func (d *decider) seeFlight(n *NodeView, f *Flight, was NodeSeen) NodeSeen {
	seen := NodeSeen{Flying: since(was.Flying, d.now)}
	if n.Ready != corev1.ConditionTrue {
		seen.NotReady = since(was.NotReady, d.now)
	}
	if d.replaced(n, f) {
		seen.Replaced = since(was.Replaced, d.now)
	}
	if d.readyToDrain(n, f) {
		seen.Drain = since(was.Drain, d.now)
	}
	p := d.proof(n, f)
	if p == nil || !n.available(p, d.minReady, d.now) || n.Ready != corev1.ConditionTrue {
		if seen.Broke, seen.Lasted = was.Broke, was.Lasted; !was.Available.IsZero() {
			seen.Broke = d.now
		}
		return seen
	}
	seen.Pod, seen.Restarts, seen.ready, seen.Available = p.UID, p.Restarts, p.ReadySince, d.now
	if was.Pod == p.UID && was.Restarts == p.Restarts && was.ready == p.ReadySince && !was.Available.IsZero() {
		seen.Available = was.Available
	}
	seen.Lasted = d.now.Sub(seen.Available)
	return seen
}

func since(was, now time.Time) time.Time {
	if was.IsZero() {
		return now
	}
	return was
}

// gatesThatStand forgets answers that are to be asked for again: those that
// stopped a run that has been resumed, and those about a node that has landed.
func gatesThatStand(seen map[GateKey]GateSeen, p *Policy, r *Run) map[GateKey]GateSeen {
	out := map[GateKey]GateSeen{}
	for k, s := range seen {
		rests := r.Phase == Paused || r.Phase == Stopped
		landed := false
		for i := range p.Gates {
			landed = landed || p.Gates[i].Name == k.Gate && p.Gates[i].When == AfterNode && r.flight(k.Node) == nil
		}
		if s.Running || !landed && (!rests || s.Outcome == GatePass || r.flight(k.Node) != nil) {
			out[k] = s
		}
	}
	return out
}
