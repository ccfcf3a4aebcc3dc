package rollout

import (
	"context"

	"github.com/spf13/cobra"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

type rbacFlags struct {
	kube          *cli.KubeFlags
	policy        policyFlags
	allNamespaces bool
	readOnly      bool
	name          string
	bindTo        []string
}

// rbacOptions are what running rbac needs.
type rbacOptions struct {
	app       *app
	Namespace string // empty for all
	Name      string
	ReadOnly  bool
	Policy    *rollout.Policy
	Subjects  []rbacv1.Subject
}

func newRBACCommand(a *app) (*cobra.Command, error) { return makeRBACCommand(a, nil) }

// makeRBACCommand makes rbac; runF, if not nil, takes the place of running.
func makeRBACCommand(a *app, runF func(context.Context, *rbacOptions) error) (*cobra.Command, error) {
	f := &rbacFlags{kube: a.kube}
	cmd := &cobra.Command{
		Use:   "rbac [-n namespace | -A] [policy flags]",
		Short: "Print the least roles that reading and driving need",
		Long: templates.LongDesc(`
			Print two roles as YAML for kubectl apply: NAME-read is enough for plan, status and history; NAME-drive
			is for whoever drives a run with the policy of the flags, and holds what that policy needs and no more:
			nodes are patched with --cordon or --drain alone, and evictions made with --drain alone.

			With -n the roles are for the DaemonSets of one namespace. Nodes, and what a gate or a drain looks at
			around a pod, are cluster-wide and need a ClusterRole in any case. Nothing is said about Secrets or
			ConfigMaps.`),
		Example: cli.Examples(`
			# Roles for runs without a drain, in all namespaces
			kubectl ds-rollout rbac | kubectl apply -f -

			# For runs with a policy, in one namespace, the driver bound to a service account
			kubectl ds-rollout rbac -n logging --policy agents.yaml --bind-to sa:ci/rollout

			# Only the role for those who look
			kubectl ds-rollout rbac --read-only --bind-to group:oncall`),
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := f.options(a)
			if err != nil {
				return err
			}
			if runF != nil {
				return runF(cmd.Context(), o)
			}
			return cli.WriteYAML(a.streams.Out, o.objects()...)
		},
	}
	fs := cmd.Flags()
	fs.BoolVarP(&f.allNamespaces, "all-namespaces", "A", false, "The roles are for all namespaces, as they are without -n.")
	fs.BoolVar(&f.readOnly, "read-only", false, "Print only the role for plan, status and history.")
	fs.StringVar(&f.name, "name", Plugin, "Names of the roles and their bindings begin with this.")
	fs.StringSliceVar(&f.bindTo, "bind-to", nil, "Bind the drive role, or with --read-only the read role: user:NAME, group:NAME or sa:NAMESPACE/NAME.")
	if err := f.policy.add(a, cmd); err != nil {
		return nil, err
	}
	return cmd, cli.RegisterFlags(cmd, map[string]cli.CompleteFunc{
		"name": cobra.NoFileCompletions, "bind-to": cli.Words("user:", "group:", "sa:"),
	})
}

func (f *rbacFlags) options(a *app) (*rbacOptions, error) {
	o := &rbacOptions{app: a, Name: f.name, ReadOnly: f.readOnly}
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
	var err error
	o.Policy, err = f.policy.policy(a.streams.In)
	return o, err
}

func (o *rbacOptions) objects() []any {
	if o.ReadOnly {
		return o.roles(o.Name+"-read", nil, o.Subjects)
	}
	return append(o.roles(o.Name+"-read", nil, nil), o.roles(o.Name+"-drive", o.Policy, o.Subjects)...)
}

// roles are the roles of one name, and their bindings.
func (o *rbacOptions) roles(name string, p *rollout.Policy, subjects []rbacv1.Subject) []any {
	meta := metav1.ObjectMeta{Name: name}
	wide := rules(p, true)
	if o.Namespace == "" {
		for _, n := range needsOf(p) {
			if !n.wide {
				wide = addRule(wide, n)
			}
		}
	}
	out := []any{&rbacv1.ClusterRole{TypeMeta: typeOf("ClusterRole"), ObjectMeta: meta, Rules: inOrder(wide)}}
	ref := func(kind string) rbacv1.RoleRef {
		return rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: kind, Name: name}
	}
	if len(subjects) > 0 {
		out = append(out, &rbacv1.ClusterRoleBinding{
			TypeMeta: typeOf("ClusterRoleBinding"), ObjectMeta: meta, Subjects: subjects, RoleRef: ref("ClusterRole"),
		})
	}
	if o.Namespace == "" {
		return out
	}
	meta.Namespace = o.Namespace
	out = append(out, &rbacv1.Role{TypeMeta: typeOf("Role"), ObjectMeta: meta, Rules: inOrder(rules(p, false))})
	if len(subjects) > 0 {
		out = append(out, &rbacv1.RoleBinding{TypeMeta: typeOf("RoleBinding"), ObjectMeta: meta, Subjects: subjects, RoleRef: ref("Role")})
	}
	return out
}

func typeOf(kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: kind}
}
