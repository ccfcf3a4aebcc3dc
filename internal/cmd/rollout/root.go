package rollout

import (
	"io"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"
	"k8s.io/kubectl/pkg/util/term"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
)

// Plugin is the name after kubectl.
const Plugin = "ds-rollout"

// app is what all commands of one process share.
type app struct {
	streams  genericiooptions.IOStreams
	kube     *cli.KubeFlags
	names    *cli.Completer
	clock    func() time.Time
	terminal func(io.Reader) bool   // somebody can be asked
	hostname func() (string, error) // of the machine that this process runs on
	getenv   func(string) string
	environ  func() []string
	version  string
}

// Builder gives what cli.Main runs.
func Builder(version string) cli.Build {
	return func(streams genericiooptions.IOStreams) (*cobra.Command, error) { return NewCommand(streams, version) }
}

// makers make the subcommands; the help lists them by name.
var makers = slices.Concat(
	[]func(*app) (*cobra.Command, error){newPlanCommand, newStartCommand},
	newAskCommands(),
	newGoOnCommands(),
	[]func(*app) (*cobra.Command, error){newUndoCommand},
	[]func(*app) (*cobra.Command, error){newStatusCommand, newHistoryCommand, newArmCommand, newDisarmCommand, newRecoverCommand, newRBACCommand},
)

// NewCommand makes kubectl ds-rollout with its subcommands. version is what
// the linker set.
func NewCommand(streams genericiooptions.IOStreams, version string) (*cobra.Command, error) {
	a := newApp(streams, version)
	root := newRootCommand()
	for _, make := range makers {
		sub, err := make(a)
		if err != nil {
			return nil, err
		}
		root.AddCommand(sub)
	}
	root.AddCommand(cli.VersionCommand(Plugin, version, a.kube))
	cli.CompleteFlags(root, a.liveFlags())
	cli.Decorate(root, Plugin, a.kube)
	if err := cli.RegisterFlags(root, map[string]cli.CompleteFunc{"namespace": a.names.Names("namespace")}); err != nil {
		return nil, err
	}
	return root, nil
}

func newApp(streams genericiooptions.IOStreams, version string) *app {
	kube := cli.NewKubeFlags(streams)
	return &app{
		streams: streams, kube: kube, names: cli.NewCompleter(kube), version: version,
		clock: time.Now, hostname: os.Hostname, getenv: os.Getenv, environ: os.Environ,
		terminal: func(in io.Reader) bool { return term.TTY{In: in}.IsTerminalIn() },
	}
}

// newRootCommand makes the command that the others stand under: it does
// nothing by itself.
func newRootCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "kubectl-ds_rollout",
		Short: "Bring a new version of a DaemonSet to its nodes step by step, and stop before it hurts",
		Long: templates.LongDesc(`
			Bring a new version of a DaemonSet to its nodes one at a time or in waves, and stop before it hurts.

			Nothing is installed. While a run is on, the update strategy is OnDelete, and this command deletes the old
			pods itself, each with its UID as a precondition, and goes on only when the new pod has proven itself. In
			the end everything is as it was, or the report names what is not.

			The exit code is 0 when done; 1 when a failure or a gate stopped the run, or plan finds that start would
			refuse; 2 for errors; 3 where it cannot be told; 4 paused as asked; 5 when somebody else drives; 6 out of
			time; 130 interrupted. Paused, stopped and interrupted runs can be resumed.`),
		Example: cli.Examples(`
			# What would happen, node by node, without a write
			kubectl ds-rollout plan -n kube-system cilium --waves 3,5%,25%,100% --max-unavailable 4

			# The same, in the foreground: it asks first, and stops at the first failure
			kubectl ds-rollout start -n kube-system cilium --waves 3,5%,25%,100% --max-unavailable 4

			# Where it stands, from any terminal, until it is done
			kubectl ds-rollout status -n kube-system cilium -w

			# The roles that looking at it and driving it need, for whoever grants them
			kubectl ds-rollout rbac -n kube-system cilium`),
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return cli.Usagef("unknown command %q%s; list them: kubectl %s --help", args[0], cli.DidYouMean(args[0], subcommands(cmd.Root())), Plugin)
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
}

// subcommands are what a mistyped name may have meant.
func subcommands(root *cobra.Command) []string {
	var out []string
	for _, c := range root.Commands() {
		out = append(out, c.Name())
	}
	return out
}
