package drive

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/kubectl-ds/kubectl-ds/internal/gates"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// TestWhatGatesAnswerIsTold once for every answer, and once where a gate holds.
func TestWhatGatesAnswerIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := begin(t, 3, rollout.Running, gated(rollout.AfterNode), func(p *rollout.Policy) { p.Gates[0].Retries = 1 })
		asked := 0
		f.gates.ask = func(context.Context, gates.Question) gates.Answer {
			switch asked++; {
			case asked == 1:
				return gates.Answer{Outcome: rollout.GateFail, Reason: "not at all"}
			case asked < 5:
				return gates.Answer{Outcome: rollout.GateHold, Reason: "not yet"}
			}
			return gates.Answer{Outcome: rollout.GatePass}
		}
		f.mustFinish(f.drive())
		if n := f.watcher.count(rollout.EventGateBlocked); n != 2 {
			t.Errorf("told of %d answers that block, want the failure and the first that holds", n)
		}
		if n := f.watcher.count(rollout.EventGatePassed); n != 3 {
			t.Errorf("told of %d answers that pass, want one a node", n)
		}
	})
}
