package drive

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

func TestADriverBringsEveryNodeToTheTarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := begin(t, 3, rollout.Running)
		f.Resumed = true
		f.mustFinish(f.drive())
		started := 0
		for _, s := range f.lines("save Running", "delete agent") {
			if strings.HasPrefix(s.line, "save") {
				started++
				continue
			}
			if started == 0 {
				t.Errorf("%s came before any node was stored as in flight", s.line)
			}
			started = 0
		}
		if f.watcher.count(rollout.EventResumed) != 1 || f.watcher.count(rollout.EventStarted) != 0 {
			t.Errorf("events: %v", f.watcher.events)
		}
		if f.watcher.count(rollout.EventTrouble) != 0 {
			t.Error("trouble where there was none")
		}
	})
}

// A run that rests and is gone on with says so once.
func TestResumedIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := begin(t, 2, rollout.Paused)
		f.Resumed, f.Stay = true, true
		f.asks <- rollout.Intent{Verb: rollout.VerbResume}
		f.mustFinish(f.drive())
		if n := f.watcher.count(rollout.EventResumed); n != 1 {
			t.Errorf("told %d times", n)
		}
	})
}

func TestAnInterruptIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := begin(t, 2, rollout.Running)
		close(f.leave)
		end := f.mustEnd(f.drive())
		if why := end.Run.Because; !end.Left || why == nil || why.Code != rollout.PauseLeft || why.Message != "jane" {
			t.Errorf("left %v, because %+v", end.Left, why)
		}
	})
}

// The Lease is taken, then the first lists are read, and only then is it
// driven: that may have taken longer than it lasts.
func TestADriverLooksAtItsLeaseFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := begin(t, 1, rollout.Running)
		f.watched = func(*kube.Lease) (*kube.Lease, error) { return nil, nil } // says nothing yet
		f.edit(func(l *kube.Lease) { l.Holder, l.Epoch = "joe@other_2_bbbbbb", 2 })
		if end := f.mustEnd(f.drive()); !end.Lost {
			t.Errorf("not lost: %+v", end.Decision)
		}
		if w := f.writes(); len(w) != 0 {
			t.Errorf("it wrote: %v", w)
		}
	})
}

func TestAConflictStormIsOvercome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := begin(t, 3, rollout.Running)
		random := rand.New(rand.NewPCG(1, 2))
		f.before = func(_ context.Context, line string) error {
			if !reads(line) && random.IntN(2) == 0 {
				return conflict()
			}
			return nil
		}
		f.mustFinish(f.drive())
	})
}

func reads(line string) bool { return line == "look" || line == "poll" || line == "get lease" }

// Every write is answered wrongly once after it was done, by a way that tells
// nothing, or by a code of a proxy.
func TestLostAnswersAreLookedAt(t *testing.T) {
	for _, answer := range []struct {
		name string
		err  func() error
	}{{"cut", lost}, {"conflict of a retry in between", conflict}, {"too many", func() error { return tooMany(1) }}, {"not found", notFound}} {
		t.Run(answer.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := begin(t, 3, rollout.Running)
				n := 0
				f.after = func(line string) error {
					if reads(line) {
						return nil
					}
					if n++; n%2 == 1 {
						return answer.err()
					}
					return nil
				}
				f.mustFinish(f.drive())
			})
		})
	}
}

func TestLooksThatDoNotAgreeNeverAct(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := begin(t, 2, rollout.Running)
		f.looked = func(s *snapshot.Snapshot) *snapshot.Snapshot {
			s.Pods = nil // whatever the watches say is not so
			return s
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		if e := <-f.start(ctx); !errors.Is(e.err, context.DeadlineExceeded) {
			t.Fatalf("%+v, %v", e.end, e.err)
		}
		if d := f.lines("delete"); len(d) != 0 {
			t.Errorf("it acted: %v", d)
		}
		// It looks again, and ever less often.
		if n := len(f.lines("look")); n < 100 || n > 400 {
			t.Errorf("%d looks in ten minutes", n)
		}
	})
}

func TestTheServersWordOfWaitingIsHeeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := begin(t, 1, rollout.Running)
		var refused time.Time
		f.before = func(_ context.Context, line string) error {
			if strings.HasPrefix(line, "delete agent") && refused.IsZero() {
				refused = time.Now()
				f.asks <- rollout.Intent{Verb: rollout.VerbRetry, Node: "n0"} // a key that is pressed meanwhile
				return tooMany(60)
			}
			return nil
		}
		f.mustFinish(f.drive())
		deletes := f.lines("delete agent")
		if len(deletes) != 2 || deletes[1].at.Sub(refused) < time.Minute {
			t.Errorf("deletes: %v", deletes)
		}
		renewed := 0
		for _, s := range f.lines("renew", "save") {
			if s.at.After(refused) && s.at.Before(refused.Add(time.Minute)) {
				renewed++
				if strings.HasPrefix(s.line, "save") {
					t.Errorf("%s while the server asked to wait", s.line)
				}
			}
		}
		if renewed < 10 {
			t.Errorf("renewed %d times in that minute", renewed)
		}
	})
}

func TestTheServersWordAboutTheLeaseSilencesAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := begin(t, 1, rollout.Running)
		var told time.Time
		f.after = func(line string) error {
			if line == "renew" && told.IsZero() {
				told = time.Now()
				f.asks <- rollout.Intent{Verb: rollout.VerbRetry, Node: "n0"}
				return tooMany(7)
			}
			return nil
		}
		f.mustFinish(f.drive())
		for _, s := range f.lines("") {
			if s.at.After(told) && s.at.Before(told.Add(7*time.Second)) && s.line != "poll" {
				t.Errorf("%s %s after", s.line, s.at.Sub(told))
			}
		}
	})
}

func TestARefusalForGoodEndsDriving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := begin(t, 1, rollout.Running)
		f.before = func(_ context.Context, line string) error {
			if strings.HasPrefix(line, "delete agent") {
				return errors.New("it cannot even be sent")
			}
			return nil
		}
		e := f.drive()
		if e.err == nil || !strings.Contains(e.err.Error(), "cannot even be sent") {
			t.Fatalf("%+v, %v", e.end, e.err)
		}
		if n := len(f.lines("delete agent")); n != 1 {
			t.Errorf("tried %d times", n)
		}
		if l, _ := f.stored(); l.Holder != "" {
			t.Error("the Lease is not free for who goes on")
		}
	})
}

func TestAPersonIsToldOfTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := begin(t, 1, rollout.Running)
		n := 0
		f.before = func(_ context.Context, line string) error {
			if strings.HasPrefix(line, "delete agent") {
				if n++; n < 8 {
					return lost()
				}
			}
			return nil
		}
		f.mustFinish(f.drive())
		if got := f.watcher.count(rollout.EventTrouble); got != 1 {
			t.Errorf("told %d times", got)
		}
	})
}
