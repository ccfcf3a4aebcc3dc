package rollout

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/internal/present"
	"github.com/kubectl-ds/kubectl-ds/internal/testkit"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// stale are watches that show what was read, and a Lease.
type stale struct {
	snap  *snapshot.Snapshot
	lease *kube.Lease
}

func (l *stale) Snapshot(time.Time) *snapshot.Snapshot { return l.snap }
func (l *stale) Lease() (*kube.Lease, error)           { return l.lease, nil }

// follows begins to watch the status of what is on the server.
func follows(t *testing.T, s *holdServer, asJSON bool) (*held, *statusWatch, *stale) {
	t.Helper()
	h := s.at("")
	read := func() (*reading, error) { return h.hold.app.read(t.Context(), "agent", "") }
	r, err := read()
	if err != nil {
		t.Fatal(err)
	}
	live := &stale{r.snap, r.lease}
	w := h.hold.app.statusWatch(r, live, present.Options{}, asJSON)
	w.again = read
	return h, w, live
}

// followsDriven has seen a run that is driven.
func followsDriven(t *testing.T, s *holdServer) (*held, *statusWatch, *stale) {
	t.Helper()
	s.holds(storedRun(t, running), drivenBy)
	h, w, live := follows(t, s, false)
	if done, err := w.look(); done || err != nil {
		t.Fatalf("ended while the run was driven: %v", err)
	}
	return h, w, live
}

func running(r *rollout.Run) {
	r.Phase = rollout.Running
	r.Target = rollout.Revision{Name: "agent-" + testkit.Hash, Hash: testkit.Hash, Number: 2}
}

func drivenBy(l *kube.Lease) { l.Holder = "jane@host_1_x" }

// letGo takes the Lease away from the server.
func (s *holdServer) letGo() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lease = nil
}

func TestStatusWatchEndsWhereTheEndOfARunWasMissed(t *testing.T) {
	for _, c := range []struct {
		name  string
		after func(s *holdServer)
		code  int
		words []string
	}{
		{"all is up to date", func(*holdServer) {}, 0, []string{"logging/agent on train: native RollingUpdate, Done: 4 of 4 nodes run revision 2 and are available"}},
		{"old pods are left", func(s *holdServer) { s.outdated("n3") }, 1, []string{"3 of 4 nodes", "run 7f3k is gone, how it ended was not seen"}},
		{"its Lease was deleted while it held the DaemonSet", func(s *holdServer) { s.armed("7f3k") }, 1,
			[]string{"the Lease of run 7f3k was deleted, and logging/agent is still armed by it", "clean up: kubectl ds-rollout recover -n logging agent"}},
		{"the controller has not seen the template", func(s *holdServer) {
			s.setDaemonSet(func(d *appsv1.DaemonSet) { d.Generation = 9 })
		}, 3, []string{"cannot be told"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newHoldServer(t)
			h, w, live := followsDriven(t, s)
			live.lease = nil
			if done, err := w.look(); done || err != nil {
				t.Fatalf("ended by a watch alone: %v", err)
			}
			s.letGo()
			c.after(s)
			now := time.Now()
			w.app.clock = func() time.Time { return now }
			said := h.out.Len()
			done, err := w.look()
			if c.code == 3 {
				if done || err != nil || h.out.Len() != said {
					t.Errorf("the controller is given no time: %v, %s", err, h.out.String())
				}
				now = now.Add(settles)
				done, err = w.look()
			}
			if !done && err == nil {
				t.Error("it goes on for ever")
			}
			ends(t, h, err, c.code, c.words...)
		})
	}
}

// What cannot be read for a moment is no end.
func TestStatusWatchAsksAgainHowARunEnded(t *testing.T) {
	s := newHoldServer(t)
	h, w, live := followsDriven(t, s)
	live.lease = nil
	s.letGo()
	now := time.Now()
	w.app.clock = func() time.Time { return now }
	read, cut := w.again, errors.New("connection refused")
	for range 2 { // it comes back, and goes again
		w.again = func() (*reading, error) { return nil, cut }
		for _, after := range []time.Duration{0, settles - time.Second} {
			now = now.Add(after)
			if done, err := w.look(); done || err != nil {
				t.Fatalf("ended after %s without an answer: %v", after, err)
			}
		}
		w.again = func() (*reading, error) { return &reading{run: w.run}, nil }
		if done, err := w.look(); done || err != nil {
			t.Fatalf("ended while the run is there: %v", err)
		}
	}
	w.again = func() (*reading, error) { return nil, cut }
	if done, err := w.look(); done || err != nil {
		t.Fatalf("ended at once: %v", err)
	}
	now = now.Add(settles)
	if _, err := w.look(); !errors.Is(err, cut) {
		t.Errorf("no word of a server that stays away: %v", err)
	}
	w.again = read
	done, err := w.look()
	if !done && err == nil {
		t.Error("it goes on for ever")
	}
	ends(t, h, err, 0, "Done: 4 of 4 nodes")
}

