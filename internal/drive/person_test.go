package drive

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/internal/gates"
	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

func TestLeavingLandsWhatFliesAndEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := begin(t, 6, rollout.Running)
		f.Stay = true
		at := time.Now().Add(13 * time.Second)
		time.AfterFunc(time.Until(at), func() { close(f.leave) })
		e := f.drive()
		end := f.mustEnd(e)
		if !end.Left || end.Decision.Wait == nil || !end.Decision.Wait.Rests {
			t.Errorf("end: %+v", end)
		}
		l, run := f.stored()
		if run.Phase != rollout.Paused || len(run.InFlight) != 0 || l.Holder != "" {
			t.Errorf("stored: %+v, holder %q", run.Progress, l.Holder)
		}
		for _, s := range f.lines("delete") {
			if s.at.After(at.Add(time.Second)) {
				t.Errorf("%s %s after it was to leave", s.line, s.at.Sub(at))
			}
		}
	})
}

// A run whose time is over goes on where somebody says so, at the terminal that
// drives it, and has as long again.
func TestResumePassesATimeoutAtATerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := begin(t, 6, rollout.Running, func(p *rollout.Policy) { p.Timeout = &metav1.Duration{Duration: 30 * time.Second} })
		f.Stay = true
		rested := 0
		f.after = func(line string) error {
			if line == "save Paused" {
				rested++
				time.AfterFunc(10*time.Minute, func() { f.asks <- rollout.Intent{Verb: rollout.VerbResume} })
			}
			return nil
		}
		f.mustFinish(f.drive())
		if rested == 0 || rested > 3 {
			t.Errorf("it rested %d times", rested)
		}
	})
}

func TestLeavingIsNotUndoneByAnotherTerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := begin(t, 6, rollout.Running)
		f.starts = 20 * time.Second
		time.AfterFunc(13*time.Second, func() { close(f.leave) })
		time.AfterFunc(15*time.Second, func() {
			in := rollout.Intent{ID: "x", Verb: rollout.VerbResume, By: "joe"}
			if _, _, err := Intend(t.Context(), locker{f.cluster}, inNamespace, called, in); err != nil {
				t.Error(err)
			}
		})
		if end := f.mustEnd(f.drive()); !end.Left || end.Decision.Done != nil {
			t.Errorf("end: %+v", end)
		}
		if f.onTarget() > 2 {
			t.Errorf("%d nodes were replaced", f.onTarget())
		}
	})
}

func TestTheEndOfCtxEndsAtOnce(t *testing.T) {
	for _, hangs := range []string{"nothing", "look", "save", "renew", "delete", "poll", "get lease"} {
		t.Run(hangs, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := begin(t, 6, rollout.Running)
				ctx, cancel := context.WithCancel(t.Context())
				at := time.Now().Add(12300 * time.Millisecond)
				f.before = func(ctx context.Context, line string) error {
					if strings.HasPrefix(line, hangs) {
						<-ctx.Done()
						return &kube.RequestError{Verb: line, Err: ctx.Err()}
					}
					return nil
				}
				time.AfterFunc(time.Until(at), cancel)
				e := <-f.start(ctx)
				if !errors.Is(e.err, context.Canceled) || !e.at.Equal(at) {
					t.Errorf("%+v, %v after %s", e.end, e.err, e.at.Sub(at))
				}
				for _, s := range f.lines("") {
					if s.at.After(at) {
						t.Errorf("%s afterwards", s.line)
					}
				}
				if n := len(f.lines("release")); n != 0 {
					t.Error("it let the Lease go")
				}
			})
		})
	}
}

// What is typed is stored once, whatever becomes of the write, and also while
// one is on its way.
func TestWhatIsTypedIsStoredOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := begin(t, 6, rollout.Running)
		f.Stay = true
		typed, answers := false, 0
		f.before = func(ctx context.Context, line string) error {
			if line == "save Running" && !typed {
				typed = true
				f.asks <- rollout.Intent{Verb: rollout.VerbPause} // while this save is on its way
				select {
				case <-time.After(2 * time.Second):
				case <-ctx.Done():
				}
			}
			return nil
		}
		f.after = func(line string) error {
			if line == "save Paused" {
				if answers++; answers <= 2 {
					return lost()
				}
			}
			return nil
		}
		time.AfterFunc(2*time.Minute, func() {
			_, run := f.stored()
			if run.Phase != rollout.Paused || len(run.Handled) != 1 || len(f.lines("delete")) > 1 {
				t.Errorf("stored: %+v", run.Progress)
			}
			f.asks <- rollout.Intent{Verb: rollout.VerbResume}
			close(f.asks)
		})
		f.mustFinish(f.drive())
		if n := f.watcher.count(rollout.EventPaused); n != 1 {
			t.Errorf("paused %d times", n)
		}
	})
}

