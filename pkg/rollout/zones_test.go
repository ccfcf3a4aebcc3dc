package rollout

import (
	"slices"
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

// brokenZone is a run by zone in which n1 of zone b was down before it was
// begun, and failed, after n0 of zone a was done.
func brokenZone(w *world) {
	zoneFailed(w)
	w.updated(0)
	w.run.Touched, w.run.Down = []int{1, 0}, []int{1}
}

// A node that was down when it was begun has cost nothing, and neither keeps
// the zone that is under way from going on, nor opens its own.
func TestANodeThatWasDownBeforeKeepsNoZoneOpen(t *testing.T) {
	for _, c := range []struct {
		name  string
		given func(w *world)
		want  string
	}{
		{"the zone under way goes on", func(*world) {}, "save Running fly:n3 fly:n6 failed:n1"},
		{"also where its own has no candidate left", func(w *world) { w.updated(4); w.updated(7) }, "save Running fly:n3 fly:n6 failed:n1"},
		{"also beside a failed node of the zone under way", func(w *world) {
			w.p(0).Ready = false
			w.run.Failed, w.pol.MaxFailures = append(w.run.Failed, Failure{Node: "n0", Reason: "CrashLoop"}), 2
			w.pol.MaxUnavailable = intOr(4)
		}, "save Running fly:n3 fly:n6 failed:n1 failed:n0"},
		{"one that served does", func(w *world) { w.run.Down = nil }, "save Running fly:n4 fly:n7 failed:n1"},
	} {
		w := newWorld(9)
		brokenZone(w)
		c.given(w)
		if got := words(w.decide(t)); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

// Whether a node was down is judged when it is begun, each time.
func TestARunStoresWhichNodesWereDownWhenTheyWereBegun(t *testing.T) {
	w := newWorld(3)
	w.pol.MaxUnavailable = intOr(2)
	w.p(1).Ready = false
	s, ok := w.decide(t).Act.(*SaveRun)
	if !ok || !slices.Equal(s.Run.Touched, []int{1, 0}) || !slices.Equal(s.Run.Down, []int{1}) {
		t.Fatalf("got %+v", s)
	}
	w.p(1).Ready = true
	w.run.Touched, w.run.Down = []int{1, 0}, []int{1} // both released since
	if s, ok = w.decide(t).Act.(*SaveRun); !ok || len(s.Run.InFlight) != 2 || len(s.Run.Down) != 0 {
		t.Errorf("begun anew: %+v", s)
	}
}

// A pod that came back before it was deleted serves: its node was begun as one
// that costs nothing, and waits for the turn of its zone.
func TestAPodThatIsBackIsNotDeletedInASecondZone(t *testing.T) {
	w := newWorld(6)
	zoneFailed(w)
	w.run.Touched = []int{1}
	w.fly(2)
	w.run.Down = []int{2}
	if got := words(w.decide(t)); got != "save Running fly:n4 failed:n1" {
		t.Errorf("by zone: %s", got)
	}
	w.pol.OneZoneAtATime = nil
	if got := words(w.decide(t)); got != "delete agent-2-1" {
		t.Errorf("not by zone: %s", got)
	}
}

// Whoever is to mend what keeps all others out is told of all of it.
func TestAllNodesThatKeepZonesOpenAreNamed(t *testing.T) {
	w := newWorld(6)
	zoneFailed(w)
	w.updated(2)
	w.p(2).Ready = false
	w.run.Touched, w.run.Failed, w.pol.MaxFailures = []int{1, 2}, append(w.run.Failed, Failure{Node: "n2", Reason: "CrashLoop"}), 2
	d := w.decide(t)
	if d.Wait == nil || d.Wait.Because[0].Node != "n1" || d.Wait.Because[0].Message != "and n2" {
		t.Errorf("waits: %+v", d)
	}
	w.obs.Full = t0.Add(-11 * time.Minute)
	s, ok := w.decide(t).Act.(*SaveRun)
	if want := "zones are finished one at a time: mend n1, n2, or skip them"; !ok || s.Run.Because.Message != want {
		t.Errorf("stops: %+v", s)
	}
}
