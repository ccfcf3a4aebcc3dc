package coverage

import (
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kubectl-ds/kubectl-ds/internal/archive"
	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/pkg/eligibility"
)

// sourceFlags say what to read and as of when to judge it: what most commands
// share.
type sourceFlags struct {
	kube          *cli.KubeFlags
	allNamespaces bool
	selector      string
	nodeSelector  string
	from          string
	at            string
	grace         time.Duration
	transient     []string
}

const defaultGrace = 5 * time.Minute

func (f *sourceFlags) addScope(fs *pflag.FlagSet) {
	fs.BoolVarP(&f.allNamespaces, "all-namespaces", "A", false, "If present, look at the DaemonSets of all namespaces. Names then match in all of them.")
	fs.StringVarP(&f.selector, "selector", "l", "", "Selector (label query) for DaemonSets, supports '=', '==', '!=', 'in', 'notin'.")
}

func (f *sourceFlags) addFrom(fs *pflag.FlagSet) {
	fs.StringVar(&f.from, "from", "", "Read a capture instead of a cluster: a file made by the subcommand snapshot or by kubectl get -o json|yaml, the folder of kubectl cluster-info dump, or - for standard input. Without -n it means all namespaces.")
	fs.StringVar(&f.at, "at", "", "Judge as of a time, as in 2026-11-23T08:12:04Z. The default is now, and for a capture its own time.")
	f.addJudge(fs)
}

func (f *sourceFlags) addJudge(fs *pflag.FlagSet) {
	fs.DurationVar(&f.grace, "grace", defaultGrace, "Nodes, pods and revisions younger than this are settling: shown, and not counted by the --fail-on of a report.")
	fs.StringSliceVar(&f.transient, "transient-taints", nil, "More taint keys, or prefixes that end in *, that come and go by themselves, such as startup taints of your own.")
}

func (f *sourceFlags) addNodeSelector(fs *pflag.FlagSet) {
	fs.StringVar(&f.nodeSelector, "node-selector", "", "Selector (label query) for nodes: only they are looked at.")
}

// source is what the flags mean.
type source struct {
	From          string
	Namespace     string // of -n; empty for that of the context, or all of a capture
	AllNamespaces bool
	Names         []string
	Selector      labels.Selector // nil for all
	NodeSelector  labels.Selector // nil for all
	At            time.Time       // zero for the time of reading
	Grace         time.Duration
	Transient     eligibility.Transient
	CommandFlags  string
	ReportFlags   string // those that printed commands of this plugin repeat
}

// options reads the flags and arguments; it asks no cluster.
func (f *sourceFlags) options(args []string) (source, error) {
	s := source{From: f.from, AllNamespaces: f.allNamespaces, Grace: f.grace, CommandFlags: f.kube.CommandFlags()}
	if err := f.kube.Validate(); err != nil {
		return s, err
	}
	if f.kube.SetNamespace() && !f.allNamespaces {
		s.Namespace = *f.kube.Namespace
	}
	var err error
	if s.Names, err = cli.DaemonSetNames(args); err != nil {
		return s, err
	}
	if len(s.Names) > 0 && f.selector != "" {
		return s, cli.Usagef("name DaemonSets or select them with -l, not both")
	}
	if s.Selector, err = parseSelector("--selector", f.selector); err != nil {
		return s, err
	}
	if s.NodeSelector, err = parseSelector("--node-selector", f.nodeSelector); err != nil {
		return s, err
	}
	if s.At, err = parseTime(f.at); err != nil {
		return s, err
	}
	if f.grace < 0 {
		return s, cli.Usagef("--grace takes a time that is not negative, such as 5m, not %s", f.grace)
	}
	if s.Transient, err = eligibility.NewTransient(f.transient); err != nil {
		return s, cli.Usagef("--transient-taints: %w", err)
	}
	s.ReportFlags = f.repeated()
	if f.from == "" {
		return s, nil
	}
	return s, cli.RefuseCluster(f.kube)
}

// repeated are the flags by which a verdict is what it is: pasted without them,
// a command would read the cluster of the kubeconfig in place of the capture, or
// call settling what is a gap here. Standard input cannot be read again.
func (f *sourceFlags) repeated() string {
	var words []string
	if f.from != "" && f.from != archive.Stdin {
		words = append(words, "--from", cli.Quote(f.from))
	}
	if f.at != "" {
		words = append(words, "--at", cli.Quote(f.at))
	}
	if f.grace != defaultGrace {
		words = append(words, "--grace", f.grace.String())
	}
	if len(f.transient) > 0 {
		words = append(words, "--transient-taints", cli.Quote(strings.Join(f.transient, ",")))
	}
	return strings.Join(words, " ")
}

func parseSelector(flag, s string) (labels.Selector, error) {
	if s == "" {
		return nil, nil
	}
	sel, err := labels.Parse(s)
	if err != nil {
		return nil, cli.Usagef("%s %q is not a label selector: %w; write it as in app=agent,tier!=test", flag, s, err)
	}
	return sel, nil
}

func parseTime(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}, cli.Usagef("--at takes a time with its zone as in 2026-11-23T08:12:04Z, not %q", s)
	}
	return t.UTC(), nil
}

// completeSource completes what sourceFlags take.
func completeSource(cmd *cobra.Command) error {
	fs := map[string]cli.CompleteFunc{}
	for name, f := range map[string]cli.CompleteFunc{
		"selector": cobra.NoFileCompletions, "node-selector": cobra.NoFileCompletions,
		"at": cobra.NoFileCompletions, "grace": cobra.NoFileCompletions, "transient-taints": cobra.NoFileCompletions,
	} {
		if cmd.Flags().Lookup(name) != nil {
			fs[name] = f
		}
	}
	return cli.RegisterFlags(cmd, fs)
}
