package rollout

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/internal/drive"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// undoFlags are what a user of undo typed: it turns a run round, or, where
// there is none, starts one to an older revision.
type undoFlags struct {
	goOn     goOnOptions
	revision int64
}

// newUndoCommand makes undo.
func newUndoCommand(a *app) (*cobra.Command, error) {
	f := &undoFlags{goOn: goOnOptions{app: a, verb: rollout.VerbUndo}}
	cmd := &cobra.Command{
		Use:   "undo DAEMONSET [--to-revision N] [policy]",
		Short: "Put an older template back, and the nodes that have left it",
		Long: templates.LongDesc(`
			Put the template back, and bring the nodes that have left it back to it, failing ones first. A node that was
			skipped on the way there is brought back, too, after all others, unless it is skipped again.

			Where a run is there, it turns round: back to the revision that it came from, with its own ceiling, in the
			reverse order, whatever its --timeout, --until and --window say. What gates run is never stored: it asks
			the gates that are given, else the built-in ones of the run. Where a living driver holds it, that one
			does so with its own gates, and others are refused.

			Where none is, as after an update by the controller, a new run to the revision before (or --to-revision)
			begins, with the policy that is given; nodes that are broken already do not fill its ceiling.`),
		Example: cli.Examples(`
			# Turn a run round
			kubectl ds-rollout undo -n kube-system cilium

			# Take a native update back, four nodes at a time
			kubectl ds-rollout undo -n logging vector --max-unavailable 4`),
		Args: cli.ExactArgs("a DaemonSet"), ValidArgsFunction: a.completeTarget(false),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.goOn.target = args[0]
			return f.run(cmd.Context(), cmd)
		},
	}
	fs := cmd.Flags()
	fs.BoolVarP(&f.goOn.yes, "yes", "y", false, "Do not ask.")
	fs.Int64Var(&f.revision, "to-revision", 0, "The revision to go back to; 0 is where the run came from, or the one before. kubectl ds-rollout history lists them.")
	f.goOn.view.add(fs)
	if err := f.goOn.policy.add(a, cmd); err != nil {
		return nil, err
	}
	return cmd, f.goOn.output.add(cmd)
}

func (f *undoFlags) run(ctx context.Context, cmd *cobra.Command) error {
	o := &f.goOn
	if f.revision < 0 {
		return cli.Usagef("--to-revision takes the number of a revision, from 1, not %d", f.revision)
	}
	at, err := o.app.connect(o.target, false)
	if err != nil {
		return err
	}
	_, run, err := drive.Find(ctx, at.writer, at.Namespace, at.name)
	switch {
	case errors.Is(err, drive.ErrNoRun), err == nil && run.Phase == rollout.Ended:
		return f.start(ctx, cmd)
	case err != nil:
		return at.runError(err)
	}
	if err := f.keeps(run); err != nil {
		return err
	}
	if f.revision != 0 {
		if err := f.cameFrom(ctx, at, run); err != nil {
			return err
		}
	}
	return o.run(ctx)
}

// cameFrom refuses another revision than the one that the run came from, which
// has a new number once the template has gone back to it.
func (f *undoFlags) cameFrom(ctx context.Context, at *connection, run *rollout.Run) error {
	s := &session{app: f.goOn.app, at: at}
	if err := s.look(ctx, run); err != nil {
		return err
	}
	from := s.numberOf(run.From)
	if f.revision == from {
		return nil
	}
	return cli.Usagef("run %s came from revision %d, and undo brings it back there; for another one end the run first: %s",
		run.ID, from, at.command("abort"))
}

// start begins a run to an older revision.
func (f *undoFlags) start(ctx context.Context, cmd *cobra.Command) error {
	o := &f.goOn
	if err := o.output.validate(); err != nil {
		return err
	}
	if err := o.app.mayAsk(o.yes); err != nil {
		return err
	}
	view, err := o.view.screen(o.app.streams.Out)
	if err != nil {
		return err
	}
	p := &planOptions{app: o.app, asFlags: o.policy.asFlags, Change: changeOptions{Revision: f.revision}}
	if f.revision == 0 {
		p.Change.Revision = theOneBefore
	}
	if o.app.kube.SetNamespace() {
		p.Namespace = *o.app.kube.Namespace
	}
	if p.Name, err = cli.DaemonSetName(o.target); err != nil {
		return err
	}
	if p.Policy, err = o.policy.policy(o.app.streams.In); err != nil {
		return err
	}
	if !cmd.Flags().Changed("fence-broken") {
		// Whoever takes an update back does so because nodes are broken by it.
		p.Policy.FenceBroken = true
	}
	if o.output.output == "" {
		if _, err := fmt.Fprintln(o.app.streams.ErrOut, "no run is there: a new one goes back to the older revision"); err != nil {
			return err
		}
	}
	return (&startOptions{app: o.app, plan: p, view: view, output: o.output, yes: o.yes, dryRun: dryNone}).run(ctx)
}
