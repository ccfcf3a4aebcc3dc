package rollout

import (
	"context"
	"encoding/json"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/printers"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/internal/present"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// historyFlags are what a user of history typed.
type historyFlags struct {
	revision int64
	diff     string
	from     string
	view     viewFlags
	print    *cli.PrintFlags
}

// newHistoryCommand makes history.
func newHistoryCommand(a *app) (*cobra.Command, error) {
	f := &historyFlags{print: cli.NewPrintFlags(namesOf, "table")}
	cmd := &cobra.Command{
		Use:   "history DAEMONSET [--revision N | --diff A..B]",
		Short: "Show the revisions of a DaemonSet, what each changed, and how many pods run it",
		Long:  "Show the revisions of a DaemonSet, what each changed against the one before, and how many pods run it. Values of environment variables and arguments of commands are never shown.",
		Example: cli.Examples(`
			# All revisions
			kubectl ds-rollout history -n kube-system cilium

			# The template of one, values redacted
			kubectl ds-rollout history -n kube-system cilium --revision 41

			# What changed between two
			kubectl ds-rollout history -n kube-system cilium --diff 40..42`),
		Args: cli.ExactArgs("a DaemonSet"), ValidArgsFunction: a.completeTarget(false),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd.Context(), a, args[0]) },
	}
	fs := cmd.Flags()
	fs.Int64Var(&f.revision, "revision", 0, "Print the template of this revision, values redacted. 0 lists all revisions.")
	fs.StringVar(&f.diff, "diff", "", "Print what changes from one revision to another, as in 40..42.")
	fs.StringVar(&f.from, "from", "", "Read a capture instead of a cluster.")
	f.view.addTable(fs)
	fs.Lookup("full").Usage = "Show all columns, and texts as long as they are. A pipe gets them in any case."
	f.print.Add(cmd)
	return cmd, cli.RegisterFlags(cmd, map[string]cli.CompleteFunc{"output": cli.Words(f.print.Formats()...)})
}

func (f *historyFlags) run(ctx context.Context, a *app, target string) error {
	if f.revision != 0 && f.diff != "" {
		return cli.Usagef("--revision and --diff ask for two different things; choose one")
	}
	printer, err := f.print.Printer()
	if err != nil {
		return err
	}
	view, err := f.view.options(a.streams.Out, f.print)
	if err != nil {
		return err
	}
	from, to := int64(0), int64(0)
	if f.diff != "" {
		if from, to, err = rollout.ParseDiff(f.diff); err != nil {
			return cli.Usagef("--diff: %w", err)
		}
	}
	r, err := a.read(ctx, target, f.from)
	if err != nil {
		return err
	}
	view.Now = r.now
	switch {
	case f.revision != 0:
		return r.writeRevision(a, f.revision, printer)
	case f.diff != "":
		return r.writeDiff(a, from, to, printer, view)
	}
	return r.writeHistory(a, printer, view)
}

func (r *reading) writeHistory(a *app, printer printers.ResourcePrinter, view present.Options) error {
	rows := rollout.HistoryOf(r.view, r.run, r.now)
	if printer != nil {
		return printer.PrintObj(&historyObject{
			reportHead: r.head("RolloutHistory"), Revisions: rows,
		}, a.streams.Out)
	}
	return present.WriteHistory(a.streams.Out, &present.HistoryView{
		Context: r.context(), Namespace: r.view.DaemonSet.Namespace, Name: r.view.DaemonSet.Name, Rows: rows,
	}, view)
}

func (r *reading) meta() metav1.ObjectMeta {
	ds := r.view.DaemonSet
	return metav1.ObjectMeta{Namespace: ds.Namespace, Name: ds.Name, UID: ds.UID}
}

// copyObject copies by way of JSON, which is all that these objects are for.
func copyObject[T runtime.Object](from, to T) runtime.Object {
	b, err := json.Marshal(from)
	if err != nil || json.Unmarshal(b, to) != nil {
		return nil
	}
	return to
}
