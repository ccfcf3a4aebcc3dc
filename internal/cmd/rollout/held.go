package rollout

import (
	"errors"

	"github.com/kubectl-ds/kubectl-ds/internal/drive"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// held says which run is in the way of a new one, who drives it, and what to
// type about it.
func (o *planOptions) held(p *planned) (by, fix string) {
	by = p.Live.heldBy(p.DaemonSet)
	command := func(words ...string) string {
		words = append(append([]string{"kubectl", Plugin}, words...), "-n", p.DaemonSet.Namespace, p.DaemonSet.Name)
		return rollout.Command(o.app.kube.CommandFlags(), words...)
	}
	l := p.Live.Lease
	var newer *rollout.NewerVersionError
	switch {
	case by == "":
		return "", ""
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
