package apiserver_test

import (
	"context"
	"net/http"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit/apiserver"
)

// The server is judged by client-go's own typed client, in both encodings.
func TestClientGoUnderstandsTheServer(t *testing.T) {
	pod := func(name, node, app string) *corev1.Pod {
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: name, Labels: map[string]string{"app": app}}}
		p.Spec.NodeName = node
		return p
	}
	s := apiserver.New(t, pod("p1", "n1", "x"), pod("p2", "n2", "x"), pod("p3", "n1", "y"),
		&appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "d"}},
		&corev1.Event{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "e"}, Type: "Warning", InvolvedObject: corev1.ObjectReference{Name: "p1"}})
	s.Fault(apiserver.Fault{Path: "/api/v1/nodes", Status: http.StatusForbidden})
	for _, accept := range []string{"application/vnd.kubernetes.protobuf", "application/json"} {
		cfg := s.Config()
		cfg.AcceptContentTypes = accept
		c, err := kubernetes.NewForConfig(cfg)
		if err != nil {
			t.Fatal(err)
		}
		ctx := context.Background()
		names := func(o metav1.ListOptions) (out string) {
			for {
				l, err := c.CoreV1().Pods("a").List(ctx, o)
				if err != nil {
					t.Fatal(err)
				}
				for _, p := range l.Items {
					out += p.Name + " "
				}
				if o.Continue = l.Continue; o.Continue == "" {
					return out
				}
				out += "| "
			}
		}
		for want, o := range map[string]metav1.ListOptions{
			"p1 p2 | p3 ": {Limit: 2},
			"p1 p2 ":      {LabelSelector: "app=x"},
			"p1 p3 ":      {FieldSelector: "spec.nodeName=n1"},
			"p2 ":         {FieldSelector: "metadata.name=p2"},
		} {
			if got := names(o); got != want {
				t.Errorf("%s %+v: %q, want %q", accept, o, got, want)
			}
		}
		if d, err := c.AppsV1().DaemonSets("a").Get(ctx, "d", metav1.GetOptions{}); err != nil || d.Name != "d" {
			t.Errorf("get: %v, %v", d, err)
		}
		if _, err := c.AppsV1().DaemonSets("a").Get(ctx, "no", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
			t.Errorf("get of what is not there: %v", err)
		}
		if l, err := c.CoreV1().Events("").List(ctx, metav1.ListOptions{FieldSelector: "type=Warning,involvedObject.name=p1"}); err != nil || len(l.Items) != 1 {
			t.Errorf("events: %v, %v", l, err)
		}
		if _, err := c.CoreV1().Nodes().List(ctx, metav1.ListOptions{}); !apierrors.IsForbidden(err) {
			t.Errorf("nodes: %v", err)
		}
		if v, err := c.Discovery().ServerVersion(); err != nil || v.GitVersion != "v1.37.2" {
			t.Errorf("version: %v, %v", v, err)
		}
	}
	for _, r := range s.Requests() {
		if r.Bytes == 0 || r.Method != http.MethodGet {
			t.Errorf("%+v", r)
		}
	}
}
