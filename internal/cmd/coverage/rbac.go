package coverage

import (
	"bytes"
	"context"
	"strings"

	"github.com/spf13/cobra"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/kubectl/pkg/util/templates"
	"sigs.k8s.io/yaml"

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
			lists, also tell what takes the room on a node; with -n alone that stays unknown.`),
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
	if !validName(f.name) {
		return nil, cli.Usagef("--name %q cannot be the name of a role: names hold lower case letters, digits, '-' and '.'", f.name)
	}
	if f.kube.SetNamespace() && !f.allNamespaces {
		if o.Namespace = *f.kube.Namespace; !validName(o.Namespace) {
			return nil, cli.Usagef("-n %q cannot be the name of a namespace", o.Namespace)
		}
	}
	for _, b := range f.bindTo {
		s, err := parseSubject(b)
		if err != nil {
			return nil, err
		}
		o.Subjects = append(o.Subjects, s)
	}
	return o, nil
}

func parseSubject(s string) (rbacv1.Subject, error) {
	kind, name, _ := strings.Cut(s, ":")
	switch {
	case name == "":
	case kind == "user":
		return rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: name}, nil
	case kind == "group":
		return rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: rbacv1.GroupKind, Name: name}, nil
	case kind == "sa":
		if ns, account, ok := strings.Cut(name, "/"); ok && validName(ns) && validName(account) {
			return rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: ns, Name: account}, nil
		}
	}
	return rbacv1.Subject{}, cli.Usagef("--bind-to takes user:NAME, group:NAME or sa:NAMESPACE/NAME, not %q", s)
}

func (o *rbacOptions) run(context.Context) error {
	var buf bytes.Buffer
	for i, obj := range o.objects() {
		if i > 0 {
			buf.WriteString("---\n")
		}
		b, err := yaml.Marshal(obj)
		if err != nil {
			return err
		}
		// Fields that the API server fills, and that Go prints empty.
		buf.Write(bytes.ReplaceAll(b, []byte("  creationTimestamp: null\n"), nil))
	}
	_, err := o.app.streams.Out.Write(buf.Bytes())
	return err
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
