package coverage

import (
	"context"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/internal/present"
)

// Plugin is the name after kubectl.
const Plugin = "ds-coverage"

// app is what all commands of one process share.
type app struct {
	streams genericiooptions.IOStreams
	kube    *cli.KubeFlags
	names   *cli.Completer
	clock   func() time.Time
	version string
}

// Builder gives what cli.Main runs.
func Builder(version string) cli.Build {
	return func(streams genericiooptions.IOStreams) (*cobra.Command, error) { return NewCommand(streams, version) }
}

// NewCommand makes kubectl ds-coverage with its subcommands. version is what
// the linker set.
func NewCommand(streams genericiooptions.IOStreams, version string) (*cobra.Command, error) {
	kube := cli.NewKubeFlags(streams)
	a := &app{streams: streams, kube: kube, names: cli.NewCompleter(kube), clock: time.Now, version: version}
	root, err := newReportCommand(a, nil)
	if err != nil {
		return nil, err
	}
	for _, make := range []func(*app) (*cobra.Command, error){
		func(a *app) (*cobra.Command, error) { return newExplainCommand(a, nil) },
		func(a *app) (*cobra.Command, error) { return newNodesCommand(a, nil) },
		func(a *app) (*cobra.Command, error) { return newSnapshotCommand(a, nil) },
		func(a *app) (*cobra.Command, error) { return newRBACCommand(a, nil) },
	} {
		sub, err := make(a)
		if err != nil {
			return nil, err
		}
		root.AddCommand(sub)
	}
	root.AddCommand(cli.VersionCommand(Plugin, version, kube))
	cli.Decorate(root, Plugin, kube)
	if err := cli.RegisterFlags(root, map[string]cli.CompleteFunc{"namespace": a.names.Names("namespace")}); err != nil {
		return nil, err
	}
	return root, nil
}

// subcommands are what a mistyped name may have meant.
var subcommands = []string{"explain", "nodes", "snapshot", "rbac", "version", "completion", "options", "help"}

// reportFlags are what a user of the main command typed.
type reportFlags struct {
	screenFlags
	condition conditionFlags
	flat      bool
}

// newReportCommand makes the main command; runF, if not nil, takes the place
// of running.
func newReportCommand(a *app, runF func(context.Context, *reportOptions) error) (*cobra.Command, error) {
	f := &reportFlags{screenFlags: newScreenFlags(a, "table", "wide")}
	cmd := &cobra.Command{
		Use:   "kubectl-ds_coverage [NAME ... | ds/NAME ... | -l selector] [-n namespace | -A]",
		Short: "Show which nodes lack a healthy DaemonSet pod, why, and what to do",
		Long: templates.LongDesc(`
			Show which nodes lack a healthy pod of a DaemonSet that should run there, why, and what to do.

			Status fields are not trusted: verdicts are computed from nodes, pods, revisions and events. Nodes that a
			taint hides from a DaemonSet count as bad, since status calls such a DaemonSet green.

			The exit code is 0 whatever is found, unless --fail-on or --min-coverage ask for more: 1 where the
			condition does not hold, 3 where it cannot be told because something could not be read, 2 for errors,
			6 where --wait ran out of time.

			A DaemonSet that has the name of a subcommand is written ds/NAME.`),
		Example: cli.Examples(`
			# All DaemonSets of all namespaces, the worst first
			kubectl ds-coverage -A

			# One DaemonSet
			kubectl ds-coverage -n kube-system kube-proxy

			# Why one node does not run it
			kubectl ds-coverage explain -n kube-system kube-proxy node-7

			# Fail in CI where a node lacks its agent, or a taint hides nodes
			kubectl ds-coverage -A --fail-on gaps,hidden

			# After adding nodes: wait until 99.5% are covered
			kubectl ds-coverage -n logging vector --min-coverage 99.5 --wait --timeout 10m

			# A row for every DaemonSet and node, for grep
			kubectl ds-coverage -A --flat | grep CrashLoop

			# Save what was read, and look at it elsewhere
			kubectl ds-coverage snapshot -A -o capture.json
			kubectl ds-coverage --from capture.json`),
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: a.names.Names("daemonset"),
		RunE:              runE(func(args []string) (*reportOptions, error) { return f.options(a, args) }, runF),
	}
	fs := cmd.Flags()
	f.source.addScope(fs)
	f.source.addNodeSelector(fs)
	f.source.addFrom(fs)
	f.condition.add(fs)
	f.view.add(fs)
	fs.BoolVar(&f.flat, "flat", false, "Show a row for every DaemonSet and node.")
	f.print.Add(cmd)
	return cmd, complete(cmd, f.print, present.DaemonSetTable)
}

// complete registers what all reports complete.
func complete(cmd *cobra.Command, p *cli.PrintFlags, t present.Table) error {
	if err := completeSource(cmd); err != nil {
		return err
	}
	if cmd.Flags().Lookup("fail-on") != nil {
		if err := completeCondition(cmd); err != nil {
			return err
		}
	}
	if err := completeView(cmd, t); err != nil {
		return err
	}
	return cli.RegisterFlags(cmd, map[string]cli.CompleteFunc{"output": cli.Words(p.Formats()...)})
}
