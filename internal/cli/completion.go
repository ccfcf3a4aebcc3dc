package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/client-go/rest"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
	"k8s.io/kubectl/pkg/util/completion"

	"github.com/kubectl-ds/kubectl-ds/internal/archive"
	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/internal/present"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// completionTime is how long a shell waits for what a cluster knows.
const completionTime = time.Second

// CompleteFunc is cobra's function for completing arguments and flags.
type CompleteFunc = func(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective)

// Completer completes what a cluster knows.
type Completer struct{ kube *KubeFlags }

// NewCompleter makes one for a kubeconfig.
func NewCompleter(kube *KubeFlags) *Completer { return &Completer{kube} }

// Names completes the names of a resource that are not on the command line
// yet: daemonset, node or namespace. Where --from names a capture, they are
// those in it.
func (c *Completer) Names(resource string) CompleteFunc {
	resource += "s"
	found := c.Found(func(ctx context.Context, q Query) []string {
		namespace := ""
		if resource == snapshot.ResourceDaemonSets && !isSet(q.Command, "all-namespaces") {
			namespace = q.Cluster.Namespace
		}
		names, _ := q.Reader.Names(ctx, resource, namespace)
		return names
	}, func(s *snapshot.Snapshot, _ []string) []string { return c.captured(s, resource) })
	return func(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
		kind, name := "", toComplete
		if i := strings.IndexByte(toComplete, '/'); i >= 0 {
			kind, name = toComplete[:i+1], toComplete[i+1:]
		}
		names, _ := found(cmd, args, name)
		var out []string
		for _, n := range names {
			if strings.HasPrefix(n, name) && !slices.Contains(args, n) && !slices.Contains(args, kind+n) {
				out = append(out, kind+n)
			}
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	}
}

// Query is what a completion may ask.
type Query struct {
	Command *cobra.Command
	Args    []string // what stands before the word
	Cluster *Cluster
	Reader  *kube.Reader
}

// Live completes by what f finds in the cluster, in the order that f gives,
// and by nothing where --from names a capture.
func (c *Completer) Live(f func(context.Context, Query) []string) CompleteFunc {
	return c.Found(f, nil)
}

// Found completes by what live finds in the cluster or, where --from names a
// capture, by what captured, if not nil, finds in that, in their order. It
// gives up quietly after a second: a shell that hangs is worse than one that
// completes nothing.
func (c *Completer) Found(live func(context.Context, Query) []string, captured func(s *snapshot.Snapshot, args []string) []string) CompleteFunc {
	return func(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
		silenceLogs()
		found := inTime(cmd.Context(), func(ctx context.Context) []string {
			switch path := fromFlag(cmd); {
			case path == "":
				return c.ask(ctx, cmd, args, live)
			case path == "-", captured == nil:
				return nil // what is typed at - has not come yet
			default:
				s, err := archive.Read(ctx, path, nil, snapshot.Scope{})
				if err != nil {
					return nil
				}
				return captured(s, args)
			}
		})
		return beginningWith(toComplete, found), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	}
}

func (c *Completer) ask(ctx context.Context, cmd *cobra.Command, args []string, live func(context.Context, Query) []string) []string {
	c.kube.WithTimeout(completionTime)
	cluster, err := c.kube.Cluster()
	if err != nil {
		return nil
	}
	// A warning would stand between the words.
	cluster.Config.WarningHandler = rest.NoWarnings{}
	reader, err := kube.NewReader(cluster.Config)
	if err != nil {
		return nil
	}
	return live(ctx, Query{Command: cmd, Args: args, Cluster: cluster, Reader: reader})
}

// captured are the names in a capture.
func (c *Completer) captured(s *snapshot.Snapshot, resource string) []string {
	var out []string
	switch resource {
	case snapshot.ResourceDaemonSets:
		for _, d := range s.DaemonSets {
			if !c.kube.SetNamespace() || *c.kube.Namespace == d.Namespace {
				out = append(out, d.Name)
			}
		}
	case snapshot.ResourceNodes:
		for _, n := range s.Nodes {
			out = append(out, n.Name)
		}
	case snapshot.ResourceNamespaces:
		for _, d := range s.DaemonSets {
			out = append(out, d.Namespace)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// inTime gives what f finds within the time of a completion. f may hang where
// no context reaches, as in a credential plugin or a name server.
func inTime(ctx context.Context, f func(context.Context) []string) []string {
	ctx, cancel := context.WithTimeout(ctx, completionTime)
	defer cancel()
	answer := make(chan []string, 1)
	go func() { answer <- f(ctx) }()
	select {
	case found := <-answer:
		return found
	case <-ctx.Done():
		return nil
	}
}

func beginningWith(prefix string, words []string) []string {
	var out []string
	for _, w := range words {
		if strings.HasPrefix(w, prefix) {
			out = append(out, w)
		}
	}
	return out
}

func fromFlag(cmd *cobra.Command) string {
	if f := cmd.Flags().Lookup("from"); f != nil {
		return f.Value.String()
	}
	return ""
}

func isSet(cmd *cobra.Command, flag string) bool {
	f := cmd.Flags().Lookup(flag)
	return f != nil && f.Value.String() == "true"
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
	return func(_ *cobra.Command, _ []string, toComplete string) ([]string, cobra.ShellCompDirective) {
		return beginningWith(toComplete, words), cobra.ShellCompDirectiveNoFileComp
	}
}

// addCompletion completes the global flags, and makes the subcommands that
// print scripts for shells and that install what kubectl looks for.
func addCompletion(root *cobra.Command, kube *KubeFlags) {
	root.InitDefaultCompletionCmd()
	if c, _, err := root.Find([]string{"completion"}); err == nil && c != root {
		describeCompletion(c)
		c.AddCommand(installCommand(root, newInstaller(root.Name())), uninstallCommand(root, newInstaller(root.Name())))
	}
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
	if v, _, err := root.Find([]string{"version"}); err == nil && v != root {
		CompleteFlags(v, map[string]CompleteFunc{"output": Words("json", "yaml")})
	}
	CompleteFlags(root, map[string]CompleteFunc{
		"color": Words(present.ColorModes()...),
	})
	walk(root, completeNoFiles)
}

// CompleteFlags completes flags by their names, in all commands that have them
// and do not complete them yet.
func CompleteFlags(root *cobra.Command, fs map[string]CompleteFunc) {
	walk(root, func(c *cobra.Command) {
		c.LocalFlags().VisitAll(func(flag *pflag.Flag) {
			if f := fs[flag.Name]; f != nil {
				completeFlag(c, flag, f)
			}
		})
	})
}

// files are the flags that take a file, which the shell knows best, and one
// that each plugin completes.
var files = []string{
	"namespace",
	"kubeconfig", "cache-dir", "certificate-authority", "client-certificate", "client-key",
	"from", "filename", "policy", "journal", "gate-exec", "template", "dir",
}

// completeNoFiles keeps files from being offered where none is taken.
func completeNoFiles(c *cobra.Command) {
	c.LocalFlags().VisitAll(func(flag *pflag.Flag) {
		if flag.Value.Type() != "bool" && !slices.Contains(files, flag.Name) {
			completeFlag(c, flag, cobra.NoFileCompletions)
		}
	})
}

func completeFlag(c *cobra.Command, flag *pflag.Flag, f CompleteFunc) {
	if _, done := c.GetFlagCompletionFunc(flag.Name); !done {
		// The errors are about a flag that does not exist, or is completed.
		_ = c.RegisterFlagCompletionFunc(flag.Name, f)
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
