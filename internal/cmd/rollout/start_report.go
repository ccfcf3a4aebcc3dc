package rollout

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/cli-runtime/pkg/printers"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/internal/present"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// report shows the plan, and reports whether it ends there: it is refused,
// there is nothing to do, or no more was asked for.
func (o *startOptions) report(made *planned) (done bool, err error) {
	switch {
	case o.output.output == "":
		err = o.show(made)
	case o.dryRun != dryNone:
		// As plan -o json prints it; words about it are not for whoever reads that.
		err = (&printers.JSONPrinter{}).PrintObj(made.object(), o.app.streams.Out)
	}
	switch {
	case err != nil:
		return true, err
	case made.Plan.Refused():
		return true, o.refused(made)
	case made.Plan.Idle():
		return true, o.idle(made)
	case o.dryRun == dryClient:
		return true, o.dryRan("dry run: nothing was written")
	}
	return false, nil
}

// show prints the plan that is asked about.
func (o *startOptions) show(made *planned) error {
	v := made.view(o.app.kube.CommandFlags())
	v.Asks = true
	if err := writePlan(o.app.streams.Out, v, o.view); err != nil {
		return err
	}
	return writeNotes(o.app.streams.ErrOut, made.Change.notes)
}

// dryRan says in words what a dry run came to.
func (o *startOptions) dryRan(words string) error {
	to := o.app.streams.Out
	if o.output.output != "" {
		to = o.app.streams.ErrOut
	}
	_, err := fmt.Fprintln(to, words)
	return err
}

// idle tells a reader of the stream that nothing is to be done; the screen has
// said so.
func (o *startOptions) idle(made *planned) error {
	if o.output.output == "" || o.dryRun != dryNone {
		return nil
	}
	n := present.NewNDJSON(o.app.streams.Out, present.StreamOptions{
		Context: made.Snapshot.Source.Context, Namespace: made.DaemonSet.Namespace, Name: made.DaemonSet.Name,
		CommandFlags: o.app.kube.CommandFlags(), Revisions: []rollout.Revision{made.Plan.Target},
	})
	n.Event(rollout.Event{Type: rollout.EventDone, At: made.Now, Revision: made.Plan.Target.Hash, Message: "nothing to do: no pod was to be replaced"})
	return n.Err()
}

// refused says why a run cannot start, where the screen has not said so.
func (o *startOptions) refused(made *planned) error {
	code := cli.Failed
	if made.Live.unreadable() == nil && slices.ContainsFunc(made.Plan.Checks, func(c rollout.Check) bool { return c.Name == "lock" && c.Result == rollout.CheckRefuse }) {
		code = cli.Locked
	}
	if o.output.output == "" {
		return cli.Exit(code, nil)
	}
	var why []string
	for _, c := range made.Plan.Checks {
		if c.Result == rollout.CheckRefuse {
			why = append(why, strings.TrimSuffix(c.Detail+": "+c.Fix, ": "))
		}
	}
	return cli.Exit(code, fmt.Errorf("cannot start: %s", strings.Join(why, "; ")))
}
