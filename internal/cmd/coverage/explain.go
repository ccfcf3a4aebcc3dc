package coverage

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/internal/present"
)

type explainFlags struct{ screenFlags }

// explainOptions are what running explain needs.
type explainOptions struct {
	asked
	app  *app
	Node string
}

func newExplainCommand(a *app, runF func(context.Context, *explainOptions) error) (*cobra.Command, error) {
	f := &explainFlags{newScreenFlags(a, "table")}
	cmd := &cobra.Command{
		Use:   "explain DAEMONSET NODE",
		Short: "Show every rule for one DaemonSet on one node, and what would change the verdict",
		Long: templates.LongDesc(`
			Show every rule for one DaemonSet on one node, in the order in which the controller and the scheduler
			ask, with operands and result; then what would change the verdict, and what that would do to the number
			of nodes that should run the DaemonSet.`),
		Example: cli.Examples(`
			# Why does node-7 not run the log collector
			kubectl ds-coverage explain -n logging vector node-7

			# The same, from a capture, as YAML
			kubectl ds-coverage explain -n logging ds/vector node-7 --from capture.json -o yaml`),
		Args:              cli.ExactArgs("DAEMONSET", "NODE"),
		ValidArgsFunction: cli.Position(a.names.Names("daemonset"), a.names.Names("node")),
		RunE:              runE(func(args []string) (*explainOptions, error) { return f.options(a, args) }, runF),
	}
	f.source.addFrom(cmd.Flags())
	f.view.addColor(cmd.Flags())
	f.print.Add(cmd)
	return cmd, complete(cmd, f.print, present.DaemonSetTable)
}

func (f *explainFlags) options(a *app, args []string) (*explainOptions, error) {
	o := &explainOptions{app: a}
	var err error
	if o.asked, err = f.screenFlags.options(args[:1], a.streams.Out, present.DaemonSetTable); err != nil {
		return nil, err
	}
	if o.Node, err = cli.NodeName(args[1]); err != nil {
		return nil, err
	}
	return o, nil
}

func (o *explainOptions) run(ctx context.Context) error {
	r, _, err := o.Source.open(o.app.kube, o.app.streams.In, detail{full: true}, nil)
	if err != nil {
		return err
	}
	p := cli.NewProgress(o.app.streams.ErrOut, o.app.clock)
	an, err := o.Source.analyzeNode(ctx, r, o.Node, o.app.clock, p.Say)
	p.Done()
	if err != nil {
		return err
	}
	if len(an.DaemonSets) != 1 {
		return o.ambiguous(an)
	}
	node, err := findNodes(an.Snapshot, []string{o.Node})
	if err != nil {
		return err
	}
	e, err := an.ExplainPair(0, node[0])
	if err != nil {
		return cli.Usagef("%w", err)
	}
	if o.Printer != nil {
		return o.Printer.PrintObj(e, o.app.streams.Out)
	}
	v := o.View
	v.Now, v.Took = an.now, an.took
	return present.Explanation(o.app.streams.Out, e, v)
}

// ambiguous is the error for a name that several namespaces of a capture have.
func (o *explainOptions) ambiguous(an *analysis) error {
	name := o.Source.Names[0]
	if len(an.DaemonSets) == 0 { // deleted while it was read
		return cli.Usagef("daemonset %q is gone", name)
	}
	var in []string
	for i := range an.DaemonSets {
		in = append(in, an.DaemonSets[i].DaemonSet.Namespace)
	}
	return cli.Usagef("daemonset %q exists in %s; choose one: -n %s", name, joinNames(in), in[0])
}

func joinNames(names []string) string {
	switch n := len(names); n {
	case 0:
		return ""
	case 1:
		return names[0]
	default:
		return fmt.Sprintf("%s and %s", joinComma(names[:n-1]), names[n-1])
	}
}
