package cli

import (
	"bytes"
	"io"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"
)

// ParseSubject reads what --bind-to takes.
func ParseSubject(s string) (rbacv1.Subject, error) {
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
