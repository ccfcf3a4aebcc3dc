package cli

import (
	"bytes"
	"io"
	"strings"

	"github.com/spf13/cobra"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// RoleFlags are those of the rbac commands.
type RoleFlags struct {
	kube          *KubeFlags
	allNamespaces bool
	name          string
	bindTo        []string
}

// RoleOptions are what RoleFlags say.
type RoleOptions struct {
	Namespace string // empty for all
	Name      string
	Subjects  []rbacv1.Subject
}

// RoleUsage is the help of the flags that differs.
type RoleUsage struct {
	AllNamespaces, Name, BindTo string // BindTo without what it takes
}

// Add adds the flags to a command. name is the default of --name.
func (f *RoleFlags) Add(cmd *cobra.Command, kube *KubeFlags, name string, usage RoleUsage) error {
	f.kube = kube
	fs := cmd.Flags()
	fs.BoolVarP(&f.allNamespaces, "all-namespaces", "A", false, usage.AllNamespaces)
	fs.StringVar(&f.name, "name", name, usage.Name)
	fs.StringSliceVar(&f.bindTo, "bind-to", nil, usage.BindTo+": user:NAME, group:NAME or sa:NAMESPACE/NAME.")
	return RegisterFlags(cmd, map[string]CompleteFunc{"name": cobra.NoFileCompletions, "bind-to": Words("user:", "group:", "sa:")})
}

// Options checks what was given.
func (f *RoleFlags) Options() (RoleOptions, error) {
	o := RoleOptions{Name: f.name}
	if !ValidName(f.name) {
		return o, Usagef("--name %q cannot be the name of a role: names hold lower case letters, digits, '-' and '.'", f.name)
	}
	if f.kube.SetNamespace() && !f.allNamespaces {
		if o.Namespace = *f.kube.Namespace; !ValidName(o.Namespace) {
			return o, Usagef("-n %q cannot be the name of a namespace", o.Namespace)
		}
	}
	for _, b := range f.bindTo {
		s, err := parseSubject(b)
		if err != nil {
			return o, err
		}
		o.Subjects = append(o.Subjects, s)
	}
	return o, nil
}

// Roles makes a ClusterRole and its binding, and with a namespace a Role there
// for the rules that need not be cluster-wide, and its binding.
func Roles(o RoleOptions, wide, inNamespace []rbacv1.PolicyRule) []any {
	// By the label they are found again, whatever they are called.
	meta := metav1.ObjectMeta{Name: o.Name, Labels: map[string]string{"app.kubernetes.io/part-of": "kubectl-ds"}}
	typed := func(kind string) metav1.TypeMeta {
		return metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: kind}
	}
	ref := func(kind string) rbacv1.RoleRef {
		return rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: kind, Name: o.Name}
	}
	out := []any{&rbacv1.ClusterRole{TypeMeta: typed("ClusterRole"), ObjectMeta: meta, Rules: wide}}
	if len(o.Subjects) > 0 {
		out = append(out, &rbacv1.ClusterRoleBinding{
			TypeMeta: typed("ClusterRoleBinding"), ObjectMeta: meta, Subjects: o.Subjects, RoleRef: ref("ClusterRole"),
		})
	}
	if o.Namespace == "" {
		return out
	}
	meta.Namespace = o.Namespace
	out = append(out, &rbacv1.Role{TypeMeta: typed("Role"), ObjectMeta: meta, Rules: inNamespace})
	if len(o.Subjects) > 0 {
		out = append(out, &rbacv1.RoleBinding{TypeMeta: typed("RoleBinding"), ObjectMeta: meta, Subjects: o.Subjects, RoleRef: ref("Role")})
	}
	return out
}

// parseSubject reads what --bind-to takes.
func parseSubject(s string) (rbacv1.Subject, error) {
	kind, name, _ := strings.Cut(s, ":")
	switch {
	case name == "":
	case kind == "user":
		return rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: name}, nil
	case kind == "group":
		return rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: rbacv1.GroupKind, Name: name}, nil
	case kind == "sa":
		if ns, account, ok := strings.Cut(name, "/"); ok && ValidName(ns) && ValidName(account) {
			return rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: ns, Name: account}, nil
		}
	}
	return rbacv1.Subject{}, Usagef("--bind-to takes user:NAME, group:NAME or sa:NAMESPACE/NAME, not %q", s)
}

// WriteYAML writes objects as documents for kubectl apply.
func WriteYAML(w io.Writer, objects ...any) error {
	var buf bytes.Buffer
	for i, obj := range objects {
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
	_, err := w.Write(buf.Bytes())
	return err
}
