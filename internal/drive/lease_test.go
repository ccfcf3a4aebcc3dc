package drive

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

const rival = "joe@other_2_bbbbbb"

func takenOver(l *kube.Lease) { l.Holder, l.Epoch, l.Renewed = rival, l.Epoch+1, time.Now() }

func TestALeaseIsRenewedEveryFiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := begin(t, 2, rollout.Paused)
		f.Stay = true
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		<-f.start(ctx)
		renewals := f.lines("renew")
		if n := len(renewals); n < 110 || n > 121 {
			t.Errorf("%d renewals in ten minutes", n)
		}
		for i := 1; i < len(renewals); i++ {
			if d := renewals[i].at.Sub(renewals[i-1].at); d < renewEvery || d > renewEvery+time.Second {
				t.Errorf("renewed after %s", d)
			}
		}
		if n := len(f.lines("poll")); n < 35 || n > 41 {
			t.Errorf("%d lists in ten minutes", n)
		}
		if n := len(f.lines("get lease")); n != 1 {
			t.Errorf("it read its own Lease %d times", n)
		}
	})
}

// No write goes out later than the deadline after the last renewal, whatever
// hangs: somebody else may take the Lease ten seconds later.
func TestNothingIsWrittenAfterTheDeadline(t *testing.T) {
	for _, hangs := range []string{"renew", "save", "look", "poll", "get lease", "delete agent"} {
		t.Run(hangs, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := begin(t, 6, rollout.Running)
				begun := time.Now()
				from := begun.Add(20 * time.Second)
				f.before = func(ctx context.Context, line string) error {
					if hung := strings.HasPrefix(line, hangs) || line == "renew" || line == "get lease"; hung && time.Now().After(from) && time.Since(from) < 3*time.Minute {
						renewed := begun
						for _, s := range f.lines("renew", "save") {
							if !s.at.After(from) {
								renewed = s.at
							}
						}
						ends, _ := ctx.Deadline()
						if d := ends.Sub(renewed); line != "poll" && time.Since(renewed) <= renewDeadline && d > renewDeadline+time.Second {
							t.Errorf("%s may last until %s after the last renewal", line, d)
						}
						<-ctx.Done()
						return &kube.RequestError{Verb: line, Err: ctx.Err()}
					}
					return nil
				}
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
				defer cancel()
				<-f.start(ctx)
				last := time.Now().Add(-2 * time.Minute)
				for _, s := range f.writes() {
					ok := (s.line == "renew" || strings.HasPrefix(s.line, "save")) && !s.at.After(from)
					if d := s.at.Sub(last); d > renewDeadline && s.line != "renew" {
						t.Errorf("%s %s after the last renewal", s.line, d)
					}
					if ok {
						last = s.at
					}
				}
			})
		})
	}
}

// A process that sleeps between its decision and the write that follows must
// not send it: another driver may be at work by then.
func TestWhatWasDecidedBeforeASleepIsNotSent(t *testing.T) {
	for _, tc := range []struct {
		name  string
		sleep time.Duration
		taken bool
	}{{"nobody took it", time.Minute, false}, {"a short one", 25 * time.Second, false}, {"somebody took it", time.Minute, true}} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := begin(t, 2, rollout.Running)
				var woke time.Time
				f.before = func(_ context.Context, line string) error {
					if line == "poll" && !woke.IsZero() {
						<-time.After(3 * time.Second)
					}
					if line == "look" && woke.IsZero() {
						<-time.After(tc.sleep) // and it does not hear of its ctx
						if tc.taken {
							f.edit(takenOver)
						}
						woke = time.Now()
					}
					return nil
				}
				e := f.drive()
				if tc.taken {
					if end := f.mustEnd(e); !end.Lost {
						t.Errorf("not lost: %+v", end.Decision)
					}
					for _, s := range f.writes() {
						if !s.at.Before(woke) {
							t.Errorf("%s after it woke", s.line)
						}
					}
					return
				}
				f.mustFinish(e)
				var after []string
				for _, s := range f.lines("") {
					if !s.at.Before(woke) && s.at.Before(woke.Add(3*time.Second)) {
						after = append(after, s.line)
					}
				}
				if want := []string{"get lease", "renew", "poll"}; !slices.Equal(after, want) {
					t.Errorf("it woke, and before all was listed it sent %v", after)
				}
			})
		})
	}
}