// Whatever was typed in an outage, and whatever others asked meanwhile: the run
// goes on.
func TestMoreWordsThanAreStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := begin(t, 2, rollout.Running)
		var list []rollout.Intent
		for i := range 64 {
			list = append(list, rollout.Intent{ID: fmt.Sprintf("i%d", i), Run: "r1", Verb: rollout.VerbSkip, Node: "not-there"})
		}
		b, err := rollout.EncodeIntents(list)
		if err != nil {
			t.Fatal(err)
		}
		f.edit(func(l *kube.Lease) { l.Intents, l.Epoch = b, 2 }) // taken over with all that
		f.Config.Lease = f.lease
		f.asks = make(chan rollout.Intent, 100)
		f.Asks = f.asks
		refused := false
		f.before = func(_ context.Context, line string) error {
			if strings.HasPrefix(line, "save") && !refused { // so that there is time to type before it
				refused = true
				return conflict()
			}
			return nil
		}
		for range 100 {
			f.asks <- rollout.Intent{Verb: rollout.VerbRetry, Node: "n0"}
		}
		f.mustFinish(f.drive())
	})
}

func gated(when rollout.When) func(p *rollout.Policy) {
	return func(p *rollout.Policy) {
		p.Gates = []rollout.Gate{{Name: "asked", When: when, Probe: rollout.Probe{Exec: []string{"/bin/true"}}}}
	}
}

func TestGatesAreNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := begin(t, 2, rollout.Running, gated(rollout.BeforeNode))
		f.gates.ask = func(context.Context, gates.Question) gates.Answer {
			<-time.After(42 * time.Second)
			return gates.Answer{Outcome: rollout.GatePass}
		}
		first := time.Now()
		f.mustFinish(f.drive())
		if d := f.lines("delete agent")[0].at.Sub(first); d < 42*time.Second || d > 43*time.Second {
			t.Errorf("the first pod was deleted after %s", d)
		}
		if n := len(f.lines("renew")); n < 16 {
			t.Errorf("renewed %d times", n)
		}
	})
}

func TestAGateThatNeverAnswersKeepsTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := begin(t, 2, rollout.Running, gated(rollout.BeforeNode))
		f.gates.ask = func(ctx context.Context, _ gates.Question) gates.Answer {
			<-ctx.Done()
			return gates.Answer{Outcome: rollout.GatePass} // nobody is to believe that
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		if e := <-f.start(ctx); !errors.Is(e.err, context.DeadlineExceeded) {
			t.Errorf("%+v %v", e.end, e.err)
		}
		if n := len(f.lines("delete")); n != 0 {
			t.Errorf("%d pods were deleted", n)
		}
		if n := len(f.lines("renew")); n < 55 {
			t.Errorf("renewed %d times", n)
		}
	})
}

// What a gate saw before an outage says nothing after it.
func TestAnAnswerFromBeforeAnOutageIsNotHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := begin(t, 1, rollout.Running, gated(rollout.BeforeNode))
		var asked atomic.Int32
		f.gates.ask = func(context.Context, gates.Question) gates.Answer {
			if asked.Add(1) == 1 {
				<-time.After(90 * time.Second) // longer than the outage
				return gates.Answer{Outcome: rollout.GatePass}
			}
			<-time.After(10 * time.Minute)
			return gates.Answer{Outcome: rollout.GatePass}
		}
		from := time.Now().Add(3 * time.Second)
		f.before = func(context.Context, string) error {
			if now := time.Now(); now.After(from) && now.Before(from.Add(time.Minute)) {
				return lost()
			}
			return nil
		}
		f.mustFinish(f.drive())
		if d := f.lines("delete agent")[0].at.Sub(from); d < 10*time.Minute {
			t.Errorf("the pod was deleted after %s, asked %d times", d, asked.Load())
		}
	})
}

func TestGatesAreToldOfNodesAsTheyAreStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := begin(t, 2, rollout.Running)
		refused := 0
		f.before = func(_ context.Context, line string) error {
			if line == "save Running" {
				if refused++; refused%2 == 1 {
					f.gates.note("refused")
					return conflict()
				}
			}
			return nil
		}
		f.after = func(line string) error {
			if strings.HasPrefix(line, "save") {
				_, run := f.stored()
				out := "stored"
				for i := range run.InFlight {
					out += " " + run.InFlight[i].Node
				}
				f.gates.note(out)
			}
			return nil
		}
		f.mustFinish(f.drive())
		want := []string{
			"begin n0", "refused", "forget n0", "begin n0", "stored n0",
			"begin n1", "refused", "forget n1", "begin n1", "stored n1", "forget n0", // only now it has landed
			"refused", "forget n1",
		}
		got := slices.DeleteFunc(f.gates.lines(), func(s string) bool { return s == "stored" })
		if !slices.Equal(got, want) {
			t.Errorf("got  %v\nwant %v", got, want)
		}
	})
}

