package rollout

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	core "github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/test/cluster/simnode"
)

// outside is what gates ask beside the cluster: a health page, and enough of a
// Prometheus.
type outside struct {
	url  string
	shut atomic.Bool
}

func newOutside(t *testing.T) *outside {
	t.Helper()
	o := &outside{}
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) {
		if o.shut.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("/api/v1/query", func(w http.ResponseWriter, _ *http.Request) {
		result := `{"metric":{"job":"agent"},"value":[1700000000,"1"]}`
		if o.shut.Load() {
			result = ""
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[%s]}}`, result)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	o.url = s.URL
	return o
}

// gateWorld is a world with what gates look at.
type gateWorld struct {
	*world
	out *outside
}

const gateFlag = "sim.local/gate" // on nodes: what the CEL gate reads

func newGateWorld(t *testing.T, nodes int) *gateWorld {
	t.Helper()
	w := &gateWorld{newWorld(t, nodes, worldOptions{}), newOutside(t)}
	side := simnode.DaemonSet(w.name, "side", func(ds *appsv1.DaemonSet) {
		ds.Spec.Template.Spec.NodeSelector = map[string]string{worldLabel: w.name}
	})
	if _, err := shared.client.AppsV1().DaemonSets(w.name).Create(t.Context(), side, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := simnode.WaitDaemonSet(t.Context(), shared.client, w.name, "side", simnode.Scheduled(nodes), simnode.Ready(nodes)); err != nil {
		t.Fatal(err)
	}
	w.configMap(t)
	return w
}

// configMap is what the command of the exec gate looks for.
func (w *gateWorld) configMap(t *testing.T) {
	t.Helper()
	c := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: w.name, Name: "gate"}}
	if _, err := shared.client.CoreV1().ConfigMaps(w.name).Create(t.Context(), c, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// sidePod is the pod of the other DaemonSet on a node.
func (w *gateWorld) sidePod(t *testing.T, node string) *corev1.Pod {
	t.Helper()
	list, err := shared.client.CoreV1().Pods(w.name).List(t.Context(), metav1.ListOptions{LabelSelector: "app=side"})
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(list.Items, func(p corev1.Pod) bool { return p.Spec.NodeName == node && p.DeletionTimestamp == nil })
	if i < 0 {
		t.Fatalf("no pod of the other DaemonSet on %s", node)
	}
	return &list.Items[i]
}

// condition sets one that a problem detector writes.
func (w *gateWorld) condition(t *testing.T, node string, status corev1.ConditionStatus) {
	t.Helper()
	now := metav1.Now().UTC().Format(time.RFC3339)
	patch := fmt.Sprintf(`{"status":{"conditions":[{"type":"KernelDeadlock","status":%q,"reason":"DockerHung","lastTransitionTime":%q,"lastHeartbeatTime":%q}]}}`, status, now, now)
	if _, err := shared.client.CoreV1().Nodes().PatchStatus(t.Context(), node, []byte(patch)); err != nil {
		t.Fatal(err)
	}
}

func (w *gateWorld) labelGate(t *testing.T, node, value string) {
	t.Helper()
	patch := fmt.Sprintf(`{"metadata":{"labels":{%q:%q}}}`, gateFlag, value)
	if _, err := shared.client.CoreV1().Nodes().Patch(t.Context(), node, types.MergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
}

// gateCase is one gate: its flags, what closes it, and what opens it again.
type gateCase struct {
	name string
	// flags of the gate; the built-in ones are named, since only they are on.
	flags func(w *gateWorld) []string
	// close is done before the run, or, with late, when the pod of a node is
	// deleted; then it names that node.
	close, open func(t *testing.T, w *gateWorld, node string)
	late        bool
}

var gateCases = []gateCase{
	{
		name:  "exec",
		flags: func(w *gateWorld) []string { return []string{"--gate-exec", "kubectl get configmap gate -n " + w.name} },
		close: func(t *testing.T, w *gateWorld, _ string) {
			if err := shared.client.CoreV1().ConfigMaps(w.name).Delete(t.Context(), "gate", metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
		},
		open: func(t *testing.T, w *gateWorld, _ string) { w.configMap(t) },
	},
	{
		name:  "http",
		flags: func(w *gateWorld) []string { return []string{"--gate-http", w.out.url + "/healthz"} },
		close: shut, open: opened,
	},
	{
		name: "promql",
		flags: func(w *gateWorld) []string {
			return []string{"--gate-promql", `up{job="agent"} == 1`, "--prometheus-url", w.out.url}
		},
		close: shut, open: opened,
	},
	{
		name: "cel",
		flags: func(*gateWorld) []string {
			return []string{"--gate-cel", `!("` + gateFlag + `" in node.metadata.labels && node.metadata.labels["` + gateFlag + `"] == "shut")` +
				` && pod.spec.nodeName == node.metadata.name && daemonSet.metadata.name == "agent" && run.phase == "Running"`}
		},
		close: func(t *testing.T, w *gateWorld, node string) { w.labelGate(t, node, "shut") },
		open:  func(t *testing.T, w *gateWorld, node string) { w.labelGate(t, node, "open") },
	},
	{
		name:  "pods",
		flags: func(*gateWorld) []string { return []string{"--gate-pods", "app=side"} },
		close: sideDown, open: sideUp,
	},
	{
		name:  "daemonset",
		flags: func(w *gateWorld) []string { return []string{"--gate-daemonset", w.name + "/side"} },
		close: sideDown, open: sideUp,
	},
	{
		name:  "collateral",
		flags: func(*gateWorld) []string { return []string{"--gate", "collateral"} },
		close: sideDown, open: sideUp, late: true,
	},
	{
		name:  "events",
		flags: func(*gateWorld) []string { return []string{"--gate", "events"} },
		close: func(t *testing.T, w *gateWorld, node string) {
			var pod corev1.Pod
			eventually(t, "the new pod to be ready", func() bool {
				var there bool // between the old pod and the new one, there is none
				pod, there = w.pods(t)[node]
				return there && pod.Spec.Containers[0].Image == newImage && ready(&pod)
			})
			// Events count in seconds: what is of the second in which the pod
			// became ready may be of before.
			eventually(t, "another second", func() bool { return time.Since(readySince(&pod)) > 1500*time.Millisecond })
			err := simnode.EmitKubeletEvent(t.Context(), shared.client, &pod, simnode.KubeletEvent{
				Type: corev1.EventTypeWarning, Reason: "Unhealthy", Message: "Liveness probe failed: HTTP probe failed with statuscode: 500",
			})
			if err != nil {
				t.Fatal(err)
			}
		},
		open: func(t *testing.T, w *gateWorld, _ string) {
			err := shared.client.CoreV1().Events(w.name).DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{FieldSelector: "reason=Unhealthy"})
			if err != nil {
				t.Fatal(err)
			}
		},
		late: true,
	},
	{
		name:  "conditions",
		flags: func(*gateWorld) []string { return []string{"--gate", "conditions"} },
		close: func(t *testing.T, w *gateWorld, node string) { w.condition(t, node, corev1.ConditionTrue) },
		open:  func(t *testing.T, w *gateWorld, node string) { w.condition(t, node, corev1.ConditionFalse) },
		late:  true,
	},
}

func readySince(p *corev1.Pod) time.Time {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.LastTransitionTime.Time
		}
	}
	return time.Now()
}

func shut(_ *testing.T, w *gateWorld, _ string)   { w.out.shut.Store(true) }
func opened(_ *testing.T, w *gateWorld, _ string) { w.out.shut.Store(false) }

func sideDown(t *testing.T, w *gateWorld, node string) { w.sideReady(t, node, false) }
func sideUp(t *testing.T, w *gateWorld, node string)   { w.sideReady(t, node, true) }

func (w *gateWorld) sideReady(t *testing.T, node string, ready bool) {
	t.Helper()
	if err := simnode.SetReady(context.WithoutCancel(t.Context()), shared.client, w.name, w.sidePod(t, node).Name, ready); err != nil {
		t.Fatal(err)
	}
}

// TestEveryGatePasses asks all of them after every node.
func TestEveryGatePasses(t *testing.T) {
	t.Parallel()
	w := newGateWorld(t, 4)
	var flags, names, builtin []string
	for _, c := range gateCases {
		names = append(names, c.name)
		if f := c.flags(w); f[0] == "--gate" {
			builtin = append(builtin, f[1])
		} else {
			flags = append(flags, f...)
		}
	}
	r := w.run(t, 0, "start", fast(newImage, append(flags, "--gate", strings.Join(builtin, ","))...)...)
	w.all(t, newImage, 4)
	for _, name := range names {
		passed := map[string]bool{}
		for _, e := range r.events {
			if e.Type == core.EventGatePassed && e.Gate == name {
				passed[e.Node] = true
			}
		}
		if len(passed) != 4 {
			t.Errorf("gate %s passed on %d nodes, want 4", name, len(passed))
		}
	}
	w.judge(t, verdict{budget: 2, soak: 2 * time.Second, gatesAfter: names})
	w.nothingLeft(t)
}

// TestEachGateBlocks closes one gate for the first node: nothing but that node
// is touched. When it is open again, the run goes on from there.
func TestEachGateBlocks(t *testing.T) {
	t.Parallel()
	for _, c := range gateCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newGateWorld(t, 3)
			gate := c.flags(w)
			if gate[0] != "--gate" {
				gate = append(gate, "--gate", "none")
			}
			if !c.late {
				c.close(t, w, w.node(0))
			}
			p := w.start(t, "start", fast(newImage, append(gate, "--soak", "3s", "--node-timeout", "6s", "--gate-interval", "1s")...)...)
			if c.late {
				c.close(t, w, p.until(t, "a pod to be deleted", is(core.EventPodDeleted)).Node)
			}
			r := p.wait(t, 1)
			if failed := nodesOf(r.events, core.EventNodeFailed); !slices.Equal(failed, []string{w.node(0)}) {
				t.Fatalf("failed nodes are %v, want the first", failed)
			}
			if !slices.ContainsFunc(r.events, func(e event) bool { return e.Type == core.EventGateBlocked && e.Gate == c.name && e.Node == w.node(0) }) ||
				!strings.Contains(r.stdout, "gate "+c.name) {
				t.Errorf("nobody says that gate %s blocked:\n%s", c.name, r.stdout)
			}
			v := verdict{budget: 2, soak: 3 * time.Second, gatesAfter: []string{c.name}}
			if h := w.judge(t, v); !slices.Equal(deleted(h), []string{w.node(0)}) {
				t.Errorf("pods were deleted on %v, want the first node alone", deleted(h))
			}
			c.open(t, w, w.node(0))
			w.run(t, 0, "retry", w.node(0))
			w.run(t, 0, "resume", append(gate, "--gate-interval", "1s")...)
			w.all(t, newImage, 3)
			w.judge(t, v)
			w.nothingLeft(t)
		})
	}
}

// TestGatesBeforeWavesAndNodes are asked before anything is touched.
func TestGatesBeforeWavesAndNodes(t *testing.T) {
	t.Parallel()
	for _, when := range []string{"before-wave", "before-node"} {
		t.Run(when, func(t *testing.T) {
			t.Parallel()
			w := newGateWorld(t, 3)
			flags := []string{
				"--gate", "none", "--gate-when", when, "--gate-interval", "1s", "--gate-http", w.out.url + "/healthz",
				"--gate-promql", "up", "--prometheus-url", w.out.url, "--gate-cel", `run.phase == "Running"`,
				"--gate-exec", "kubectl get configmap gate -n " + w.name,
			}
			w.out.shut.Store(true)
			r := w.run(t, 1, "start", fast(newImage, append(flags, "--node-timeout", "6s")...)...)
			if !strings.Contains(r.stdout, "gate") || r.count(core.EventGateBlocked) == 0 {
				t.Errorf("nobody says that a gate blocked:\n%s", r.stdout)
			}
			v := twoAtATime
			if when == "before-node" {
				v.gatesBefore = []string{"http-before-node", "promql-before-node", "cel-before-node", "exec-before-node"}
			}
			if h := w.judge(t, v); len(deleted(h)) != 0 {
				t.Errorf("pods were deleted on %v behind a closed gate", deleted(h))
			}
			w.out.shut.Store(false)
			r = w.run(t, 0, "resume", flags...)
			w.all(t, newImage, 3)
			for _, kind := range []string{"exec", "http", "promql", "cel"} {
				name := kind + "-" + when
				if !slices.ContainsFunc(r.events, func(e event) bool { return e.Type == core.EventGatePassed && e.Gate == name }) {
					t.Errorf("gate %s has not passed", name)
				}
			}
			w.judge(t, v)
			w.nothingLeft(t)
		})
	}
}