func TestBaselinesMayTakeNoLongerThanARequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := begin(t, 3, rollout.Running)
		slow := &slowGates{fakeGates: &f.gates}
		f.Gates = slow
		f.mustFinish(f.drive())
		renewals := f.lines("renew", "save")
		for i := 1; i < len(renewals); i++ {
			if d := renewals[i].at.Sub(renewals[i-1].at); d > renewDeadline {
				t.Errorf("%s between two renewals", d)
			}
		}
	})
}

// slowGates never see the end of a node's baseline.
type slowGates struct{ *fakeGates }

func (g *slowGates) Begin(ctx context.Context, _ *rollout.NodeView) { <-ctx.Done() }

func TestAnOutageOfFiveMinutesIsOvercome(t *testing.T) {
	for _, hung := range []bool{false, true} {
		t.Run(fmt.Sprintf("hung %v", hung), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := begin(t, 4, rollout.Running)
				from := time.Now().Add(15 * time.Second)
				back := from.Add(5 * time.Minute)
				f.before = func(ctx context.Context, line string) error {
					switch now := time.Now(); {
					case now.Before(from) || !now.Before(back):
						return nil
					case hung:
						<-ctx.Done()
					}
					return lost()
				}
				f.mustFinish(f.drive())
				listed := false
				for _, s := range f.lines("poll", "delete agent") {
					if s.at.Before(back) {
						continue
					}
					listed = listed || s.line == "poll"
					if !listed {
						t.Errorf("%s before anything was listed again", s.line)
					}
				}
				if n := len(f.lines("renew")); n > 200 {
					t.Errorf("%d renewals: it hammers", n)
				}
				if f.watcher.count(rollout.EventTrouble) == 0 {
					t.Error("nobody was told")
				}
			})
		})
	}
}

func TestTheLostAnswerToARegainIsNotALoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := begin(t, 2, rollout.Running)
		from, regains := time.Now().Add(12*time.Second), 0
		f.before = func(_ context.Context, line string) error {
			if now := time.Now(); now.After(from) && now.Before(from.Add(30*time.Second)) {
				return lost()
			}
			return nil
		}
		f.after = func(line string) error {
			if line == "renew" && time.Now().After(from) && regains < 2 {
				regains++
				return lost()
			}
			return nil
		}
		f.mustFinish(f.drive())
	})
}

func TestADriverThatLostItsLeaseWritesNoMore(t *testing.T) {
	for _, told := range []bool{true, false} {
		t.Run(fmt.Sprintf("watch tells %v", told), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := begin(t, 6, rollout.Running)
				if !told {
					f.watched = func(*kube.Lease) (*kube.Lease, error) { return nil, nil }
				}
				at := time.Now().Add(17 * time.Second)
				time.AfterFunc(time.Until(at), func() { f.edit(takenOver) })
				e := f.drive()
				if end := f.mustEnd(e); !end.Lost || end.Decision.Stop != nil {
					t.Errorf("end: %+v", end)
				}
				limit := 100 * time.Millisecond
				if !told {
					limit = renewEvery + time.Second
				}
				if d := e.at.Sub(at); d > limit {
					t.Errorf("it noticed after %s", d)
				}
				for _, s := range f.writes() {
					if s.at.After(at) && s.line != "renew" && !strings.HasPrefix(s.line, "save") && told {
						t.Errorf("%s after it was lost", s.line)
					}
				}
				if l, _ := f.stored(); l.Holder != rival || l.Epoch != 2 {
					t.Errorf("the Lease is %+v", l)
				}
			})
		})
	}
}

func TestADeletedLeaseStopsTheRunAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := begin(t, 6, rollout.Running)
		at := time.Now().Add(13 * time.Second)
		time.AfterFunc(time.Until(at), func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.lease = nil
			f.wake()
		})
		e := f.drive()
		if end := f.mustEnd(e); end.Decision.Stop == nil || end.Decision.Stop.Because.Code != rollout.StopLeaseGone {
			t.Errorf("end: %+v", end.Decision)
		}
		if d := e.at.Sub(at); d > 100*time.Millisecond {
			t.Errorf("it stopped after %s", d)
		}
		for _, s := range f.writes() {
			if s.at.After(at) {
				t.Errorf("%s after the Lease was deleted", s.line)
			}
		}
	})
}

func TestALeaseThatWasEditedEndsDriving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := begin(t, 6, rollout.Running)
		f.watched = func(l *kube.Lease) (*kube.Lease, error) {
			if l != nil && string(l.Run) == "{}" {
				return l, &kube.StateError{Err: errors.New("nonsense")}
			}
			return l, nil
		}
		at := time.Now().Add(13 * time.Second)
		time.AfterFunc(time.Until(at), func() {
			f.edit(func(l *kube.Lease) { l.Run = []byte("{}") })
		})
		e := f.drive()
		var state *kube.StateError
		if !errors.As(e.err, &state) || e.at.Sub(at) > 100*time.Millisecond {
			t.Errorf("%+v, %v, after %s", e.end, e.err, e.at.Sub(at))
		}
		if string(f.lease.Run) != "{}" {
			t.Error("it wrote over what somebody had written")
		}
	})
}

func TestWhatOtherTerminalsAskIsTakenIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := begin(t, 6, rollout.Running)
		time.AfterFunc(13*time.Second, func() {
			in := rollout.Intent{ID: "x", Verb: rollout.VerbPause, By: "joe"}
			if _, _, err := Intend(t.Context(), locker{f.cluster}, inNamespace, called, in); err != nil {
				t.Error(err)
			}
		})
		e := f.drive()
		if end := f.mustEnd(e); end.Decision.Wait == nil || !end.Decision.Wait.Rests {
			t.Errorf("end: %+v", end.Decision)
		}
		l, run := f.stored()
		if run.Phase != rollout.Paused || len(run.InFlight) != 0 || l.Holder != "" || len(l.Intents) != 0 {
			t.Errorf("stored: %+v %+v", l, run.Progress)
		}
	})
}

func TestTheLongerOfTwoClocksCounts(t *testing.T) {
	if d := elapsed(time.Now().Add(-time.Hour)); d < time.Hour || d > time.Hour+time.Minute {
		t.Errorf("%s", d)
	}
	// One that has no monotonic clock, as what a sleeping laptop has missed.
	if d := elapsed(time.Now().Round(0).Add(-time.Hour)); d < time.Hour-time.Second {
		t.Errorf("%s", d)
	}
}

// A run that has ended makes room for the next one: its driver, which has not
// deleted the Lease yet, has not lost it to that.
func TestARunThatHasEndedIsNotLostToTheNextOne(t *testing.T) {
	for name, sleep := range map[string]time.Duration{"at once": 0, "after a sleep": time.Minute} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := begin(t, 2, rollout.Running)
				f.before = func(_ context.Context, line string) error {
					if line == "delete lease" {
						f.edit(func(l *kube.Lease) {
							takenOver(l)
							l.UID = "next"
						})
						<-time.After(sleep)
					}
					return nil
				}
				end := f.mustEnd(f.drive())
				if end.Lost || end.Decision.Done == nil || end.Decision.Done.Exit != 0 {
					t.Errorf("lost: %v, %+v", end.Lost, end.Decision)
				}
				if l, _ := f.stored(); l == nil || l.Holder != rival {
					t.Errorf("the Lease of the next run: %+v", l)
				}
			})
		})
	}
}
