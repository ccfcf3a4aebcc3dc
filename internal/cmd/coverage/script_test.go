package coverage

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit/apiserver"
	"github.com/kubectl-ds/kubectl-ds/internal/testkit/script"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

func TestMain(m *testing.M) {
	script.Main(m, Builder("v1.2.3"), "kubectl-ds_coverage", "kubectl_complete-ds_coverage")
}

func TestScripts(t *testing.T) { script.Run(t, writeKubeconfig(t)) }

// writeKubeconfig makes contexts that work, and contexts that do not: live,
// blind (may not list nodes), deaf (may not list events), mute (may not list
// DaemonSets), held (by a rollout that nobody drives), heldunread (where the
// Lease may not be read), hang, html, down.
func writeKubeconfig(t *testing.T) string {
	t.Helper()
	c := script.NewKubeconfig("live")
	objects := script.Objects(t)
	c.Add("live", "logging", apiserver.New(t, objects...).Config())
	blind := apiserver.New(t, objects...)
	blind.Fault(apiserver.Fault{Path: "/api/v1/nodes", Status: http.StatusForbidden})
	c.Add("blind", "logging", blind.Config())
	deaf := apiserver.New(t, objects...)
	deaf.Fault(apiserver.Fault{Path: "/api/v1/namespaces/logging/events", Status: http.StatusForbidden})
	c.Add("deaf", "logging", deaf.Config())
	mute := apiserver.New(t, objects...)
	mute.Fault(apiserver.Fault{Path: "/apis/apps/v1/daemonsets", Status: http.StatusForbidden})
	c.Add("mute", "logging", mute.Config())
	held := heldByRollout(t, objects)
	c.Add("held", "logging", apiserver.New(t, held...).Config())
	heldUnread := apiserver.New(t, held...)
	heldUnread.Fault(apiserver.Fault{Path: "/apis/coordination.k8s.io/v1/namespaces/logging/leases/ds-rollout.collector", Status: http.StatusForbidden})
	c.Add("heldunread", "logging", heldUnread.Config())
	hang := apiserver.New(t, objects...)
	hang.Fault(apiserver.Fault{Path: "/api/v1/nodes", Hang: true})
	c.Add("hang", "logging", hang.Config())
	html := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintln(w, "<html><body>Please log in</body></html>")
	}))
	t.Cleanup(html.Close)
	c.Add("html", "default", &rest.Config{Host: html.URL})
	c.Add("down", "default", script.Down(t))
	return c.Write(t)
}

// heldByRollout is the cluster while a rollout of the collector rests.
func heldByRollout(t *testing.T, objects []runtime.Object) []runtime.Object {
	t.Helper()
	renewed := metav1.NewMicroTime(time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC))
	out := []runtime.Object{&coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Namespace: "logging", Name: "ds-rollout.collector", Annotations: map[string]string{"kubectl-ds.github.io/run": "what-is-stored"}},
		Spec:       coordinationv1.LeaseSpec{RenewTime: &renewed},
	}}
	for _, o := range objects {
		o = o.DeepCopyObject()
		if d, ok := o.(*appsv1.DaemonSet); ok && d.Name == "collector" {
			d.Annotations = map[string]string{snapshot.ArmAnnotation: `{"run":"7f3k","original":"RollingUpdate"}`}
			d.Spec.UpdateStrategy.Type = appsv1.OnDeleteDaemonSetStrategyType
		}
		out = append(out, o)
	}
	return out
}
