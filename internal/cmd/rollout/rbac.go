package rollout

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

type rbacFlags struct {
	role     cli.RoleFlags
	policy   policyFlags
	readOnly bool
}

// rbacOptions are what running rbac needs.
type rbacOptions struct {
	cli.RoleOptions
	ReadOnly   bool
	Policy     *rollout.Policy
	DaemonSets []string // that alone may be driven; none is all
}

func newRBACCommand(a *app) (*cobra.Command, error) { return makeRBACCommand(a, nil) }

// makeRBACCommand makes rbac; runF, if not nil, takes the place of running.
func makeRBACCommand(a *app, runF func(context.Context, *rbacOptions) error) (*cobra.Command, error) {
	f := &rbacFlags{}
	cmd := &cobra.Command{
		Use:   "rbac [-n namespace [DAEMONSET ...] | -A] [policy flags]",
		Short: "Print the least roles that reading and driving need",
		Long: templates.LongDesc(`
			Print two roles as YAML for kubectl apply: NAME-read is enough for plan, status and history; NAME-drive
			is for whoever drives a run with the policy of the flags, and holds what that policy needs and no more:
			nodes are patched with --cordon or --drain alone, and evictions made with --drain alone.

			With names of DaemonSets the drive role patches these alone, and reads, writes and deletes the Leases of
			their runs alone. RBAC cannot limit by a name what is created: create leases stays for the namespace. The
			read role is for all DaemonSets of the namespace.

			With -n the roles are for the DaemonSets of one namespace. Nodes, and what a gate or a drain looks at
			around a pod, are cluster-wide and need a ClusterRole in any case. Nothing is said about Secrets or
			ConfigMaps.`),
		Example: cli.Examples(`
			# Roles for runs without a drain, in all namespaces
			kubectl ds-rollout rbac | kubectl apply -f -

			# For runs of one DaemonSet with a policy, the driver bound to a service account
			kubectl ds-rollout rbac -n logging vector --policy agents.yaml --bind-to sa:ci/rollout

			# Only the role for those who look
			kubectl ds-rollout rbac --read-only --bind-to group:oncall`),
		Args: cobra.ArbitraryArgs, ValidArgsFunction: a.completeTarget(false),
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := f.options(a, args, cmd.Flags().Changed("name"))
			if err != nil {
				return err
			}
			if runF != nil {
				return runF(cmd.Context(), o)
			}
			return cli.WriteYAML(a.streams.Out, o.objects()...)
		},
	}
	cmd.Flags().BoolVar(&f.readOnly, "read-only", false, "Print only the role for plan, status and history.")
	if err := f.policy.add(a, cmd); err != nil {
		return nil, err
	}
	return cmd, f.role.Add(cmd, a.kube, Plugin, cli.RoleUsage{
		AllNamespaces: "The roles are for all namespaces, as they are without -n.",
		Name:          "Names of the roles and their bindings begin with this; by default with -n, the namespace and the names of the DaemonSets come after it.",
		BindTo:        "Bind the drive role, or with --read-only the read role",
	})
}

func (f *rbacFlags) options(a *app, args []string, named bool) (*rbacOptions, error) {
	role, err := f.role.Options()
	if err != nil {
		return nil, err
	}
	o := &rbacOptions{RoleOptions: role, ReadOnly: f.readOnly}
	if len(args) > 0 && role.Namespace == "" {
		return nil, cli.Usagef("names of DaemonSets are of one namespace: give it with -n")
	}
	for _, arg := range args {
		name, err := cli.DaemonSetName(arg)
		if err != nil {
			return nil, err
		}
		o.DaemonSets = append(o.DaemonSets, name)
	}
	if !named {
		o.Name = roleName(o.Namespace, o.DaemonSets)
	}
	o.Policy, err = f.policy.policy(a.streams.In)
	return o, err
}

// longestName leaves room for the kind of role after it, in what is the longest
// name of most objects.
const longestName = 240

// roleName is what the names of roles begin with by default. Roles for other
// DaemonSets are called otherwise: to apply them would take the rights of these
// away. No namespace and no DaemonSet has a colon in its name.
func roleName(namespace string, daemonSets []string) string {
	name := Plugin
	if namespace != "" {
		daemonSets = slices.Compact(slices.Sorted(slices.Values(daemonSets)))
		name = strings.Join(append([]string{name, namespace}, daemonSets...), ":")
	}
	if len(name) <= longestName {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return fmt.Sprintf("%s:%x", name[:longestName-17], sum[:8])
}

func (o *rbacOptions) objects() []any {
	if o.ReadOnly {
		return o.roles(o.Name+"-read", nil, o.Subjects)
	}
	return append(o.roles(o.Name+"-read", nil, nil), o.roles(o.Name+"-drive", o.Policy, o.Subjects)...)
}

// roles are the roles of one name, and their bindings. Whoever looks may look
// at every DaemonSet.
func (o *rbacOptions) roles(name string, p *rollout.Policy, subjects []rbacv1.Subject) []any {
	daemonSets := o.DaemonSets
	if p == nil {
		daemonSets = nil
	}
	wide := rules(p, true, daemonSets)
	if o.Namespace == "" {
		for _, n := range needsOf(p) {
			if !n.wide {
				wide = addRule(wide, n, daemonSets)
			}
		}
	}
	return cli.Roles(cli.RoleOptions{Namespace: o.Namespace, Name: name, Subjects: subjects}, inOrder(wide), inOrder(rules(p, false, daemonSets)))
}
