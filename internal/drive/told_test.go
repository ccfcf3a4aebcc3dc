package drive

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/kubectl-ds/kubectl-ds/internal/gates"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// TestWhatGatesAnswerIsTold once for every answer.
func TestWhatGatesAnswerIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := begin(t, 3, rollout.Running, gated(rollout.AfterNode), func(p *rollout.Policy) { p.Gates[0].Retries = 1 })
		asked := 0
		f.gates.ask = func(context.Context, gates.Question) gates.Answer {
			if asked++; asked == 1 {
				return gates.Answer{Outcome: rollout.GateFail, Reason: "not yet"}
			}
			return gates.Answer{Outcome: rollout.GatePass}
		}
		f.mustFinish(f.drive())
		if n := f.watcher.count(rollout.EventGateBlocked); n != 1 {
			t.Errorf("told of %d answers that block, want 1", n)
		}
		if n := f.watcher.count(rollout.EventGatePassed); n != 3 {
			t.Errorf("told of %d answers that pass, want one a node", n)
		}
	})
}
