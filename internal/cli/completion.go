package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
	"k8s.io/kubectl/pkg/util/completion"
)

// completionTime is how long a shell waits for names from a cluster.
const completionTime = time.Second

// CompleteFunc is cobra's function for completing arguments and flags.
type CompleteFunc = func(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective)

// Completer completes names that a cluster knows.
type Completer struct{ kube *KubeFlags }

// NewCompleter makes one for a kubeconfig.
func NewCompleter(kube *KubeFlags) *Completer { return &Completer{kube} }

// Names completes the names of a resource.
func (c *Completer) Names(resource string) CompleteFunc {
	return func(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
		return without(c.ask(cmd.Context(), resource, toComplete), args), cobra.ShellCompDirectiveNoFileComp
	}
}

// Position completes each argument by a function of its own, and none after
// them.
func Position(fs ...CompleteFunc) CompleteFunc {
	return func(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
		if len(args) >= len(fs) {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return fs[len(args)](cmd, nil, toComplete)
	}
}

// Words completes from a fixed list.
func Words(words ...string) CompleteFunc {
	return cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)
}

// ask takes what the cluster answers in time; a shell that hangs is worse than
// one that completes nothing.
func (c *Completer) ask(ctx context.Context, resource, toComplete string) []string {
	silenceLogs()
	c.kube.WithTimeout(completionTime)
	if _, err := c.kube.Cluster(); err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, completionTime)
	defer cancel()
	answer := make(chan []string, 1)
	go func() {
		answer <- completion.CompGetResource(cmdutil.NewFactory(c.kube), resource, toComplete)
	}()
	select {
	case names := <-answer:
		return names
	case <-ctx.Done():
		return nil
	}
}

func without(names, taken []string) []string {
	used := map[string]bool{}
	for _, t := range taken {
		used[t] = true
	}
	var out []string
	for _, n := range names {
		if !used[n] {
			out = append(out, n)
		}
	}
	return out
}

// addCompletion completes the global flags, and makes cobra's subcommand that
// prints scripts for shells.
func addCompletion(root *cobra.Command, kube *KubeFlags) {
	root.InitDefaultCompletionCmd()
	for _, f := range []struct {
		flag string
		list func(string) []string
	}{
		{"context", completion.ListContextsInConfig},
		{"cluster", completion.ListClustersInConfig},
		{"user", completion.ListUsersInConfig},
	} {
		// The error is about a flag that does not exist: all three do.
		_ = root.RegisterFlagCompletionFunc(f.flag, func(_ *cobra.Command, _ []string, toComplete string) ([]string, cobra.ShellCompDirective) {
			// Its state is the package's own: set it where it is used.
			completion.SetFactoryForCompletion(cmdutil.NewFactory(kube))
			return f.list(toComplete), cobra.ShellCompDirectiveNoFileComp
		})
	}
}

// RegisterFlags completes flags of a command; a flag that does not exist is a
// mistake in the program, which the test of all commands finds.
func RegisterFlags(cmd *cobra.Command, fs map[string]CompleteFunc) error {
	for name, f := range fs {
		if err := cmd.RegisterFlagCompletionFunc(name, f); err != nil {
			return err
		}
	}
	return nil
}
