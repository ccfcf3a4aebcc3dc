package drive

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

const mine = "jane@host_3_cccccc"

// noSuchPID is above what any kernel gives.
const noSuchPID = 1 << 30

func TestOnlyADriverOfThisMachineIsKnownToBeDead(t *testing.T) {
	here := machine()
	for _, c := range []struct {
		name  string
		lease kube.Lease
		want  bool
	}{
		{"it is gone", kube.Lease{Holder: fmt.Sprintf("joe@here_%d_x", noSuchPID), Host: here}, here != ""}, // where nothing tells machines apart, none is
		{"it runs", kube.Lease{Holder: fmt.Sprintf("joe@here_%d_x", os.Getpid()), Host: here}, false},
		{"it ran elsewhere", kube.Lease{Holder: fmt.Sprintf("joe@here_%d_x", noSuchPID), Host: "other"}, false},
		{"it let go", kube.Lease{Host: here}, false},
	} {
		if got := DeadHere(&c.lease); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestTaking(t *testing.T) {
	long := 10 * time.Minute
	for _, tc := range []struct {
		name     string
		lease    func(l *kube.Lease)
		override bool
		renews   bool          // the holder is alive
		after    time.Duration // at least, and a second and a half more at most
		locked   bool
		told     bool
	}{
		{name: "free", lease: func(l *kube.Lease) { l.Holder = "" }},
		{name: "dead, on this host", lease: func(l *kube.Lease) { l.Holder, l.Host = fmt.Sprintf("joe@here_%d_x", noSuchPID), "host" }, locked: alive(noSuchPID)}, // it is on Windows
		{name: "alive, on this host", lease: func(l *kube.Lease) { l.Holder, l.Host = fmt.Sprintf("joe@here_%d_x", os.Getpid()), "host" }, locked: true},
		{name: "the same name of another host", lease: func(l *kube.Lease) { l.Holder, l.Host = fmt.Sprintf("joe@here_%d_x", noSuchPID), "other" }, locked: true},
		{name: "no host that could be told", lease: func(l *kube.Lease) { l.Holder, l.Host = fmt.Sprintf("joe@here_%d_x", noSuchPID), "" }, locked: true},
		{name: "alive elsewhere", locked: true, renews: true},
		{name: "it renewed just now", locked: true},
		{name: "silent", lease: func(l *kube.Lease) { l.Renewed = time.Now().Add(-time.Hour) }, after: LeaseDuration, told: true},
		{name: "silent, of a clock that is ahead", lease: func(l *kube.Lease) { l.Renewed = time.Now().Add(long) }, after: LeaseDuration, told: true},
		{name: "alive, of a clock that is behind", lease: func(l *kube.Lease) { l.Renewed = time.Now().Add(-long) }, renews: true, locked: true, told: true, after: time.Second},
		{name: "alive, of a clock that is ahead", lease: func(l *kube.Lease) { l.Renewed = time.Now().Add(long) }, renews: true, locked: true, told: true, after: time.Second},
		{name: "a duration that somebody wrote", lease: func(l *kube.Lease) { l.Renewed, l.Duration = time.Now().Add(-time.Hour), 0 }, after: LeaseDuration, told: true},
		{name: "a duration that somebody wrote, alive", lease: func(l *kube.Lease) { l.Duration = 0 }, locked: true},
		{name: "a longer one", lease: func(l *kube.Lease) { l.Renewed, l.Duration = time.Now().Add(-time.Hour), 2*time.Minute }, after: 2 * time.Minute, told: true},
		{name: "taken over", override: true, renews: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := begin(t, 1, rollout.Running)
				f.edit(func(l *kube.Lease) { l.Holder = rival })
				if tc.lease != nil {
					f.edit(tc.lease)
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if tc.renews {
					skew := time.Until(f.lease.Renewed)
					go func() {
						for {
							select {
							case <-ctx.Done():
								return
							case <-time.After(renewEvery / 10):
								f.edit(func(l *kube.Lease) { l.Renewed = time.Now().Add(skew) })
							}
						}
					}()
				}
				told := 0
				taker := Taker{Locker: locker{f.cluster}, Identity: Identity{Holder: mine, Host: "host"}, Override: tc.override, Tell: func(Driver, time.Duration) { told++ }}
				begun, was := time.Now(), *f.lease
				l, run, err := taker.Take(ctx, inNamespace, called)
				if d := time.Since(begun); d < tc.after || d > tc.after+2500*time.Millisecond {
					t.Errorf("after %s", d)
				}
				if told > 1 || told == 1 != tc.told {
					t.Errorf("told %d times", told)
				}
				var locked *LockedError
				switch {
				case errors.As(err, &locked) != tc.locked, err != nil && !tc.locked:
					t.Errorf("error: %v", err)
				case tc.locked && (locked.Run != "r1" || locked.Free < 0 || locked.Free > lasts(&was)):
					t.Errorf("%+v", locked)
				case !tc.locked && (l.Holder != mine || l.Host != "host" || l.Epoch != was.Epoch+1 || l.Duration != LeaseDuration || run.ID != "r1" || f.lease.Holder != mine):
					t.Errorf("taken: %+v", l)
				}
			})
		})
	}
}

