package coverage

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/internal/present"
	"github.com/kubectl-ds/kubectl-ds/pkg/coverage"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// reportOptions are what running the main command needs.
type reportOptions struct {
	asked
	app       *app
	Condition condition
	Flat      bool

	streams  genericiooptions.IOStreams
	interval time.Duration // between two readings of --wait
	none     func() string // says that there is no DaemonSet to report on
}

// options is what the flags mean. It asks no cluster.
func (f *reportFlags) options(a *app, args []string) (*reportOptions, error) {
	o := &reportOptions{app: a, Flat: f.flat, streams: a.streams, interval: waitInterval}
	table := present.DaemonSetTable
	if f.flat {
		table = present.FlatTable
	}
	var err error
	if o.asked, err = f.screenFlags.options(args, a.streams.Out, table); err != nil {
		return nil, err
	}
	if o.Condition, err = f.condition.options(f.source.from); err != nil {
		return nil, err
	}
	if o.Printer != nil && (f.flat || f.view.quiet || f.view.sortBy != "") {
		return nil, cli.Usagef("--flat, --quiet and --sort-by are about tables: leave them out with -o %s", f.print.Output())
	}
	if f.flat && f.view.quiet {
		return nil, cli.Usagef("--flat shows all rows and --quiet none: leave one of them out")
	}
	return o, nil
}

func (o *reportOptions) run(ctx context.Context) error {
	r, namespace, err := o.Source.open(o.app.kube, o.streams.In, detail{}, subcommands)
	if err != nil {
		return err
	}
	o.none = func() string { return noResources(ctx, r, namespace) }
	p := cli.NewProgress(o.streams.ErrOut, o.app.clock)
	if o.Condition.Wait {
		return o.wait(ctx, r, p)
	}
	a, err := o.Source.analyze(ctx, r, o.app.clock, p.Say)
	p.Done()
	if apierrors.IsForbidden(err) && !o.Condition.Empty() {
		return cli.Exit(cli.CannotTell, err)
	}
	if err != nil {
		return err
	}
	list := o.report(a)
	if err := o.show(a, list); err != nil {
		return err
	}
	return o.judge(list)
}

// report is the report with the answer to the condition.
func (o *reportOptions) report(a *analysis) *coverage.DaemonSetCoverageList {
	list := a.Report()
	if !o.Condition.Empty() {
		list.Condition = list.Answer(o.Condition.Condition)
	}
	return list
}

// show writes the report.
func (o *reportOptions) show(a *analysis, list *coverage.DaemonSetCoverageList) error {
	if o.Printer != nil {
		if o.View.GapsOnly {
			list = troubled(list)
		}
		return o.Printer.PrintObj(list, o.streams.Out)
	}
	if len(list.Items) == 0 {
		_, err := fmt.Fprintln(o.streams.ErrOut, o.none())
		return err
	}
	if _, unread := a.Snapshot.Missing(snapshot.ResourceNodes, ""); !unread && o.Source.NodeSelector != nil && list.Summary.LiveNodes == 0 {
		return sayNoNodes(o.streams.ErrOut, &o.Source) // rows of nothing would look well
	}
	v := o.View
	v.Now, v.Took = a.now, a.took
	if o.Flat {
		if err := present.Flat(o.streams.Out, list, v); err != nil {
			return err
		}
		// Rows stay clean for grep; what could not be read must still be said.
		v.Width = 0
		return present.Beside(o.streams.ErrOut, list, v)
	}
	return present.Coverage(o.streams.Out, list, a.Causes(), v)
}

// troubled keeps the DaemonSets of which something is not well; the sums stay
// those of the whole question.
func troubled(list *coverage.DaemonSetCoverageList) *coverage.DaemonSetCoverageList {
	out := *list
	out.Items = []coverage.DaemonSetCoverage{}
	for i := range list.Items {
		if present.Troubled(&list.Items[i]) {
			out.Items = append(out.Items, list.Items[i])
		}
	}
	return &out
}

// noResources says it as kubectl does, and which namespace may have been meant.
func noResources(ctx context.Context, r reader, namespace string) string {
	if namespace == "" {
		return "No resources found."
	}
	near := ""
	if all := r.namespaces(ctx); !slices.Contains(all, namespace) {
		near = cli.DidYouMean(namespace, all)
	}
	return present.Safe(fmt.Sprintf("No resources found in %s namespace%s.", namespace, near))
}

// judge turns the answer to the condition into an exit code, and says why on
// stderr.
func (o *reportOptions) judge(list *coverage.DaemonSetCoverageList) error {
	a := list.Condition
	if a == nil || a.Met == metav1.ConditionTrue {
		return nil
	}
	code, what := cli.Failed, "does not hold"
	if a.Met == metav1.ConditionUnknown {
		code, what = cli.CannotTell, "cannot be told"
	}
	_, _ = fmt.Fprintf(o.streams.ErrOut, "condition (%s) %s: %s\n", o.Condition.String(), what, present.Safe(a.Message))
	return cli.Exit(code, nil)
}

func percentOf(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) + "%" }
