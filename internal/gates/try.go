package gates

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// How answers begin that a gate gives wherever it is asked.
const (
	givesOther  = "the expression gave "
	noDaemonSet = "there is no DaemonSet "
)

// Try asks the gates of p that change nothing wherever they are asked, of one
// node, and returns what is wrong with those that could never pass: an
// expression that gives no bool, a DaemonSet that is not there. What they say
// otherwise, or cannot read, is for the run to hear.
func (r *Runner) Try(ctx context.Context, p *rollout.Policy, run *rollout.Run, v *rollout.View, node *rollout.NodeView, now time.Time) []string {
	var out []string
	for i := range p.Gates {
		g := &p.Gates[i]
		if g.CEL == "" && g.DaemonSet == "" {
			continue
		}
		q := Question{Action: rollout.RunGate{Gate: g.Name, When: g.When, Attempt: 1}, Run: run, View: v, Now: now}
		if g.When != rollout.BeforeWave {
			q.Node = node
			q.Action.Node = node.Node.Name
		}
		a := r.Ask(ctx, q)
		if strings.HasPrefix(a.Reason, givesOther) || strings.HasPrefix(a.Reason, noDaemonSet) {
			out = append(out, fmt.Sprintf("gate %s: %s", g.Name, a.Reason))
		}
	}
	return out
}