func TestTakingIsNotDoneOverSomebody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := begin(t, 1, rollout.Running)
		f.edit(func(l *kube.Lease) { l.Holder = "" })
		once := false
		f.before = func(_ context.Context, line string) error {
			if line == "renew" && !once {
				once = true
				f.edit(takenOver)
			}
			return nil
		}
		taker := Taker{Locker: locker{f.cluster}, Identity: Identity{Holder: mine}}
		_, _, err := taker.Take(t.Context(), inNamespace, called)
		var locked *LockedError
		if !errors.As(err, &locked) || locked.Driver.Who != "joe" {
			t.Errorf("%v", err)
		}
		if l, _ := f.stored(); l.Holder != rival {
			t.Errorf("%q", l.Holder)
		}
	})
}

// What is asked right before is asked of the run that is taken: where another
// one comes in between, it is asked again of that.
func TestTakingTheRunThatWasLookedAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := begin(t, 1, rollout.Running)
		f.edit(func(l *kube.Lease) { l.Holder = "" })
		other := f.Run.DeepCopy()
		other.ID = "r2"
		stored, err := rollout.EncodeRun(other)
		if err != nil {
			t.Fatal(err)
		}
		var asked []string
		refuse := errors.New("another run")
		f.before = func(_ context.Context, line string) error {
			if line == "renew" && len(asked) == 1 {
				f.edit(func(l *kube.Lease) { l.Run = stored })
			}
			return nil
		}
		taker := Taker{Locker: locker{f.cluster}, Identity: Identity{Holder: mine}, Before: func(r *rollout.Run) error {
			if asked = append(asked, r.ID); r.ID != "r1" {
				return refuse
			}
			return nil
		}}
		if _, _, err := taker.Take(t.Context(), inNamespace, called); !errors.Is(err, refuse) || strings.Join(asked, " ") != "r1 r2" {
			t.Errorf("%v, asked of %v", err, asked)
		}
		if l, _ := f.stored(); l.Holder != "" || l.Epoch != 1 {
			t.Errorf("it was touched: %+v", l)
		}
	})
}

func TestTakingStoresWhatIsChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := begin(t, 1, rollout.Running)
		f.edit(func(l *kube.Lease) { l.Holder = "" })
		taker := Taker{Locker: locker{f.cluster}, Identity: Identity{Holder: mine}, Before: func(r *rollout.Run) error {
			r.Policy = r.Policy.DeepCopy()
			r.Policy.Windows = []string{"Mon 09:00-10:00 UTC"}
			return nil
		}}
		_, run, err := taker.Take(t.Context(), inNamespace, called)
		if err != nil {
			t.Fatal(err)
		}
		if _, stored := f.stored(); len(run.Policy.Windows) != 1 || len(stored.Policy.Windows) != 1 || stored.ID != "r1" {
			t.Errorf("%+v, stored %+v", run.Policy.Timing, stored.Policy.Timing)
		}
	})
}

func TestTakingWithoutAnAnswer(t *testing.T) {
	for _, tc := range []struct {
		name  string
		after bool
		times int
		fails bool
	}{{"done", true, 1, false}, {"not done", false, 2, false}, {"never done", false, 99, true}} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := begin(t, 1, rollout.Running)
				f.edit(func(l *kube.Lease) { l.Holder = "" })
				n := 0
				fail := func(line string) error {
					if line == "renew" {
						if n++; n <= tc.times {
							return lost()
						}
					}
					return nil
				}
				if tc.after {
					f.after = fail
				} else {
					f.before = func(_ context.Context, line string) error { return fail(line) }
				}
				taker := Taker{Locker: locker{f.cluster}, Identity: Identity{Holder: mine}}
				l, _, err := taker.Take(t.Context(), inNamespace, called)
				switch {
				case err != nil != tc.fails:
					t.Fatal(err)
				case err == nil && (l.Holder != mine || l.Epoch != 2 || f.lease.Epoch != 2):
					t.Errorf("%+v", l)
				}
			})
		})
	}
}

func TestTakingEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := begin(t, 1, rollout.Running)
		f.edit(func(l *kube.Lease) { l.Holder, l.Renewed = rival, time.Now().Add(-time.Hour) })
		ctx, cancel := context.WithTimeout(t.Context(), 3500*time.Millisecond)
		defer cancel()
		taker := Taker{Locker: locker{f.cluster}, Identity: Identity{Holder: mine}}
		if _, _, err := taker.Take(ctx, inNamespace, called); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		f.mu.Lock()
		f.lease = nil
		f.mu.Unlock()
		if _, _, err := taker.Take(t.Context(), inNamespace, called); !errors.Is(err, ErrNoRun) {
			t.Error(err)
		}
	})
}

