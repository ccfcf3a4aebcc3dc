package rollout

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// targetFlags say which DaemonSet, what changes, and how: what plan and start
// share.
type targetFlags struct {
	policy policyFlags
	change changeFlags
	from   string
}

func (f *targetFlags) add(a *app, cmd *cobra.Command) error {
	f.change.add(cmd)
	return f.policy.add(a, cmd)
}

// addFrom is for commands that write nothing.
func (f *targetFlags) addFrom(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.from, "from", "", "Read a capture instead of a cluster: a file made by kubectl ds-coverage snapshot or by kubectl get -o json|yaml, the folder of kubectl cluster-info dump, or - for standard input. Permissions and locks are not known then.")
}

// planOptions are what making a plan needs.
type planOptions struct {
	app       *app
	Namespace string // of -n; empty for that of the context, or all of a capture
	Name      string
	From      string
	Policy    *rollout.Policy
	Change    changeOptions
	asFlags   func(error) error // names flags in errors about the policy
	found     func(*planned)    // if set, is called when the cluster was read, while permissions may be asked yet
}

// options reads flags and the one argument; it asks no cluster.
func (f *targetFlags) options(a *app, args []string) (*planOptions, error) {
	o := &planOptions{app: a, From: f.from, asFlags: f.policy.asFlags}
	if err := a.kube.Validate(); err != nil {
		return nil, err
	}
	if err := f.check(a.kube); err != nil {
		return nil, err
	}
	if a.kube.SetNamespace() {
		o.Namespace = *a.kube.Namespace
	}
	var err error
	if o.Name, err = cli.DaemonSetName(args[0]); err != nil {
		return nil, err
	}
	if o.Change, err = f.change.options(); err != nil {
		return nil, err
	}
	o.Policy, err = f.policy.policy(a.streams.In)
	return o, err
}

// check refuses two readers of standard input, and a cluster beside a capture.
func (f *targetFlags) check(kube *cli.KubeFlags) error {
	var readers []string
	for _, r := range []struct{ flag, path string }{{"--policy", f.policy.file}, {"--filename", f.change.file}, {"--from", f.from}} {
		if r.path == stdinPath {
			readers = append(readers, r.flag)
		}
	}
	if len(readers) > 1 {
		return cli.Usagef("%s both read standard input, which can be read once", strings.Join(readers, " and "))
	}
	if f.from == "" {
		return nil
	}
	return cli.RefuseCluster(kube)
}
