package rollout

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-ds/kubectl-ds/internal/gates"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// amend makes the checks of a plan say how much was looked at: a capture tells
// nothing of permissions, budgets and locks.
func (p *planned) amend() {
	for i := range p.Plan.Checks {
		c := &p.Plan.Checks[i]
		switch {
		case p.Live == nil && (c.Name == "permissions" || c.Name == "disruption"):
			*c = rollout.Check{Name: c.Name, Result: rollout.CheckWarn, Detail: "not known: a capture does not tell"}
		case c.Name == "permissions" && c.Result == rollout.CheckOK && p.Live != nil:
			n := len(accesses(p.Policy, p.DaemonSet.Namespace, p.DaemonSet.Name))
			c.Detail = fmt.Sprintf("%d of %d verbs", n, n)
		}
	}
}

// tryGates adds a check where a gate could never pass: that would be found only
// when a pod has been deleted.
func (o *planOptions) tryGates(ctx context.Context, p *planned) error {
	i := slices.IndexFunc(p.Plan.Nodes, func(n rollout.PlanNode) bool { return n.Pod != "" })
	if p.Live == nil || i < 0 {
		return nil
	}
	runner, err := gates.New(o.Policy, p.Live.Reader, gates.Options{Env: o.app.environ()})
	if err != nil {
		return err
	}
	run := &rollout.Run{Target: p.Plan.Target, From: p.Plan.From, Original: p.Plan.Strategy}
	wrong := runner.Try(ctx, o.Policy, run, p.View, p.View.Node(p.Plan.Nodes[i].Node), p.Now)
	if len(wrong) > 0 {
		p.Plan.Checks = append(p.Plan.Checks, rollout.Check{Name: "gates", Result: rollout.CheckRefuse, Detail: strings.Join(wrong, "; "), Fix: "change the gate, or leave it out"})
	}
	return nil
}
