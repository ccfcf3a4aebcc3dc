package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// talk is what a process has told, to hold it to what a reader relies on.
type talk struct {
	status  *rollout.Status
	seen    *rollout.Observed // of which the answers of gates were told
	flying  map[string]int    // nodes that were started and are neither done nor failed
	begun   map[int]bool      // waves, by what was told
	over    map[int]bool
	rests   rollout.EventType // of the last pause or stop, until it is gone on with
	failed  map[string]bool
	blocked map[rollout.GateKey]time.Time // of the answer that was told
}

// say derives the events of this look. They have to make sense: each once, and
// in order.
func (d *driver) say(run *rollout.Run, v *rollout.View) {
	now := rollout.StatusOf(d.policy, run, v, d.obs, d.c.now)
	t := d.talk
	if t == nil {
		t = &talk{flying: map[string]int{}, begun: map[int]bool{}, over: map[int]bool{}, failed: map[string]bool{}, blocked: map[rollout.GateKey]time.Time{}}
		d.talk = t
		for _, f := range now.Flights {
			t.flying[f.Node]++ // of the process before
		}
		later := false
		for _, w := range slices.Backward(now.Waves) {
			t.begun[w.Number], t.over[w.Number] = w.Begun, w.Begun && (later || w.Done == w.Nodes)
			later = later || w.Begun
		}
	}
	done := map[int]bool{}
	for _, e := range append(rollout.Events(t.status, now), rollout.GateEvents(run.ID, t.seen, d.obs, d.c.now)...) {
		t.hear(&e, done)
		if key := (rollout.GateKey{Gate: e.Gate, Node: e.Node, Wave: e.Wave}); e.Type == rollout.EventGateBlocked {
			at := d.obs.Gates[key].At
			if t.blocked[key].Equal(at) {
				panic(fmt.Sprintf("that %+v blocks is told twice", key))
			}
			t.blocked[key] = at
		}
	}
	if now.Done > now.Total || len(now.Taken) > len(run.Members) {
		panic(fmt.Sprintf("figures do not add up: %d of %d done, %d places taken", now.Done, now.Total, len(now.Taken)))
	}
	t.status = now
	t.seen = &rollout.Observed{Gates: map[rollout.GateKey]rollout.GateSeen{}}
	for k, g := range d.obs.Gates {
		t.seen.Gates[k] = g
	}
}

func (t *talk) hear(e *rollout.Event, done map[int]bool) {
	switch e.Type {
	case rollout.EventNodeStarted, rollout.EventNodeFailed, rollout.EventNodeDone:
		t.hearNode(e, done)
	case rollout.EventWaveStarted:
		t.waveStarted(e.Wave)
	case rollout.EventWaveDone:
		if t.over[e.Wave] || !t.begun[e.Wave] {
			panic(fmt.Sprintf("wave %d is over: told before %v, begun %v", e.Wave, t.over[e.Wave], t.begun[e.Wave]))
		}
		t.over[e.Wave] = true
	case rollout.EventPaused, rollout.EventStopped:
		if t.rests == e.Type {
			panic(fmt.Sprintf("%s is told twice", e.Type))
		}
		t.rests = e.Type
	case rollout.EventUndoing:
		t.rests, t.failed = "", map[string]bool{}
	case rollout.EventResumed, rollout.EventAborting:
		t.rests = ""
	case "":
		panic("an event without a type")
	default:
	}
}

func (t *talk) hearNode(e *rollout.Event, done map[int]bool) {
	switch e.Type {
	case rollout.EventNodeStarted:
		if e.Wave > 0 && !t.begun[e.Wave] { // on the way back there are none
			panic(fmt.Sprintf("node %s is started before wave %d is", e.Node, e.Wave))
		}
		t.flying[e.Node]++
		t.failed[e.Node] = false
	case rollout.EventNodeFailed:
		if t.failed[e.Node] {
			panic(fmt.Sprintf("that node %s failed is told twice", e.Node))
		}
		t.failed[e.Node] = true
	case rollout.EventNodeDone:
		if t.flying[e.Node]--; t.flying[e.Node] < 0 {
			panic(fmt.Sprintf("node %s is done more often than it was started", e.Node))
		}
		if done[e.Done] {
			panic(fmt.Sprintf("two nodes are the %dth that is done", e.Done))
		}
		done[e.Done] = true
	default:
	}
}

func (t *talk) waveStarted(wave int) {
	if t.begun[wave] {
		panic(fmt.Sprintf("wave %d begins twice", wave))
	}
	for w := 1; w < wave; w++ {
		if t.begun[w] && !t.over[w] {
			panic(fmt.Sprintf("wave %d begins before it is told that wave %d is over", wave, w))
		}
	}
	t.begun[wave] = true
}
