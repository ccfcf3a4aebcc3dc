package rollout

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// noNames complete nothing, and no files either.
var noNames = []string{
	"max-unavailable", "max-parallel", "waves", "canary-selector", "node-selector", "soak", "node-timeout", "timeout",
	"until", "window", "max-failures", "grace-period", "drain-timeout", "pod-selector", "wait-for-jobs",
	"wait-for-jobs-timeout", "gate-pods", "gate-http", "gate-promql", "prometheus-url", "gate-cel",
	"gate-timeout", "gate-retries", "gate-interval",
}

// complete completes what flags of a policy take. --policy and --gate-exec
// are left to the shell, which knows files.
func (f *policyFlags) complete(a *app, cmd *cobra.Command) error {
	fs := map[string]cli.CompleteFunc{
		"pause-after":    cli.Words(pausePlaces...),
		"on-failure":     cli.Words(failureEnds...),
		"order":          cli.List(cli.Words(signed(orderKeys)...)),
		"canary-spread":  cli.List(cli.Words(spreadKeys...)),
		"gate":           cli.List(cli.Words(append([]string{noGate}, builtinGates...)...)),
		"gate-when":      cli.List(cli.Words(whens...)),
		"nodes":          cli.List(a.names.Names("node")),
		"exclude-nodes":  cli.List(a.names.Names("node")),
		"allow-owner":    completeOwners,
		"gate-daemonset": a.names.Live(everyDaemonSet),
	}
	for _, name := range noNames {
		fs[name] = cobra.NoFileCompletions
	}
	return cli.RegisterFlags(cmd, fs)
}

// completeOwners completes the owners that are known by a mark; others are
// named by a refusal.
var completeOwners = cli.List(cli.Words(rollout.OwnerNames()...))

func everyDaemonSet(ctx context.Context, q cli.Query) []string {
	names, _ := q.Reader.QualifiedNames(ctx, snapshot.ResourceDaemonSets)
	return names
}

// signed are keys and the same ones turned round.
func signed(keys []string) []string {
	out := make([]string, 0, 2*len(keys))
	for _, k := range keys {
		out = append(out, k, "-"+k)
	}
	return out
}
