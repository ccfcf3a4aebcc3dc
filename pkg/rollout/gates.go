package rollout

import (
	"maps"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// passStands is how long the pass of a gate before a node counts: between it
// and the start of the node nothing else should lie.
const passStands = time.Minute

// gates asks the gates of one moment, in order. It reports whether all are
// open; if not, what to do. A gate that cannot look blocks, as one that fails
// does.
func (d *decider) gates(when When, node string, wave int, alreadyDown bool) (step, bool) {
	for i := range d.p.Gates {
		g := &d.p.Gates[i]
		if g.When != when || g.OwnPod && alreadyDown {
			continue
		}
		key := GateKey{Gate: g.Name, Node: node, Wave: wave}
		seen, asked := d.o.Gates[key]
		if seen.Running {
			return step{wait: d.gateCause(g, key, "running"), until: d.now.Add(passStands), asking: true}, false
		}
		if !asked {
			return d.ask(g, key, 1), false
		}
		if s, open := d.answer(g, key, seen); !open {
			return s, false
		}
	}
	return step{}, true
}

func (d *decider) answer(g *Gate, key GateKey, seen GateSeen) (step, bool) {
	again := seen.At.Add(interval(g.Interval))
	switch seen.Outcome {
	case GatePass:
		if g.When == BeforeNode && d.now.Sub(seen.At) > passStands {
			return d.ask(g, key, seen.Attempts+1), false
		}
		return step{}, true
	case GateHold:
		// A hold is an answer, not a failure: it is asked again for as long
		// as a node may take, and then nobody looks any more.
		if d.now.Sub(seen.First) > d.p.nodeTimeout() {
			return d.blocked(g, key, "holds for longer than "+d.p.nodeTimeout().String()+": "+seen.Reason), false
		}
	case GateFail, GateError:
		if seen.Attempts > g.tries(seen.Outcome) {
			return d.blocked(g, key, seen.said()), false
		}
	default:
		return d.blocked(g, key, "gave no answer"), false
	}
	if again.After(d.now) {
		return step{wait: d.gateCause(g, key, seen.said()), until: again}, false
	}
	return d.ask(g, key, seen.Attempts+1), false
}

// readTries is how often a built-in gate that could not read is asked again:
// one answer of a server that is busy is no word about the node.
const readTries = 3

// tries is how often a gate is asked again after such an answer.
func (g *Gate) tries(o GateOutcome) int {
	if o == GateError && g.Builtin != "" {
		return max(int(g.Retries), readTries)
	}
	return int(g.Retries)
}

func (d *decider) ask(g *Gate, key GateKey, attempt int) step {
	return step{act: &RunGate{Gate: g.Name, When: g.When, Node: key.Node, Wave: key.Wave, Attempt: attempt}}
}

// blocked is a failure of the node where the gate is asked after it, else a
// reason to stop.
func (d *decider) blocked(g *Gate, key GateKey, message string) step {
	if g.When == AfterNode {
		f := d.failure(key.Node, "gate "+g.Name+": "+message)
		f.Reason = string(StopGate)
		return step{failure: f}
	}
	return step{pause: &Cause{Code: StopGate, Node: key.Node, Wave: key.Wave, Gate: g.Name, Message: message}}
}

func (d *decider) gateCause(g *Gate, key GateKey, message string) *Cause {
	return &Cause{Code: WaitGate, Node: key.Node, Wave: key.Wave, Gate: g.Name, Message: message}
}

func (s *GateSeen) said() string { return string(s.Outcome) + ": " + s.Reason }

func interval(v *metav1.Duration) time.Duration {
	if v == nil {
		return DefaultGateInterval
	}
	return v.Duration
}

// NoteGate records the answer of a gate.
func (o *Observed) NoteGate(key GateKey, outcome GateOutcome, reason string, at time.Time) {
	seen := o.Gates[key]
	seen.Running, seen.Outcome, seen.Reason, seen.At = false, outcome, reason, at
	switch {
	case outcome == GatePass:
		seen.First, seen.Attempts = time.Time{}, 0
	case seen.First.IsZero():
		seen.First = at
	}
	if outcome == GateFail || outcome == GateError {
		seen.Attempts++
	}
	o.Gates[key] = seen
}

// forgetAnswers drops answers of a gate that are of another approach: those
// from before the pod soaked as it has now, and those after which nobody asked
// again when it was time to.
func (d *decider) forgetAnswers(g *Gate, seen map[GateKey]GateSeen, nodes map[string]NodeSeen) {
	maps.DeleteFunc(seen, func(k GateKey, s GateSeen) bool {
		switch {
		case k.Gate != g.Name || s.Running:
			return false
		case g.When == AfterNode:
			up := nodes[k.Node].Available
			return up.IsZero() || s.At.Before(up.Add(d.p.soak(d.minReady)))
		}
		return s.Outcome != GatePass && d.now.Sub(s.At) > interval(g.Interval)+passStands
	})
}

// NoteGateRuns records that a gate was started.
func (o *Observed) NoteGateRuns(key GateKey) {
	seen := o.Gates[key]
	seen.Running = true
	o.Gates[key] = seen
}