// The Lease is deleted right after the last words, so that often the end of a
// run is not seen: it is told by what was seen before.
func TestStatusWatchEndsAsTheRunWasAboutTo(t *testing.T) {
	undo := func(phase rollout.Phase, o rollout.Outcome, asked bool) func(r *rollout.Run) {
		return func(r *rollout.Run) {
			running(r)
			r.Phase, r.Outcome, r.Undo = phase, o, &rollout.Undo{Asked: asked}
		}
	}
	for _, c := range []struct {
		name string
		seen func(r *rollout.Run)
		code int
		says string
	}{
		{"it undid itself", undo(rollout.Undoing, "", false), 1, "to end as Undone"},
		{"it had undone itself", undo(rollout.Finishing, rollout.OutcomeUndone, false), 1, "to end as Undone"},
		{"a person undid it", undo(rollout.Undoing, "", true), 0, ""},
		{"a person had undone it", undo(rollout.Finishing, rollout.OutcomeUndone, true), 0, ""},
		{"it was aborted", func(r *rollout.Run) { running(r); r.Phase, r.Outcome = rollout.Aborting, rollout.OutcomeAborted }, 1, "to end as Aborted"},
		{"it was done", func(r *rollout.Run) { running(r); r.Phase, r.Outcome = rollout.Finishing, rollout.OutcomeDone }, 0, ""},
		{"it was done, but for a node", func(r *rollout.Run) {
			running(r)
			r.Phase, r.Outcome, r.Left = rollout.Finishing, rollout.OutcomeDone, []rollout.Left{{Node: "n1", What: rollout.LeftOldPod, Reason: "skipped"}}
		}, 1, "to end as Done, with something left: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newHoldServer(t)
			s.holds(storedRun(t, c.seen), drivenBy)
			h, w, live := follows(t, s, false)
			if done, err := w.look(); done || err != nil {
				t.Fatalf("ended while the run was driven: %v", err)
			}
			live.lease = nil
			s.letGo()
			_, err := w.look()
			ends(t, h, err, c.code, "4 of 4 nodes", c.says)
		})
	}
}

// A run that was there before the watches began, and is not any more, is
// followed all the same: a native update that is held would never end.
func TestStatusWatchEndsWhereTheRunIsGoneBeforeTheFirstLook(t *testing.T) {
	s := newHoldServer(t)
	s.holds(storedRun(t, running), drivenBy)
	h, w, live := follows(t, s, true)
	live.lease = nil
	s.letGo()
	s.outdated("n3")
	s.setDaemonSet(func(d *appsv1.DaemonSet) { d.Spec.UpdateStrategy.Type = appsv1.OnDeleteDaemonSetStrategyType })
	_, err := w.look()
	var out statusObject
	if err := json.Unmarshal(h.out.Bytes(), &out); err != nil || out.Native == nil || out.Native.State != rollout.NativeHeld {
		t.Errorf("%v in %s", err, h.out.String())
	}
	ends(t, h, err, 1)
}

// A driver may die between its last words and the delete of the Lease.
func TestStatusWatchEndsWithARunThatHasEnded(t *testing.T) {
	for _, c := range []struct {
		name  string
		ended func(r *rollout.Run)
		code  int
		words string
	}{
		{"done", func(r *rollout.Run) { r.Outcome = rollout.OutcomeDone }, 0, " Done\n"},
		{"done, but for a node", func(r *rollout.Run) {
			r.Outcome, r.Left = rollout.OutcomeDone, []rollout.Left{{Node: "n1", What: rollout.LeftOldPod}}
		}, 1, " Done\n"},
		{"aborted", func(r *rollout.Run) { r.Outcome = rollout.OutcomeAborted }, 1, " Aborted\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newHoldServer(t)
			s.holds(storedRun(t, func(r *rollout.Run) {
				r.Phase = rollout.Ended
				c.ended(r)
			}), drivenBy)
			h, w, _ := follows(t, s, false)
			done, err := w.look()
			if !done && err == nil {
				t.Error("it goes on for ever")
			}
			ends(t, h, err, c.code, c.words)
		})
	}
}

// A run whose driver is dead does not go on by itself: who waits for it is told,
// once and with each heartbeat, until somebody drives it again.
func TestStatusWatchTellsOfASilentDriver(t *testing.T) {
	s := newHoldServer(t)
	s.holds(storedRun(t, running), drivenBy)
	h, w, live := follows(t, s, false)
	now := time.Now()
	w.app.clock = func() time.Time { return now }
	looks := func(after time.Duration) string {
		t.Helper()
		h.out.Reset()
		now = now.Add(after)
		if done, err := w.look(); done || err != nil {
			t.Fatalf("it ended: %v", err)
		}
		return h.out.String()
	}
	said := func(got string, words ...string) {
		t.Helper()
		for _, want := range words {
			if !strings.Contains(got, want) {
				t.Errorf("%q is not said in %q", want, got)
			}
		}
		if len(words) == 0 && (strings.Contains(got, " Trouble ") || strings.Contains(got, "driver")) {
			t.Errorf("said %q", got)
		}
	}
	said(looks(0), "Started ")
	said(looks(30 * time.Second))
	said(looks(5*time.Second), ` Trouble `, `because="the driver is silent: jane on host, pid 1, was last seen 35s ago; go on with the run: kubectl ds-rollout resume -n logging agent`)
	said(looks(time.Second))
	said(looks(2*time.Minute), ` Progress `, `waits="the driver is silent: jane on host, pid 1, was last seen 2m36s ago; go on`)
	renewed := func(l *kube.Lease) *kube.Lease {
		next := *l
		next.Renewed = next.Renewed.Add(time.Hour) // its clock is wrong; it lives
		return &next
	}
	live.lease = renewed(live.lease)
	there, cut := renewed(live.lease), error(nil)
	w.again = func() (*reading, error) { return &reading{lease: there}, cut }
	said(looks(time.Second))
	said(looks(31 * time.Second)) // it has renewed: it is the watch that is silent
	said(looks(29 * time.Second))
	cut = errors.New("connection refused")
	said(looks(2*time.Second), ` Trouble `, "was last seen 31s ago, and whether it drives cannot be known: connection refused")
	said(looks(29 * time.Second))
	there, cut = live.lease, nil
	said(looks(2*time.Second), ` Trouble `, "the driver is silent: jane on host, pid 1, was last seen 31s ago; go on")
}
