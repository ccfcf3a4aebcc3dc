package rollout

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// On the way back there are no waves, and what was done counts for the target
// that is left.
func TestEventsOfTheWayBack(t *testing.T) {
	w := newWorld(3)
	w.fly(0)
	w.run.Touched = []int{0, 1}
	before := StatusOf(w.pol, w.run, w.view(), w.obs, t0)
	w.run.Undo, w.run.Phase = &Undo{Away: w.run.Target, TouchPods: true}, Undoing
	w.run.InFlight[0].Wave = len(w.run.Waves) + 1
	after := StatusOf(w.pol, w.run, w.view(), w.obs, t0)
	if got := after.Flights[0].Wave; got != 0 {
		t.Errorf("in wave %d", got)
	}
	got := Events(before, after)
	if len(got) != 1 || got[0].Type != EventUndoing || got[0].Nodes != 2 || got[0].Total != 0 {
		t.Errorf("got %+v", got)
	}
}

// Nodes that land in one look have figures of their own, and a wave is over
// before the next one starts, once.
func TestEventsComeInOrderAndOnce(t *testing.T) {
	w := newWorld(4)
	w.run.Waves = []int{2, 4}
	var got []string
	var was *Status
	say := func() {
		now := StatusOf(w.pol, w.run, w.view(), w.obs, t0)
		for _, e := range Events(was, now) {
			got = append(got, fmt.Sprintf("%s %d %s %d", e.Type, e.Wave, e.Node, e.Done))
		}
		was = now
	}
	w.fly(0)
	w.fly(1)
	w.replace(0, 0)
	w.replace(1, 0)
	say()
	got = nil
	w.run.InFlight = nil
	w.fly(2)
	say()
	w.p(1).Ready = false
	say()
	w.p(1).Ready = true
	say()
	w.replace(2, 0)
	w.run.InFlight = nil
	w.run.Failed = []Failure{{Node: "n2", Reason: "x", Message: "as it was noted"}}
	say()
	w.run.Failed[0].Message = "as it was read again"
	say()
	w.run.Phase, w.run.Outcome = Finishing, OutcomeDone
	say()
	want := []string{
		"NodeDone 1 n0 1", "NodeDone 1 n1 2", "WaveDone 1  0", "WaveStarted 2  0", "NodeStarted 2 n2 0",
		"PodDeleted 2 n2 0", "PodReady 2 n2 0", "NodeFailed 0 n2 0", "WaveDone 2  0",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
