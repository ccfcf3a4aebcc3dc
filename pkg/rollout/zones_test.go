package rollout

import (
	"testing"
	"time"
)

// A zone that a failed node keeps open is waited for as long as a node may
// take, and not for ever.
func TestAZoneThatIsNotFinishedStopsTheRun(t *testing.T) {
	w := newWorld(6)
	zoneFailed(w)
	w.updated(4)
	w.obs = Observe(w.obs, w.pol, w.run, w.view(), t0.Add(-w.pol.nodeTimeout()-time.Second))
	w.obs = Observe(w.obs, w.pol, w.run, w.view(), t0)
	if got := words(w.decide(t)); got != "save Stopped ZoneUnfinished failed:n1" {
		t.Errorf("got %s", got)
	}
	w.p(4).Labels[hashLabel] = "h1" // there is a node of the zone to go on with
	if o := Observe(w.obs, w.pol, w.run, w.view(), t0); !o.Full.IsZero() {
		t.Errorf("kept out since %s", o.Full)
	}
}
