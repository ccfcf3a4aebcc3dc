package rollout

import (
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit/sim/check"
	"github.com/kubectl-ds/kubectl-ds/test/cluster/simnode"
	"github.com/kubectl-ds/kubectl-ds/test/faultproxy"
)

// What the other tests stand on is itself tested: a judge that sees nothing
// would pass everything.

func TestTheJudgeBites(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3, worldOptions{})
	config := shared.cluster.RESTConfig()
	config.UserAgent = "kubectl-ds"
	driver, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	if got := check.Check(w.history(t, twoAtATime)); len(got) != 0 {
		t.Fatalf("before anything happened: %v", got)
	}
	pods := w.pods(t)
	if err := driver.CoreV1().Pods(w.name).Delete(t.Context(), pods[w.node(0)].Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	patch := []byte(`{"spec":{"unschedulable":true}}`)
	if _, err := driver.CoreV1().Nodes().Patch(t.Context(), w.node(1), types.StrategicMergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	w.patchAs(t, driver, `{"spec":{"updateStrategy":{"type":"OnDelete","rollingUpdate":null}}}`)
	h := w.history(t, twoAtATime)
	var all []string
	for _, v := range check.Check(h) {
		all = append(all, v.String())
	}
	for _, want := range []string{
		"G2 at write", "deleted without its uid", // the pod
		"G3 at write", "cordoned without a mark", // the node
		"G6 at write", "strategy taken over", // the DaemonSet
	} {
		if !strings.Contains(strings.Join(all, "\n"), want) {
			t.Errorf("no violation says %q: %v", want, all)
		}
	}
	if text := around(h, -1); !strings.Contains(text, "OnDelete") {
		t.Errorf("the last writes do not show the DaemonSet:\n%s", text)
	}
}

func (w *world) patchAs(t *testing.T, client kubernetes.Interface, patch string) {
	t.Helper()
	_, err := client.AppsV1().DaemonSets(w.name).Patch(t.Context(), agent, types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAnImageStartsAsItsNameAsks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2, worldOptions{})
	status := func(image string, fits func(p corev1.Pod) bool) {
		t.Helper()
		w.patch(t, fmt.Sprintf(`{"spec":{"updateStrategy":{"rollingUpdate":{"maxUnavailable":"100%%"}},"template":{"spec":{"containers":[{"name":%q,"image":%q}]}}}}`, agent, image))
		eventually(t, image+" to start as it asks", func() bool {
			pods := w.pods(t)
			for _, p := range pods {
				if p.Spec.Containers[0].Image != image || !fits(p) {
					return false
				}
			}
			return len(pods) == 2
		})
	}
	waiting := func(reason string) func(p corev1.Pod) bool {
		return func(p corev1.Pod) bool {
			s := p.Status.ContainerStatuses
			return len(s) == 1 && s[0].State.Waiting != nil && s[0].State.Waiting.Reason == reason
		}
	}
	status(simnode.Image(simnode.CrashLoop, "2"), waiting("CrashLoopBackOff"))
	status(simnode.Image(simnode.ImagePull, "2"), waiting("ImagePullBackOff"))
	began := time.Now()
	status(simnode.Image(simnode.SlowReady, "2"), func(p corev1.Pod) bool { return ready(&p) })
	if took := time.Since(began); took < 2*time.Second {
		t.Errorf("a slow image was ready after %s", took)
	}
	status(newImage, func(p corev1.Pod) bool { return ready(&p) })
}

func TestTheProxyIsInTheWayOfItsUsersAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2, worldOptions{})
	proxy, k := w.proxied(t, 1)
	get := func() (int, string) {
		t.Helper()
		r, err := k.Run(t.Context(), "get", "pods", "-n", w.name, "-o", "name")
		if err != nil {
			t.Fatal(err)
		}
		return r.Code, r.Stdout + r.Stderr
	}
	if code, out := get(); code != 0 || strings.Count(out, "pod/"+agent) != 2 {
		t.Fatalf("through the proxy: exit code %d\n%s", code, out)
	}
	rule := proxy.Add(faultproxy.Rule{Verb: "list", Path: "/namespaces/" + w.name + "/pods", Fault: faultproxy.Answer{Code: 503}})
	if code, out := get(); code == 0 || !strings.Contains(out, "made by the fault proxy") || rule.Hits() == 0 {
		t.Errorf("with a rule: exit code %d, %d hits\n%s", code, rule.Hits(), out)
	}
	if got := w.images(t); got[oldImage] != 2 {
		t.Errorf("without the proxy: %v", got)
	}
	rule.Remove()

	// A delete whose answer is lost was done, and the plugin's own name is in
	// the audit log, not the proxy's.
	drop := proxy.Add(faultproxy.Rule{Verb: "delete", Count: 1, Fault: faultproxy.DropAnswer{}})
	victim := w.pods(t)[w.node(0)]
	r, err := k.Run(t.Context(), "delete", "pod", "-n", w.name, victim.Name, "--wait=false")
	if err != nil {
		t.Fatal(err)
	}
	if r.Code == 0 || drop.Hits() != 1 {
		t.Errorf("exit code %d after %d dropped answers", r.Code, drop.Hits())
	}
	eventually(t, "the pod to be replaced", func() bool {
		p := w.pods(t)[w.node(0)]
		return p.UID != victim.UID && ready(&p)
	})
	h := w.history(t, twoAtATime)
	found := false
	for i := range h.Writes {
		if x := &h.Writes[i]; x.Verb == "delete" && x.Pre != nil && x.Pre.UID == string(victim.UID) {
			found = true
			if !strings.HasPrefix(x.Actor, "admin kubectl") {
				t.Errorf("the delete was by %s", x.Actor)
			}
		}
	}
	if !found {
		t.Error("the audit log does not hold the delete whose answer was lost")
	}
}
