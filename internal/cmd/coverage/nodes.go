package coverage

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/internal/present"
	"github.com/kubectl-ds/kubectl-ds/pkg/coverage"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

type nodesFlags struct{ screenFlags }

// nodesOptions are what running nodes needs.
type nodesOptions struct {
	asked
	app   *app
	Nodes []string // empty for a table of all
}

func newNodesCommand(a *app, runF func(context.Context, *nodesOptions) error) (*cobra.Command, error) {
	f := &nodesFlags{newScreenFlags(a, "table", "wide")}
	cmd := &cobra.Command{
		Use:     "nodes [NODE ...]",
		Aliases: []string{"node"},
		Short:   "Show the verdicts as seen from nodes, and what DaemonSets cost them",
		Long: templates.LongDesc(`
			Show what DaemonSets do on nodes: which run there, which lack, and what their pods request of what the
			node has. Without a name there is a row for every node, the worst first, of which a terminal gets a
			hundred unless --full asks for all; with names, all DaemonSets of each. DaemonSets of all namespaces are
			looked at, unless -n names one.`),
		Example: cli.Examples(`
			# All nodes, the worst first
			kubectl ds-coverage nodes

			# All DaemonSets of one node
			kubectl ds-coverage nodes node-7

			# What DaemonSets cost the nodes of a pool
			kubectl ds-coverage nodes --node-selector karpenter.sh/nodepool=general --sort-by -cpu`),
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: a.names.Names("node"),
		RunE:              runE(func(args []string) (*nodesOptions, error) { return f.options(a, args) }, runF),
	}
	f.source.addScope(cmd.Flags())
	f.source.addNodeSelector(cmd.Flags())
	f.source.addFrom(cmd.Flags())
	f.view.add(cmd.Flags())
	f.print.Add(cmd)
	return cmd, complete(cmd, f.print, present.NodeTable)
}

func (f *nodesFlags) options(a *app, args []string) (*nodesOptions, error) {
	o := &nodesOptions{app: a}
	var err error
	if o.asked, err = f.screenFlags.options(nil, a.streams.Out, present.NodeTable); err != nil {
		return nil, err
	}
	// A node's cost is that of all namespaces: the context's own is no
	// answer to the question.
	o.Source.AllNamespaces = o.Source.Namespace == ""
	for _, arg := range args {
		n, err := cli.NodeName(arg)
		if err != nil {
			return nil, err
		}
		o.Nodes = append(o.Nodes, n)
	}
	if len(o.Nodes) > 0 && o.Source.NodeSelector != nil {
		return nil, cli.Usagef("name nodes or select them with --node-selector, not both")
	}
	if len(o.Nodes) > 0 && f.view.sortBy != "" {
		return nil, cli.Usagef("--sort-by is about the table of nodes: leave it out where nodes are named")
	}
	if o.Printer != nil && (f.view.quiet || f.view.sortBy != "") {
		return nil, cli.Usagef("--quiet and --sort-by are about tables: leave them out with -o %s", f.print.Output())
	}
	return o, nil
}

func (o *nodesOptions) run(ctx context.Context) error {
	r, _, err := o.Source.open(o.app.kube, o.app.streams.In, detail{}, nil)
	if err != nil {
		return err
	}
	p := cli.NewProgress(o.app.streams.ErrOut, o.app.clock)
	an, err := o.Source.analyzeWith(ctx, r, o.app.clock, p.Say, o.check)
	p.Done()
	if err != nil {
		return err
	}
	if len(an.DaemonSets) == 0 && o.Printer == nil {
		// Nodes without any still have a size; yet a mistyped namespace shows.
		_, _ = fmt.Fprintln(o.app.streams.ErrOut, noResources(ctx, r, o.Source.Namespace))
	}
	names, err := o.pick(an.Result)
	if err != nil {
		return err
	}
	if len(names) == 0 { // which must not pass for all
		return o.nothing(an)
	}
	list, err := an.NodeView(names)
	if err != nil {
		return cli.Usagef("%w", err)
	}
	return o.show(an, list)
}

// check refuses nodes that do not exist before more is read.
func (o *nodesOptions) check(res *coverage.Result, _ *snapshot.More) error {
	_, err := findNodes(res.Snapshot, o.Nodes)
	return err
}

// pick lists the nodes of the view: those named, else those selected.
func (o *nodesOptions) pick(res *coverage.Result) ([]string, error) {
	if len(o.Nodes) > 0 {
		return findNodes(res.Snapshot, o.Nodes)
	}
	var out []string
	for _, n := range res.Snapshot.Nodes {
		if res.Options.Nodes == nil || res.Options.Nodes(n) {
			out = append(out, n.Name)
		}
	}
	return out, nil
}

func (o *nodesOptions) show(an *analysis, list *coverage.NodeCoverageList) error {
	w := o.app.streams.Out
	if o.Printer != nil {
		if o.View.GapsOnly {
			list = troubledNodes(list)
		}
		return o.Printer.PrintObj(list, w)
	}
	v := o.View
	v.Now, v.Took = an.now, an.took
	if len(o.Nodes) > 0 {
		return present.Nodes(w, list, v)
	}
	return present.NodesTable(w, list, v)
}

// nothing is the answer where there is no node to look at.
func (o *nodesOptions) nothing(an *analysis) error {
	if f, unread := an.Snapshot.Missing(snapshot.ResourceNodes, ""); unread {
		return nodesUnread(f)
	}
	if o.Printer != nil {
		return o.Printer.PrintObj(&coverage.NodeCoverageList{
			TypeMeta: metav1.TypeMeta{APIVersion: snapshot.APIVersion, Kind: coverage.KindNodeList},
			Source:   an.Report().Source,
			Items:    []coverage.NodeCoverage{},
		}, o.app.streams.Out)
	}
	return sayNoNodes(o.app.streams.ErrOut, &o.Source)
}

// sayNoNodes says it as kubectl says that there are no resources.
func sayNoNodes(w io.Writer, s *source) error {
	what := "No nodes found."
	if s.NodeSelector != nil {
		what = "No nodes match --node-selector."
	}
	_, err := fmt.Fprintln(w, what)
	return err
}

func troubledNodes(list *coverage.NodeCoverageList) *coverage.NodeCoverageList {
	out := *list
	out.Items = slices.DeleteFunc(slices.Clone(list.Items), func(n coverage.NodeCoverage) bool {
		s := &n.Summary
		return s.Gaps+s.Unknown+s.Suspect+s.Outdated+s.Misplaced == 0
	})
	return &out
}