// A node that is tried again is compared with what it was like before the first
// try, not with what that made of it.
func TestGatesKeepWhatTheySawBeforeTheFirstTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := begin(t, 2, rollout.Running, gated(rollout.AfterNode), func(p *rollout.Policy) { p.MaxFailures = 1 })
		asked := 0
		f.gates.ask = func(_ context.Context, q gates.Question) gates.Answer {
			if asked++; asked == 1 {
				return gates.Answer{Outcome: rollout.GateFail, Reason: "no"}
			}
			return gates.Answer{Outcome: rollout.GatePass}
		}
		f.after = func(line string) error {
			if _, run := f.stored(); strings.HasPrefix(line, "save") && len(run.Failed) > 0 {
				f.gates.note("failed " + run.Failed[0].Node)
				f.asks <- rollout.Intent{Verb: rollout.VerbRetry, Node: run.Failed[0].Node}
			}
			return nil
		}
		f.mustFinish(f.drive())
		want := []string{"begin n0", "failed n0", "again n0", "begin n1", "forget n0", "forget n1"}
		if got := f.gates.lines(); !slices.Equal(got, want) {
			t.Errorf("got  %v\nwant %v", got, want)
		}
	})
}

// Nobody who did not see a node before its pod was replaced takes it for a
// measure.
func TestGatesTakeNoMeasureOfANodeThatIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := begin(t, 1, rollout.Running, func(p *rollout.Policy) { p.MaxFailures = 1 })
		_, run := f.stored()
		run.Touched, run.Failed = []int{0}, []rollout.Failure{{Node: "n0", Reason: "CrashLoop"}}
		b, err := rollout.EncodeRun(run)
		if err != nil {
			t.Fatal(err)
		}
		asked, err := rollout.EncodeIntents([]rollout.Intent{{ID: "i1", Run: run.ID, Verb: rollout.VerbRetry, Node: "n0"}})
		if err != nil {
			t.Fatal(err)
		}
		f.lease.Run, f.lease.Intents, f.Config.Run = b, asked, run
		*f.Config.Lease = *f.lease
		f.pods[0] = f.pod(0, 2, "h2")
		f.pods[0].Ready = false
		time.AfterFunc(10*time.Second, func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.pods = []snapshot.Pod{f.pod(0, 2, "h2")}
			f.wake()
		})
		f.mustFinish(f.drive())
		if got := f.gates.lines(); !slices.Equal(got, []string{"forget n0"}) {
			t.Errorf("got %v", got)
		}
	})
}

// A watch that hangs says nothing: lists tell, and without them nothing is
// believed for long.
func TestAHungWatchIsHealedByLists(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := begin(t, 2, rollout.Running)
		hang := func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.frozen = f.now()
		}
		f.after = func(line string) error {
			if strings.HasPrefix(line, "delete agent") {
				hang()
			}
			return nil
		}
		f.mustFinish(f.drive())
	})
}

func TestNothingIsDoneOnWhatNoListBearsOut(t *testing.T) {
	for _, hangs := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			f := begin(t, 30, rollout.Running)
			f.before = func(ctx context.Context, line string) error {
				if line != "poll" {
					return nil
				}
				if hangs {
					<-ctx.Done()
				}
				return lost()
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
			defer cancel()
			begun := time.Now()
			<-f.start(ctx)
			for _, s := range f.lines("delete", "save") {
				if d := s.at.Sub(begun); d > trusted*(listEvery+30*listEach)+time.Second {
					t.Errorf("%s after %s without a list", s.line, d)
				}
			}
			if n := len(f.lines("renew")); n < 100 {
				t.Errorf("renewed %d times", n)
			}
			if n := len(f.lines("poll")); n < 15 || n > 150 {
				t.Errorf("listed %d times", n)
			}
			if f.watcher.count(rollout.EventTrouble) == 0 {
				t.Error("nobody was told")
			}
		})
	}
}

// Whoever turns round compares with what there is to make better, and not with
// what was before the way there: other pods may have restarted with it.
func TestGatesTakeTheNodesInFlightAnewForTheWayBack(t *testing.T) {
	f := begin(t, 3, rollout.Running)
	_, run := f.stored()
	for i, m := range run.Members {
		run.InFlight = append(run.InFlight, rollout.Flight{Node: m.Node, NodeUID: f.nodes[i].UID})
	}
	back := *run
	back.Undo, back.Target = &rollout.Undo{Pinned: true}, rollout.Revision{Hash: "h1"}
	f.pods[0], f.pods[1] = f.pod(0, 2, "h2"), f.pod(1, 1, "h1")
	d := &driver{Config: f.Config, run: run, begun: map[string]bool{"n0": true, "n1": true}}
	d.baselines(t.Context(), &back, rollout.NewView(f.now(), run.Namespace, run.Name))
	if got, want := f.gates.lines(), []string{"forget n0", "begin n0"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	d.run = &back
	d.baselines(t.Context(), &back, rollout.NewView(f.now(), run.Namespace, run.Name))
	if got := f.gates.lines(); len(got) != 2 {
		t.Errorf("a second time, got %v", got)
	}
}
