package coverage

import (
	"context"

	"github.com/spf13/cobra"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
)

type rbacFlags struct{ role cli.RoleFlags }

// rbacOptions are what running rbac needs.
type rbacOptions struct {
	cli.RoleOptions
	app *app
}

func newRBACCommand(a *app, runF func(context.Context, *rbacOptions) error) (*cobra.Command, error) {
	f := &rbacFlags{}
	cmd := &cobra.Command{
		Use:   "rbac [-n namespace | -A]",
		Short: "Print the least role that reports need",
		Long: templates.LongDesc(`
			Print the least role that reports need, as YAML for kubectl apply. It only lists and gets, and it holds
			nothing about Secrets or ConfigMaps. With -n the role is for the DaemonSets of one namespace; nodes and
			namespaces are cluster-wide and need a ClusterRole in any case. Pods of the whole cluster, which -A
			lists, also tell what takes the room on a node; with -n alone that stays unknown. Leases tell whether
			somebody drives a rollout of kubectl ds-rollout; one is read where a DaemonSet is held by one, else none.`),
		Example: cli.Examples(`
			# The role for all namespaces
			kubectl ds-coverage rbac | kubectl apply -f -

			# For the DaemonSets of one namespace, bound to a service account
			kubectl ds-coverage rbac -n logging --bind-to sa:ci/reporter`),
		Args: cli.NoArgs,
		RunE: runE(func([]string) (*rbacOptions, error) { return f.options(a) }, runF),
	}
	return cmd, f.role.Add(cmd, a.kube, Plugin, cli.RoleUsage{
		AllNamespaces: "The role is for all namespaces, as it is without -n.",
		Name:          "Name of the role and of its binding.",
		BindTo:        "Bind the role, too",
	})
}

func (f *rbacFlags) options(a *app) (*rbacOptions, error) {
	role, err := f.role.Options()
	return &rbacOptions{app: a, RoleOptions: role}, err
}

func (o *rbacOptions) run(context.Context) error {
	return cli.WriteYAML(o.app.streams.Out, o.objects()...)
}

// clusterRules are about resources without a namespace.
func clusterRules() []rbacv1.PolicyRule {
	return []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"nodes"}, Verbs: []string{"list"}},
		{APIGroups: []string{""}, Resources: []string{"namespaces"}, Verbs: []string{"get", "list"}},
	}
}

// namespacedRules are about the DaemonSets, and what explains them.
func namespacedRules() []rbacv1.PolicyRule {
	return []rbacv1.PolicyRule{
		{APIGroups: []string{"apps"}, Resources: []string{"daemonsets"}, Verbs: []string{"get", "list"}},
		{APIGroups: []string{"apps"}, Resources: []string{"controllerrevisions"}, Verbs: []string{"list"}},
		{APIGroups: []string{""}, Resources: []string{"pods", "events"}, Verbs: []string{"list"}},
		// Those of rollouts that hold a DaemonSet: their names depend on its own.
		{APIGroups: []string{"coordination.k8s.io"}, Resources: []string{"leases"}, Verbs: []string{"get"}},
	}
}

func (o *rbacOptions) objects() []any {
	wide := clusterRules()
	if o.Namespace == "" {
		wide = append(wide, namespacedRules()...)
	}
	return cli.Roles(o.RoleOptions, wide, namespacedRules())
}
