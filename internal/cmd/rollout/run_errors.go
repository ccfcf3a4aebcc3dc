package rollout

import (
	"errors"
	"fmt"
	"time"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/internal/drive"
	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// command is a command of this plugin on the same DaemonSet, to paste. more
// are flags of it, quoted.
func (c *connection) command(words string, more ...string) string {
	out := "kubectl ds-rollout " + words + " -n " + cli.Quote(c.Namespace) + " " + cli.Quote(c.name)
	for _, m := range append(more, c.flags) {
		if m != "" {
			out += " " + m
		}
	}
	return out
}

// runError says what to do where a run is not there, is not to be read, or is
// driven by somebody else.
func (c *connection) runError(err error) error {
	var locked *drive.LockedError
	var state *kube.StateError
	var newer *rollout.NewerVersionError
	var notNow *drive.NotNowError
	var other *drive.OtherRunError
	var exit *cli.ExitError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &exit):
		return err // it says all
	case errors.As(err, &other):
		return c.otherRun(other)
	case errors.Is(err, drive.ErrNoRun):
		return cli.Usagef("no run of %s/%s is there; what the DaemonSet does by itself: %s", c.Namespace, c.name, c.command("status"))
	case errors.As(err, &locked):
		return cli.Exit(cli.Locked, fmt.Errorf("run %s is driven by %s on %s, alive %s ago. Not touched. If that host is gone, resume works in %s (lease); takeover ends a living driver. Watch it: %s",
			locked.Run, locked.Driver.Who, locked.Driver.Host, time.Since(locked.Renewed).Round(time.Second), locked.Free.Round(time.Second), c.command("status -w")))
	case errors.As(err, &newer):
		return cli.Usagef("%w", err)
	case errors.As(err, &notNow):
		return cli.Usagef("%w", err)
	case errors.As(err, &state), isStoredRun(err):
		return cli.Usagef("the stored run of %s/%s cannot be read (%w); clean up without it: %s", c.Namespace, c.name, err, c.command("recover"))
	}
	return c.explain(err)
}

// isStoredRun reports whether an error is about what stands in a Lease, and
// not about a request.
func isStoredRun(err error) bool {
	var request *kube.RequestError
	return !errors.As(err, &request)
}
