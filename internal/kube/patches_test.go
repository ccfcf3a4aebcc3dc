package kube

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/strategicpatch"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// patched applies a patch to a DaemonSet of a newer server, as that one does.
func patched(t *testing.T, original string, p tree) tree {
	t.Helper()
	patch, err := jsonOf(p)
	if err != nil {
		t.Fatal(err)
	}
	out, err := strategicpatch.StrategicMergePatch([]byte(original), patch, appsv1.DaemonSet{})
	if err != nil {
		t.Fatal(err)
	}
	return treeOf(t, string(out))
}

func treeOf(t *testing.T, s string) tree {
	t.Helper()
	var out tree
	if err := json.Unmarshal([]byte(s), &out); err != nil {
		t.Fatalf("%v in %s", err, s)
	}
	return out
}

// newer is what a newer server holds: fields that this client does not know.
const newer = `{"metadata":{"name":"agent","uid":"ds-uid","resourceVersion":"41","annotations":{"own":"yes"},"future":1},
"spec":{"future":true,"updateStrategy":{"type":"RollingUpdate","rollingUpdate":{"maxUnavailable":3,"future":4}},
"template":{"metadata":{"labels":{"app":"agent"},"future":5},"spec":{"future":6,"nodeSelector":{"a":"b"},
"containers":[{"name":"main","image":"example.org/agent:1","future":7,"env":[{"name":"A","value":"1","future":8}]},{"name":"side","image":"s","future":9}]}}}}`

func TestArmingChangesNoMoreThanItHasTo(t *testing.T) {
	var ds appsv1.DaemonSet
	if err := json.Unmarshal([]byte(newer), &ds); err != nil {
		t.Fatal(err)
	}
	template := ds.Spec.Template.DeepCopy()
	template.Spec.Containers[0].Image = "example.org/agent:2"
	template.Spec.Containers[0].Env = append(template.Spec.Containers[0].Env, corev1.EnvVar{Name: "B", Value: "2"})
	template.Spec.NodeSelector = nil
	template.Annotations = map[string]string{"restarted": "now"}
	p, err := armPatch(&ds, &rollout.Arm{UID: "ds-uid", ResourceVersion: "41", Armed: armed(), Template: template})
	if err != nil {
		t.Fatal(err)
	}
	want := strings.NewReplacer(
		`"own":"yes"`, `"own":"yes","`+rollout.ArmAnnotation+`":`+string(mustJSON(t, armed().String())),
		`"type":"RollingUpdate"`, `"type":"OnDelete"`,
		`"example.org/agent:1"`, `"example.org/agent:2"`,
		`"labels":{"app":"agent"}`, `"labels":{"app":"agent"},"annotations":{"restarted":"now"}`,
		`"future":8}`, `"future":8},{"name":"B","value":"2"}`,
		`"nodeSelector":{"a":"b"},`, ``,
	).Replace(newer)
	got := patched(t, newer, p)
	if diff := cmp.Diff(withoutEmpty(treeOf(t, want)), withoutEmpty(got)); diff != "" {
		t.Error(diff)
	}
	back := patched(t, string(mustJSON(t, got)), handBackPatch(&rollout.HandBack{UID: "ds-uid", ResourceVersion: "41", Strategy: "RollingUpdate"}))
	strategy := func(x tree) any { return x["spec"].(tree)["updateStrategy"] }
	if diff := cmp.Diff(strategy(treeOf(t, newer)), strategy(back)); diff != "" {
		t.Errorf("the strategy is not what it was: %s", diff)
	}
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// withoutEmpty drops empty maps, which are as absent ones.
func withoutEmpty(x tree) tree {
	for k, v := range x {
		if m, ok := v.(tree); ok {
			if withoutEmpty(m); len(m) == 0 {
				delete(x, k)
			}
		}
	}
	return x
}

func TestADifferenceIsToTheVersionThatIsPatched(t *testing.T) {
	ds := target()
	_, err := armPatch(ds, &rollout.Arm{UID: "ds-uid", ResourceVersion: "40", Armed: armed(), Template: &ds.Spec.Template})
	if err == nil {
		t.Error("a difference to another version is sent")
	}
}

// A revision's data is a patch that somebody may have edited: it may change
// the template, and nothing else.
func TestARevisionPutsBackItsTemplateAlone(t *testing.T) {
	for _, data := range []string{
		``, `null`, `[]`, `"x"`, `{`, `{}`, `{"spec":{}}`, `{"spec":null}`, `{"spec":[]}`, `{"spec":{"template":null}}`,
		`{"spec":{"template":{},"updateStrategy":{"type":"RollingUpdate"}}}`,
		`{"spec":{"template":{},"selector":{}}}`,
		`{"spec":{"template":{}},"metadata":{"annotations":{"a":"b"}}}`,
		`{"spec":{"template":{}},"$patch":"delete"}`,
		`{"spec":{"template":{},"$retainKeys":["template"]}}`,
		`{"spec":{"template":{}}}{"spec":{}}`,
	} {
		if p, err := putBackPatch(&rollout.PutBack{UID: "u", ResourceVersion: "1", Data: []byte(data)}); err == nil {
			t.Errorf("%s becomes %v", data, p)
		}
	}
	p, err := putBackPatch(&rollout.PutBack{UID: "ds-uid", ResourceVersion: "41",
		Data: []byte(`{"spec":{"template":{"$patch":"replace","metadata":{"labels":{"app":"agent"}},"spec":{"containers":[{"name":"old","image":"o"}]}}}}`)})
	if err != nil {
		t.Fatal(err)
	}
	got := patched(t, newer, p)["spec"].(tree)
	want := treeOf(t, `{"future":true,"updateStrategy":{"type":"OnDelete","rollingUpdate":{"maxUnavailable":3,"future":4}},
		"template":{"metadata":{"labels":{"app":"agent"}},"spec":{"containers":[{"name":"old","image":"o"}]}}}`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestADifferenceOfNothingIsNothing(t *testing.T) {
	ds := target()
	three := intstr.FromInt32(3)
	ds.Spec.UpdateStrategy.RollingUpdate = &appsv1.RollingUpdateDaemonSet{MaxUnavailable: &three}
	p, err := armPatch(ds, &rollout.Arm{UID: "ds-uid", ResourceVersion: "41", Armed: armed(), Template: ds.Spec.Template.DeepCopy()})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(tree{"updateStrategy": tree{"type": "OnDelete"}}, p["spec"]); diff != "" {
		t.Error(diff)
	}
}
