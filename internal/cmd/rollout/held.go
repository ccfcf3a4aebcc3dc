package rollout

import (
	"strings"

	"github.com/kubectl-ds/kubectl-ds/internal/drive"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// held says which run is in the way of a new one, who drives it, and what to
// type about it.
func (o *planOptions) held(p *planned) (by, fix string) {
	by = p.Live.heldBy(p.DaemonSet)
	l := p.Live.Lease
	if l == nil || len(l.Run) == 0 || !strings.HasPrefix(by, "run ") {
		return by, ""
	}
	command := func(words ...string) string {
		words = append(append([]string{"kubectl", Plugin}, words...), "-n", p.DaemonSet.Namespace, p.DaemonSet.Name)
		return rollout.Command(o.app.kube.CommandFlags(), words...)
	}
	if l.Holder != "" && !drive.DeadHere(l) && p.Now.Sub(l.Renewed) < l.Duration {
		d := drive.DriverOf(l.Holder)
		return by + ", driven by " + d.Who + " on " + d.Host, "watch it: " + command("status", "-w")
	}
	return by + ", which nobody drives", "go on with it: " + command("resume") + "; or end it: " + command("abort")
}
