package present

import (
	"testing"

	"github.com/kubectl-ds/kubectl-ds/pkg/coverage"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

func TestPlanCountsPodsInItsSentence(t *testing.T) {
	to, from := rollout.Revision{Number: 24, Hash: "aa"}, rollout.Revision{Number: 26, Hash: "bb"}
	plan := func(change bool, target rollout.Revision, hashes ...string) *PlanView {
		p := &rollout.Plan{Change: change, Target: target, From: from}
		for _, h := range hashes {
			p.Nodes = append(p.Nodes, rollout.PlanNode{Pod: "p", Revision: h})
		}
		return &PlanView{Plan: p}
	}
	for want, v := range map[string]*PlanView{
		"back to the template of revision 24, which gets a new number; of 3 pods 2 run it, 1 runs 26": plan(true, to, "aa", "aa", "bb"),
		"a new template, which becomes a new revision; of 2 pods 1 runs 26, 1 runs others":            plan(true, rollout.Revision{}, "bb", "cc"),
		"a new template, which becomes a new revision; the only pod runs 26":                          plan(true, rollout.Revision{}, "bb"),
		"none asked: the template is revision 24, of 3 pods 1 runs it, 2 run 26":                      plan(false, to, "aa", "bb", "bb"),
	} {
		if got := changeText(v); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestAnOldPodIsCalledSoOnceAndByItsNumber(t *testing.T) {
	v := &StoppedView{Status: &rollout.Status{From: rollout.Revision{Number: 26, Hash: "bb"}}}
	e := &coverage.NodeVerdict{Pod: "agent-x", PodRevision: "bb", State: coverage.Outdated, Reason: coverage.OutdatedReason, Message: "runs revision bb, not aa"}
	if got, want := podFact(v, e), "agent-x, revision 26: Outdated"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
