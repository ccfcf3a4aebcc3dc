package rollout

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A closed window is not stored, and is told of all the same: once when the run
// begins to wait for it, and once when it opens.
func TestAClosedWindowIsTold(t *testing.T) {
	w := newWorld(2)
	w.pol.Windows = []string{"Tue 09:00-17:00 UTC"} // it is Monday
	w.obs.Zones["UTC"] = time.UTC
	var was *Status
	var got []string
	say := func(now time.Time) *Status {
		s := StatusOf(w.pol, w.run, w.view(), w.obs, now)
		for _, e := range Events(was, s) {
			got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s %s", e.Type, e.Code, e.Message)))
		}
		was = s
		return s
	}
	w.fly(0)
	w.replace(0, 0)
	if s := say(t0); s.Waits != nil {
		t.Errorf("while a node is in flight: %+v", s.Waits)
	}
	w.run.InFlight = nil
	if s := say(t0); s.Waits == nil || s.Waits.Code != WaitWindow || s.Waits.Since.Format(time.RFC3339) != "2026-11-24T09:00:00Z" {
		t.Errorf("outside: %+v", s.Waits)
	}
	say(t0.Add(time.Minute))
	say(t0.Add(24 * time.Hour))
	want := []string{"Started", "NodeDone", "Paused WindowClosed it opens at 2026-11-24T09:00:00Z", "Resumed"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	w.updated(1)
	if s := say(t0); s.Waits != nil {
		t.Errorf("with nothing to start: %+v", s.Waits)
	}
	w.obs.Zones = nil
	w.drop(1)
	w.pod(1, "h1")
	if s := say(t0); s.Waits != nil {
		t.Errorf("where the time of the window is not known: %+v", s.Waits)
	}
}

// Whoever looks for the first time is told since when a run is at it, or rests
// and why.
func TestARunThatIsLookedAtForTheFirstTime(t *testing.T) {
	w := newWorld(2)
	stoppedRun(w)
	w.run.Started.Time = t0.Add(-time.Hour)
	at := w.run.Started
	at.Time = t0.Add(-time.Minute)
	w.run.Because.Since = &at
	got := Events(nil, StatusOf(w.pol, w.run, w.view(), w.obs, t0))
	if len(got) != 2 || !got[0].At.Equal(t0.Add(-time.Hour)) || got[1].Type != EventStopped || !got[1].At.Equal(t0.Add(-time.Minute)) || got[1].Node != "n0" {
		t.Errorf("got %+v", got)
	}
}
