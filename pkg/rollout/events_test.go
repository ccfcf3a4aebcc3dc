package rollout

import "testing"

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
