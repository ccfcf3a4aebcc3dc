package rollout

import (
	"errors"
	"slices"

	"github.com/kubectl-ds/kubectl-ds/internal/drive"
	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// held says which run is in the way of a new one, who drives it, and what to
// type about it.
func (o *planOptions) held(p *planned) (by, fix string) {
	by, before := p.Live.heldBy(p.View)
	command := func(words ...string) string {
		words = append(append([]string{"kubectl", Plugin}, words...), "-n", p.DaemonSet.Namespace, p.DaemonSet.Name)
		return rollout.Command(o.app.kube.CommandFlags(), words...)
	}
	l := p.Live.Lease
	var newer *rollout.NewerVersionError
	switch {
	case by == "":
		return "", ""
	case before:
		return by, "once nobody drives it, clean up after it: " + command("recover")
	case errors.As(p.Live.unreadable(), &newer):
		return by, "go on or end it with that version"
	case p.Live.unreadable() != nil || l == nil || len(l.Run) == 0:
		return by, "clean up without it: " + command("recover") // neither resume nor abort can read it
	}
	if l.Holder != "" && !drive.DeadHere(l) && p.Now.Sub(l.Renewed) < l.Duration {
		d := drive.DriverOf(l.Holder)
		return by + ", driven by " + d.Who + " on " + d.Host, "watch it: " + command("status", "-w")
	}
	return by + ", which nobody drives", "go on with it: " + command("resume") + "; or end it: " + command("abort")
}

// heldBy names the run that the Lease of a DaemonSet holds, if any, and reports
// whether that is a run of a DaemonSet of the name before.
func (c *clients) heldBy(v *rollout.View) (words string, before bool) {
	if c.OddLease != "" || c.Lease == nil {
		return c.OddLease, false
	}
	if words = holder(c.Lease, v.DaemonSet); words != "" {
		return words, false
	}
	words = leftBefore(c.Lease, v)
	return words, words != ""
}

// leftBefore names a run of a DaemonSet of this name before that has not ended:
// where its driver may be alive, or nodes carry its mark. Nothing but its Lease
// tells then whose marks they are.
func leftBefore(l *kube.Lease, v *rollout.View) string {
	r, err := rollout.DecodeRun(l.Run)
	if err != nil || r.Phase == rollout.Ended {
		return ""
	}
	words := runWords(r) + ", of a DaemonSet of this name that was deleted"
	if drive.MayLive(l) {
		d := drive.DriverOf(l.Holder)
		return words + ", driven by " + d.Who + " on " + d.Host
	}
	i := slices.IndexFunc(v.Nodes, func(n rollout.NodeView) bool { return n.Mark != nil && n.Mark.Run == r.ID })
	if i < 0 {
		return ""
	}
	return words + ", whose mark is still on node " + v.Nodes[i].Node.Name
}

// unreadable says why a Lease that is there tells of no run; nil where it does
// or is not there.
func (c *clients) unreadable() error {
	if c.OddLease != "" {
		return errors.New(c.OddLease)
	}
	if c.Lease == nil || len(c.Lease.Run) == 0 {
		return nil
	}
	_, err := rollout.DecodeRun(c.Lease.Run)
	return err
}
