package kube

import (
	"net/http"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit/apiserver"
)

func TestPodsOfABudgetAreThoseOfItsNamespaceAndSelector(t *testing.T) {
	pod := func(namespace, name, app string) *corev1.Pod {
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{"app": app}}}
		p.Spec.NodeName = "node-1"
		p.Spec.Volumes = []corev1.Volume{{Name: "cache", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}}
		return p
	}
	s := apiserver.New(t, pod("web", "a", "web"), pod("web", "b", "web"), pod("web", "c", "db"), pod("other", "d", "web"))
	r := newReader(t, s)
	for _, c := range []struct {
		name     string
		selector *metav1.LabelSelector
		want     []string
	}{
		{"by label", &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}, []string{"a", "b"}},
		{"all of the namespace", &metav1.LabelSelector{}, []string{"a", "b", "c"}},
		{"none", nil, nil},
	} {
		b := &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Namespace: "web", Name: "budget"}, Spec: policyv1.PodDisruptionBudgetSpec{Selector: c.selector}}
		pods, failed, err := r.BudgetPods(t.Context(), b)
		var got []string
		for i := range pods {
			got = append(got, pods[i].Name)
			if pods[i].Full == nil || len(pods[i].Full.Spec.Volumes) != 1 || pods[i].Node != "node-1" {
				t.Errorf("%s: what a drain looks at is not kept: %+v", c.name, pods[i])
			}
		}
		if err != nil || failed != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, %v, %v", c.name, got, failed, err)
		}
	}
	s.Fault(apiserver.Fault{Path: "/api/v1/namespaces/web/pods", Status: http.StatusForbidden})
	b := &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Namespace: "web", Name: "budget"}, Spec: policyv1.PodDisruptionBudgetSpec{Selector: &metav1.LabelSelector{}}}
	if pods, failed, err := r.BudgetPods(t.Context(), b); err != nil || failed == nil || !failed.Forbidden || pods != nil {
		t.Errorf("forbidden: got %v, %v, %v", pods, failed, err)
	}
}
