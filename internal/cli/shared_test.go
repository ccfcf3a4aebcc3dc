package cli

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

func TestNamesAreReadAsKubectlWritesThem(t *testing.T) {
	got, err := DaemonSetNames([]string{"a", "ds/b", "DaemonSets.apps/c", "a"})
	if diff := cmp.Diff([]string{"a", "b", "c"}, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	for arg, want := range map[string]string{
		"logging/agent": "if logging is its namespace: agent -n logging", "Dep loy/x": "write NAME or ds/NAME", "Foo": "cannot be the name",
	} {
		if _, err := DaemonSetName(arg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", arg, err, want)
		}
	}
	if name, err := NodeName("node/n1"); name != "n1" || err != nil {
		t.Errorf("got %q, %v", name, err)
	}
	if _, err := NodeName("pod/n1"); err == nil {
		t.Error("a pod is taken for a node")
	}
}

func TestSubjectsOfABinding(t *testing.T) {
	for arg, want := range map[string]rbacv1.Subject{
		"user:jane":  {APIGroup: rbacv1.GroupName, Kind: "User", Name: "jane"},
		"group:ops":  {APIGroup: rbacv1.GroupName, Kind: "Group", Name: "ops"},
		"sa:ci/roll": {Kind: "ServiceAccount", Namespace: "ci", Name: "roll"},
	} {
		if got, err := parseSubject(arg); err != nil || got != want {
			t.Errorf("%s: got %v, %v", arg, got, err)
		}
	}
	for _, arg := range []string{"jane", "user:", "sa:ci", "sa:CI/x", "host:x"} {
		if _, err := parseSubject(arg); err == nil {
			t.Errorf("%s: no error", arg)
		}
	}
}

func TestACommaListCompletesItsLastWord(t *testing.T) {
	f := List(Words("zone", "zoo", "age"))
	for typed, want := range map[string][]string{
		"": {"zone", "zoo", "age"}, "z": {"zone", "zoo"}, "zone,": {"zone,zoo", "zone,age"}, "zone,zo": {"zone,zoo"}, "x": nil,
	} {
		got, directive := f(&cobra.Command{}, nil, typed)
		if diff := cmp.Diff(want, got); diff != "" || directive&cobra.ShellCompDirectiveNoSpace == 0 {
			t.Errorf("%q: %d %s", typed, directive, diff)
		}
	}
}

// print gives what a format prints of an object with an escape code in it.
func print(t *testing.T, format string) (string, error) {
	t.Helper()
	f := NewPrintFlags(func(runtime.Object) []runtime.Object {
		return []runtime.Object{Named("apps/v1", "DaemonSet", "logging", "agent")}
	}, "table", "wide")
	cmd := &cobra.Command{}
	f.Add(cmd)
	if err := cmd.Flags().Parse([]string{"-o", format}); err != nil {
		t.Fatal(err)
	}
	p, err := f.Printer()
	if err != nil || p == nil {
		return "", err
	}
	var out bytes.Buffer
	obj := &unstructured.Unstructured{Object: map[string]any{"kind": "X", "apiVersion": "v1", "metadata": map[string]any{"name": "a\x1b[2Jb"}}}
	err = p.PrintObj(obj, &out)
	return out.String(), err
}

func TestFormatsAreThoseOfKubectlAndOurs(t *testing.T) {
	for format, want := range map[string]string{
		"table": "^$", "wide": "^$", "name": "^daemonset.apps/agent\n$", "json": `"name": "a\\u001b\[2Jb"`,
		"jsonpath={.kind}": "^X$", "custom-columns=N:.metadata.name": `a\\x1b\[2Jb`, "yaml": "kind: X",
	} {
		got, err := print(t, format)
		if err != nil || !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("-o %s: got %q, %v, want %s", format, got, err, want)
		}
	}
	var exit *ExitError
	if _, err := print(t, "jsn"); !errors.As(err, &exit) || exit.Code != Usage || !strings.Contains(err.Error(), `did you mean "json"`) {
		t.Errorf("got %v", err)
	}
}

func TestObjectsAreWrittenAsDocuments(t *testing.T) {
	var out bytes.Buffer
	role := &rbacv1.ClusterRole{TypeMeta: metav1.TypeMeta{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "ClusterRole"}, ObjectMeta: metav1.ObjectMeta{Name: "a"}}
	if err := WriteYAML(&out, role, role); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); strings.Count(got, "kind: ClusterRole") != 2 || strings.Count(got, "---\n") != 1 || strings.Contains(got, "null\n  name") {
		t.Errorf("got %q", got)
	}
}
