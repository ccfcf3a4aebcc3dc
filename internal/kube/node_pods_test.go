package kube

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit/apiserver"
)

func TestNodePodsAreAllOfOneNodeAndWhole(t *testing.T) {
	s := apiserver.New(t, cluster(2)...)
	ended := lonePod("batch", "job", 0)
	ended.Status.Phase = corev1.PodFailed
	s.Set(ended)
	pods, err := newReader(t, s).NodePods(t.Context(), "node-00000")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range pods {
		got = append(got, fmt.Sprintf("%s/%s full=%t managed=%t", p.Namespace, p.Name, p.Full != nil, p.Full != nil && len(p.Full.ManagedFields) > 0))
	}
	want := []string{
		"batch/job-00000 full=true managed=false",
		"default/web-00000 full=true managed=false",
		"kube-system/proxy-00000 full=true managed=false",
		"monitoring/agent-00000 full=true managed=false",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if n := len(s.Requests()); n != 1 {
		t.Errorf("%d requests: %v", n, s.Lines())
	}
}

func TestNodePodsAreReadPageByPage(t *testing.T) {
	s := apiserver.New(t)
	for i := range pageSize + 1 {
		p := lonePod("default", fmt.Sprintf("web-%04d", i), 0)
		s.Set(p)
	}
	pods, err := newReader(t, s).NodePods(t.Context(), "node-00000")
	if err != nil || len(pods) != pageSize+1 || len(s.Requests()) != 2 {
		t.Errorf("%d pods, %v, %v", len(pods), err, s.Lines())
	}
}

func TestRefusedReadsOfANodeNameVerbAndResource(t *testing.T) {
	s := apiserver.New(t, cluster(1)...)
	for _, path := range []string{"/api/v1/pods", "/api/v1/namespaces/default/events", setsPathOf("monitoring", "agent")} {
		s.Fault(apiserver.Fault{Path: path, Status: 403})
	}
	r := newReader(t, s)
	_, podsErr := r.NodePods(t.Context(), "node-00000")
	_, eventsErr := r.WarningEvents(t.Context(), "default", "Node", "node-00000")
	_, setErr := r.OneDaemonSet(t.Context(), "monitoring", "agent")
	for want, err := range map[string]error{
		"list pods: ": podsErr, "list events in namespace default: ": eventsErr, "get daemonsets monitoring/agent: ": setErr,
	} {
		var req *RequestError
		if !errors.As(err, &req) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %s...", err, want)
		}
	}
}

func TestOneDaemonSetTellsAbsentFromRefused(t *testing.T) {
	s := apiserver.New(t, cluster(1)...)
	r := newReader(t, s)
	d, err := r.OneDaemonSet(t.Context(), "monitoring", "agent")
	if err != nil || d == nil || d.Name != "agent" || len(d.ManagedFields) > 0 {
		t.Errorf("%+v, %v", d, err)
	}
	if d, err := r.OneDaemonSet(t.Context(), "monitoring", "other"); d != nil || err != nil {
		t.Errorf("absent: %+v, %v", d, err)
	}
	s.Fault(apiserver.Fault{Code: 404, ContentType: "text/plain", Body: "404 page not found"})
	if _, err := r.OneDaemonSet(t.Context(), "monitoring", "agent"); err == nil {
		t.Error("a server without the path passes for a DaemonSet that is not there")
	}
}

func setsPathOf(namespace, name string) string {
	return "/apis/apps/v1/namespaces/" + namespace + "/daemonsets/" + name
}
