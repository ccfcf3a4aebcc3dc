package gates

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// A command's children die with it: at its timeout, where the caller gives up,
// and where the command itself ends first.
func TestTheWholeGroupIsKilled(t *testing.T) {
	for _, tc := range []struct {
		name, file string
		timeout    time.Duration
		cancel     bool
		outcome    rollout.GateOutcome
		words      string
	}{
		{"at the timeout", "pid", 2 * time.Second, false, rollout.GateError, "no answer within 2s; the last it said: started a child"},
		{"when the caller gives up", "pid", time.Minute, true, rollout.GateError, "interrupted before it answered; the last it said: started a child"},
		{"when the command leaves it behind", "pid.leave", time.Minute, false, rollout.GatePass, "exit 0: started a child"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), tc.file)
			w := newWorld()
			p := helper()
			p.Gates[0].Timeout = timeout(tc.timeout)
			r := newRunner(t, p, w, helps("parent="+file))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			answers := make(chan Answer, 1)
			go func() { answers <- r.Ask(ctx, w.question(rollout.AfterNode)) }()
			child := pidIn(t, file)
			if tc.cancel {
				cancel()
			}
			select {
			case got := <-answers:
				check(t, got, tc.outcome, tc.words)
			case <-time.After(20 * time.Second):
				t.Fatal("no answer")
			}
			eventually(t, "the child of the command still lives", func() bool { return dead(child) })
		})
	}
}

func pidIn(t *testing.T, file string) (pid int) {
	t.Helper()
	eventually(t, "the command did not start its child", func() bool {
		data, err := os.ReadFile(file)
		if err != nil {
			return false
		}
		pid, err = strconv.Atoi(string(data))
		return err == nil
	})
	return pid
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal(what)
		}
	}
}
