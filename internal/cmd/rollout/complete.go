package rollout

import (
	"github.com/spf13/cobra"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
)

// completeTarget completes a DaemonSet, and a node of its run after it where
// one is taken.
func (a *app) completeTarget(node bool) cli.CompleteFunc {
	sets, nodes := a.names.Names("daemonset"), a.runNodes()
	return func(cmd *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
		switch {
		case len(args) == 0:
			return sets(cmd, args, prefix)
		case len(args) == 1 && node:
			return nodes(cmd, args, prefix)
		}
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
}
