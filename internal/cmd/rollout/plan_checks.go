package rollout

import (
	"fmt"

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
			n := len(accesses(p.Policy, p.DaemonSet.Namespace))
			c.Detail = fmt.Sprintf("%d of %d verbs", n, n)
		}
	}
}
