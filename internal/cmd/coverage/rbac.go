package coverage

import (
	"context"

	"github.com/spf13/cobra"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
)

type rbacFlags struct {
	kube          *cli.KubeFlags
	allNamespaces bool
	name          string
	bindTo        []string
}

// rbacOptions are what running rbac needs.
type rbacOptions struct {
	app       *app
	Namespace string // empty for all
	Name      string
	Subjects  []rbacv1.Subject
}

func newRBACCommand(a *app, runF func(context.Context, *rbacOptions) error) (*cobra.Command, error) {
	f := &rbacFlags{kube: a.kube}
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
	fs := cmd.Flags()
	fs.BoolVarP(&f.allNamespaces, "all-namespaces", "A", false, "The role is for all namespaces, as it is without -n.")
	fs.StringVar(&f.name, "name", Plugin, "Name of the role and of its binding.")
	fs.StringSliceVar(&f.bindTo, "bind-to", nil, "Bind the role, too: user:NAME, group:NAME or sa:NAMESPACE/NAME.")
	return cmd, cli.RegisterFlags(cmd, map[string]cli.CompleteFunc{
		"name": cobra.NoFileCompletions, "bind-to": cli.Words("user:", "group:", "sa:"),
	})
}

func (f *rbacFlags) options(a *app) (*rbacOptions, error) {
	o := &rbacOptions{app: a, Name: f.name}
	if !cli.ValidName(f.name) {
		return nil, cli.Usagef("--name %q cannot be the name of a role: names hold lower case letters, digits, '-' and '.'", f.name)
	}
	if f.kube.SetNamespace() && !f.allNamespaces {
		if o.Namespace = *f.kube.Namespace; !cli.ValidName(o.Namespace) {
			return nil, cli.Usagef("-n %q cannot be the name of a namespace", o.Namespace)
		}
	}
	for _, b := range f.bindTo {
		s, err := cli.ParseSubject(b)
		if err != nil {
			return nil, err
		}
		o.Subjects = append(o.Subjects, s)
	}
	return o, nil
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
	meta := metav1.ObjectMeta{Name: o.Name}
	clusterRole := &rbacv1.ClusterRole{
		TypeMeta: metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: "ClusterRole"}, ObjectMeta: meta,
		Rules: clusterRules(),
	}
	ref := func(kind string) rbacv1.RoleRef {
		return rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: kind, Name: o.Name}
	}
	out := []any{clusterRole}
	if len(o.Subjects) > 0 {
		out = append(out, &rbacv1.ClusterRoleBinding{
			TypeMeta:   metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: "ClusterRoleBinding"},
			ObjectMeta: meta, Subjects: o.Subjects, RoleRef: ref("ClusterRole"),
		})
	}
	if o.Namespace == "" {
		clusterRole.Rules = append(clusterRole.Rules, namespacedRules()...)
		return out
	}
	inNamespace := metav1.ObjectMeta{Name: o.Name, Namespace: o.Namespace}
	out = append(out, &rbacv1.Role{
		TypeMeta:   metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: "Role"},
		ObjectMeta: inNamespace, Rules: namespacedRules(),
	})
	if len(o.Subjects) > 0 {
		out = append(out, &rbacv1.RoleBinding{
			TypeMeta:   metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: "RoleBinding"},
			ObjectMeta: inNamespace, Subjects: o.Subjects, RoleRef: ref("Role"),
		})
	}
	return out
}