func TestIntending(t *testing.T) {
	pause := rollout.Intent{ID: "i1", Verb: rollout.VerbPause, By: "joe"}
	for _, tc := range []struct {
		name    string
		before  int // conflicts
		answers int // that are lost
		in      rollout.Intent
		phase   rollout.Phase
		fails   string
	}{
		{name: "plainly", in: pause, phase: rollout.Running},
		{name: "over conflicts", in: pause, phase: rollout.Running, before: 5},
		{name: "over more than is normal", in: pause, phase: rollout.Running, before: 99, fails: "not as it was"},
		{name: "without an answer", in: pause, phase: rollout.Running, answers: 1},
		{name: "an approval is bound to the target", in: rollout.Intent{ID: "i1", Verb: rollout.VerbApprove, Wave: 1}, phase: rollout.Paused},
		{name: "an approval of another wave", in: rollout.Intent{ID: "i1", Verb: rollout.VerbApprove, Wave: 2}, phase: rollout.Paused, fails: "approval of wave 1"},
		{name: "an approval that nothing waits for", in: rollout.Intent{ID: "i1", Verb: rollout.VerbApprove, Wave: 1}, phase: rollout.Running, fails: "waits for no approval"},
		{name: "another time for a node that has not failed", in: rollout.Intent{ID: "i1", Verb: rollout.VerbRetry, Node: "n0"}, phase: rollout.Running, fails: "node n0 has not failed"},
		{name: "of the run that is there", in: rollout.Intent{ID: "i1", Verb: rollout.VerbPause, Run: "r1"}, phase: rollout.Running},
		{name: "of a run that was there before", in: rollout.Intent{ID: "i1", Verb: rollout.VerbPause, Run: "r0"}, phase: rollout.Running, fails: "run r0 is not there any more, and run r1 is"},
		{name: "what the phase does not allow", in: pause, phase: rollout.Paused, fails: "rests already"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := begin(t, 1, tc.phase)
				if tc.in.Verb == rollout.VerbApprove && tc.phase == rollout.Paused {
					f.awaits(1)
				}
				was := *f.lease
				conflicts, answers := 0, 0
				f.before = func(_ context.Context, line string) error {
					if !reads(line) {
						if conflicts++; conflicts <= tc.before {
							return conflict()
						}
					}
					return nil
				}
				f.after = func(line string) error {
					if !reads(line) {
						if answers++; answers <= tc.answers {
							return lost()
						}
					}
					return nil
				}
				<-time.After(time.Minute)
				_, _, err := Intend(t.Context(), locker{f.cluster}, inNamespace, called, tc.in)
				if tc.fails != "" {
					if err == nil || !strings.Contains(err.Error(), tc.fails) {
						t.Errorf("error: %v", err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				l, _ := f.stored()
				list, err := rollout.DecodeIntents(l.Intents)
				if err != nil || len(list) != 1 || list[0].Run != "r1" || list[0].Verb != tc.in.Verb {
					t.Fatalf("%+v, %v", list, err)
				}
				if approve := tc.in.Verb == rollout.VerbApprove; approve != (list[0].Target == "h2") {
					t.Errorf("target %q", list[0].Target)
				}
				if l.Holder != was.Holder || !l.Renewed.Equal(was.Renewed) || l.Epoch != was.Epoch || string(l.Run) != string(was.Run) {
					t.Error("it touched what is the driver's")
				}
			})
		})
	}
}

func TestHoldersAreReadByPeople(t *testing.T) {
	id := NewIdentity("jane@example.org", "host_with_bars")
	if d := DriverOf(id.Holder); d != (Driver{Who: "jane@example.org", Host: "host_with_bars", PID: os.Getpid()}) {
		t.Errorf("%q is %+v", id.Holder, d)
	}
	if other := NewIdentity("jane@example.org", "host_with_bars"); other.Holder == id.Holder || other.Host != id.Host {
		t.Errorf("%+v and %+v", id, other)
	}
	for _, s := range []string{"", "_", "@", "a", "__", "a@b", "@_x_", "a@b_99999999999999999999_x"} {
		_ = DriverOf(s) // nothing that is written there ends the program
	}
}

// awaits stores that the run waits for the approval of a wave.
func (f *fixture) awaits(wave int) {
	f.t.Helper()
	f.Run.Because = &rollout.Cause{Code: rollout.PauseApproval, Wave: wave}
	b, err := rollout.EncodeRun(f.Run)
	if err != nil {
		f.t.Fatal(err)
	}
	f.lease.Run = b
}
