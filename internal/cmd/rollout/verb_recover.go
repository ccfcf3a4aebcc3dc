package rollout

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/internal/drive"
)

// recoverOptions clean up after a run without its stored state.
type recoverOptions struct {
	holdOptions
	handBack bool
	runs     []string
	patience time.Duration // how long a Lease is watched that nobody seems to renew
}

func newRecoverCommand(a *app) (*cobra.Command, error) {
	o := &recoverOptions{patience: drive.LeaseDuration}
	cmd := &cobra.Command{
		Use:   "recover DAEMONSET",
		Short: "Clean up after a run whose stored state is gone or cannot be read",
		Long: templates.LongDesc(`
			Clean up after a run whose stored state is gone or cannot be read; for any other run, abort does so. Nodes that
			the run cordoned go back to what they were, the update strategy is given back, copies of the annotation are
			removed from revisions, and the Lease goes last.

			While a pod of an older revision is left on any node, the strategy stays OnDelete, as after arm, unless that is
			accepted with --hand-back. The exit code is 1 when something is left, and everything that is left is named.`),
		Example: cli.Examples(`
			# What is there to clean up
			kubectl ds-rollout recover -n kube-system cilium --dry-run=client

			# Clean up
			kubectl ds-rollout recover -n kube-system cilium

			# And take back cordons of a run of which only the marks on its nodes are left
			kubectl ds-rollout recover -n kube-system cilium --run 7f3k`),
		Args: cli.ExactArgs("a DaemonSet"), ValidArgsFunction: a.completeTarget(false),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.target = args[0]
			return o.run(cmd.Context())
		},
	}
	addHandBack(cmd, &o.handBack)
	cmd.Flags().StringSliceVar(&o.runs, "run", nil, "A run of this DaemonSet that is over, as the mark on a node names it.")
	o.addTimeout(cmd)
	if err := cli.RegisterFlags(cmd, map[string]cli.CompleteFunc{"run": cobra.NoFileCompletions}); err != nil {
		return nil, err
	}
	return cmd, o.add(a, cmd)
}

func (o *recoverOptions) run(ctx context.Context) error {
	if o.dryRun == dryServer {
		return cli.Usagef("recover takes --dry-run=client alone: each of its writes depends on the one before")
	}
	at, err := o.connect()
	if err != nil {
		return err
	}
	r := &recovery{recoverOptions: o, at: at, over: slices.Clone(o.runs), failed: map[string]string{}}
	return r.run(ctx)
}
