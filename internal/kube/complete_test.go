package kube

import (
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit/apiserver"
)

func TestNamesForAShellTakeOneRequest(t *testing.T) {
	s := apiserver.New(t, cluster(3)...)
	r := newReader(t, s)
	got, err := r.Names(t.Context(), "nodes", "")
	if err != nil || !slices.Equal(got, []string{"node-00000", "node-00001", "node-00002"}) {
		t.Errorf("%v, %v", got, err)
	}
	if lines := s.Lines(); len(lines) != 1 || !strings.Contains(lines[0], "resourceVersion=0") {
		t.Errorf("asked %q", lines)
	}
	if got, err := r.Names(t.Context(), "daemonsets", "elsewhere"); len(got) != 0 || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := r.QualifiedNames(t.Context(), "daemonsets"); err != nil || !slices.Equal(got, []string{"kube-system/proxy", "monitoring/agent"}) {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := r.Names(t.Context(), "secrets", ""); err == nil {
		t.Error("lists any resource")
	}
}

func TestRevisionsAreTheDaemonSetsOwn(t *testing.T) {
	ds := &appsv1.DaemonSet{
		ObjectMeta: metav1.ObjectMeta{Namespace: "logging", Name: "agent", UID: "u"},
		Spec:       appsv1.DaemonSetSpec{Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "agent"}}},
	}
	objects := []runtime.Object{ds, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "logging"}}}
	for number, owner := range []types.UID{"another", "u", "u"} {
		objects = append(objects, &appsv1.ControllerRevision{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: "logging", Name: "agent-" + string(rune('a'+number)), Labels: map[string]string{"app": "agent"},
				OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(&metav1.ObjectMeta{Name: "agent", UID: owner}, appsv1.SchemeGroupVersion.WithKind("DaemonSet"))},
			},
			Revision: int64(number + 1),
		})
	}
	got, err := newReader(t, apiserver.New(t, objects...)).Revisions(t.Context(), ds)
	if err != nil || len(got) != 2 || got[0].Revision != 3 || got[1].Revision != 2 {
		t.Errorf("%v, %v", got, err)
	}
}
