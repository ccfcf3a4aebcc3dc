package rollout

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/internal/drive"
	"github.com/kubectl-ds/kubectl-ds/internal/present"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// leaveTo leaves abort or undo to the living driver of a run, after the same
// question as where this process does it. Gates that it would not know of are
// refused. Where its events are wanted here they are missed, and that is all:
// nobody who calls off a run in a hurry is sent back for it.
func (o *goOnOptions) leaveTo(ctx context.Context, at *connection, by drive.Driver, run *rollout.Run) error {
	if idle := o.typed(ofGates); len(idle) > 0 {
		return cli.Usagef("run %s is driven by %s on %s, which does what is asked with its own gates: leave out %s",
			run.ID, present.Safe(by.Who), present.Safe(by.Host), strings.Join(idle, ", "))
	}
	if !rollout.Allowed(run.Phase, o.verb) {
		return cli.Usagef("%w", &drive.NotNowError{Verb: o.verb, Phase: run.Phase})
	}
	if !o.yes {
		words := fmt.Sprintf("Run %s of %s is driven by %s on %s, which is asked to %s it. %s",
			run.ID, at.place(), present.Safe(by.Who), present.Safe(by.Host), o.verb, o.question(run, run.From.Number))
		if ok, err := o.app.confirm(ctx, at, words); err != nil || !ok {
			return err
		}
	}
	ask := &askOptions{app: o.app, target: o.target, verb: o.verb, of: run.ID}
	if idle := o.typed(func(name string) bool { return name == "output" || name == "journal" }); len(idle) > 0 {
		if _, err := fmt.Fprintf(o.app.streams.ErrOut, "warning: the driver of the run tells of it, and not this command: %s has no effect\n", strings.Join(idle, ", ")); err != nil {
			return err
		}
		quiet := *o.app // no words where events are read
		quiet.streams.Out = o.app.streams.ErrOut
		ask.app = &quiet
	}
	return ask.run(ctx)
}

// typed are the flags that were typed, of those asked about, as they are
// written.
func (o *goOnOptions) typed(about func(name string) bool) []string {
	var out []string
	o.output.cmd.Flags().Visit(func(flag *pflag.Flag) {
		if about(flag.Name) {
			out = append(out, "--"+flag.Name)
		}
	})
	return out
}

// keeps refuses flags of a policy where undo turns a run round that keeps its
// own. Gates are asked anew, and are given again.
func (f *undoFlags) keeps(run *rollout.Run) error {
	idle := f.goOn.typed(func(name string) bool { return slices.Contains(f.goOn.policy.names, name) && !ofGates(name) })
	if len(idle) == 0 {
		return nil
	}
	return cli.Usagef("run %s turns round with the policy that it was started with: leave out %s", run.ID, strings.Join(idle, ", "))
}
