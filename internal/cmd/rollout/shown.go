package rollout

import (
	"fmt"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/internal/drive"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// stillShown refuses to do to a run what somebody said yes to for another one,
// or for one that stood elsewhere. It is asked right before the Lease is taken.
func (c *connection) stillShown(shown, now *rollout.Run) error {
	switch {
	case now.ID != shown.ID || now.UID != shown.UID || !now.Started.Equal(&shown.Started):
		return c.otherRun(&drive.OtherRunError{Was: shown.ID, Run: now})
	case now.Phase != shown.Phase:
		return cli.Exit(cli.Locked, fmt.Errorf("run %s was %s when it was shown, and is %s now: it was not touched; look again: %s",
			now.ID, shown.Phase, now.Phase, c.command("status")))
	}
	return nil
}

func (c *connection) otherRun(e *drive.OtherRunError) error {
	by := ""
	if e.Run.By != "" {
		by = " of " + e.Run.By
	}
	return cli.Exit(cli.Locked, fmt.Errorf("run %s of %s/%s is not there any more, and run %s%s is, which is %s: it was not touched; see it: %s",
		e.Was, c.Namespace, c.name, e.Run.ID, by, e.Run.Phase, c.command("status")))
}
