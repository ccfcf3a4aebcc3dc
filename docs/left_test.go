package docs

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/util/jsonpath"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

var lookup = regexp.MustCompile(`(?m)^kubectl get (\S+) .*-o jsonpath='(.*)'$`)

// TestTheREADMEFindsWhatARunLeaves: each of its questions prints what carries
// a trace of a run, and nothing else.
func TestTheREADMEFindsWhatARunLeaves(t *testing.T) {
	clean := metav1.ObjectMeta{Namespace: "agents", Name: "clean", Annotations: map[string]string{"example.com/arm": "x"}}
	left := func(annotation, value string) metav1.ObjectMeta {
		return metav1.ObjectMeta{
			Namespace: "agents", Name: "left", Annotations: map[string]string{annotation: value},
			OwnerReferences: []metav1.OwnerReference{{Kind: "DaemonSet", Name: "fluent-bit"}},
		}
	}
	mark := rollout.Mark{Run: "7f3k", Epoch: 2}.String()
	lists := map[string]struct {
		items any
		want  string
	}{
		"daemonsets": {[]appsv1.DaemonSet{{}, {ObjectMeta: clean}, {ObjectMeta: left(rollout.ArmAnnotation, "{}")}}, "held: -n agents left\n"},
		"leases":     {[]coordinationv1.Lease{{}, {ObjectMeta: clean}, {ObjectMeta: left(rollout.RunAnnotation, "{}")}}, "run: -n agents fluent-bit\n"},
		"nodes":      {[]corev1.Node{{}, {ObjectMeta: clean}, {ObjectMeta: left(rollout.MarkAnnotation, mark)}}, "cordoned: left " + mark + "\n"},
	}
	_, section, _ := strings.Cut(documents(t)["README.md"], "\n### Look for what is left\n")
	section, _, _ = strings.Cut(section, "\n#")
	asked := lookup.FindAllStringSubmatch(section, -1)
	if len(asked) != len(lists) {
		t.Errorf("%d questions, and runs leave traces in %d places", len(asked), len(lists))
	}
	for _, m := range asked {
		list, ok := lists[m[1]]
		if !ok {
			t.Errorf("a run leaves nothing in %s", m[1])
			continue
		}
		if got := evaluated(t, m[2], list.items); got != list.want {
			t.Errorf("of %s it prints %q, want %q", m[1], got, list.want)
		}
	}
}

// evaluated is what kubectl prints of a list.
func evaluated(t *testing.T, template string, items any) string {
	t.Helper()
	list, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&struct {
		Items any `json:"items"`
	}{items})
	if err != nil {
		t.Fatal(err)
	}
	path := jsonpath.New("shown").AllowMissingKeys(true)
	if err := path.Parse(template); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := path.Execute(&out, list); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
