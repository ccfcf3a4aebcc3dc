package kube

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit/apiserver"
)

func TestWarningEventsAreOfOneObject(t *testing.T) {
	agent := daemonSet("monitoring", "agent")
	normal := event(podOf(agent, 0), "Pulled")
	normal.Type = corev1.EventTypeNormal
	onNode := event(podOf(agent, 0), "SystemOOM")
	onNode.Namespace = "default"
	// As a kubelet writes it: no namespace, and the name in the UID's place.
	onNode.InvolvedObject = corev1.ObjectReference{Kind: "Node", Name: "node-00000", UID: "node-00000"}
	s := apiserver.New(t, event(podOf(agent, 0), "BackOff"), event(podOf(agent, 1), "BackOff"), normal, onNode)
	r := newReader(t, s)
	reasons := func(namespace, kind, name string) []string {
		t.Helper()
		events, err := r.WarningEvents(t.Context(), namespace, kind, name)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, e := range events {
			out = append(out, e.Kind+"/"+e.Name+" "+e.Reason)
		}
		return out
	}
	if diff := cmp.Diff([]string{"Pod/agent-00000 BackOff"}, reasons("monitoring", "Pod", "agent-00000")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"Node/node-00000 SystemOOM"}, reasons("default", "Node", "node-00000")); diff != "" {
		t.Error(diff)
	}
	if got := reasons("default", "Node", "agent-00000"); got != nil {
		t.Error(got)
	}
}
