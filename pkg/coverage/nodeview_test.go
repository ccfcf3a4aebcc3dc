package coverage

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

func view(t *testing.T, w *pairWorld, names ...string) *NodeCoverageList {
	t.Helper()
	l, err := w.analyze().NodeView(names)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func namesOf(l *NodeCoverageList) string {
	var out []string
	for i := range l.Items {
		out = append(out, l.Items[i].Name)
	}
	return strings.Join(out, " ")
}

// rowsOf are the DaemonSets of a node: name state cpu memory(Mi).
func rowsOf(n *NodeCoverage) string {
	var out []string
	for _, d := range n.DaemonSets {
		out = append(out, fmt.Sprintf("%s %s %d %d", d.Name, d.State, d.MilliCPU, d.Memory>>20))
	}
	return lines(out...)
}

// What one node costs, worst first.
func TestOneNodeIsSeenWithWhatItsDaemonSetsCost(t *testing.T) {
	w := newPairWorld()
	n := w.node("ip-10-0-20-5", []string{"kubernetes.io/arch=arm64", "node.kubernetes.io/instance-type=m7g.xlarge",
		"topology.kubernetes.io/zone=a", "karpenter.sh/nodepool=general-arm64"})
	n.Spec.Unschedulable = true
	n.Status.Allocatable = amounts("cpu", "3920m", "memory", "14950Mi", "pods", "58")
	w.pod(w.set("security", "falco", asksOf("cpu", "100m", "memory", "512Mi")), n.Name)
	w.pod(w.set("kube-system", "cilium-envoy", asksOf("cpu", "100m", "memory", "128Mi")), n.Name)
	w.pod(w.set("kube-system", "cilium", asksOf("cpu", "200m", "memory", "512Mi")), n.Name)
	w.pod(w.set("datadog", "datadog-agent", asksOf("cpu", "500m", "memory", "512Mi")), n.Name)
	w.pod(w.set("logging", "vector", asksOf("cpu", "250m", "memory", "256Mi")), n.Name, unready)
	w.set("gpu-operator", "dcgm-exporter", asksOf("cpu", "1"), selects("gpu", "true"))
	w.set("storage", "csi", asksOf("cpu", "50m", "memory", "64Mi"))
	item := view(t, w, n.Name).Items[0]
	want := lines("vector Unready 250 256", "csi Missing 50 64", "datadog-agent Covered 500 512", "cilium Covered 200 512",
		"falco Covered 100 512", "cilium-envoy Covered 100 128", "dcgm-exporter Excluded 0 0")
	if diff := cmp.Diff(want, rowsOf(&item)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	cost := NodeCost{Pods: 5, MilliCPU: 1150, Memory: 1920 << 20, AllocatablePods: 58, AllocatableMilliCPU: 3920, AllocatableMemory: 14950 << 20}
	if diff := cmp.Diff(cost, item.Cost); diff != "" {
		t.Errorf("cost: %s", diff)
	}
	got := []any{item.Ready, item.Unschedulable, item.Arch, item.InstanceType, item.Zone, item.Pool, item.CreationTimestamp.Time,
		item.Summary.ShouldRun, item.Summary.Covered, item.Summary.Gaps, item.Summary.Excluded}
	if diff := cmp.Diff([]any{"True", true, "arm64", "m7g.xlarge", "a", "general-arm64", n.CreationTimestamp.Time, 6, 4, 2, 1}, got); diff != "" {
		t.Error(diff)
	}
}

func TestNodesComeAsAskedOrTheWorstFirst(t *testing.T) {
	w := newPairWorld()
	for _, n := range []string{"a", "b", "c", "d"} {
		w.node(n, nil)
	}
	for _, name := range []string{"one", "two"} {
		d := w.set("ns", name)
		w.pod(d, "a")
		if name == "one" {
			w.pod(d, "b")
			w.pod(d, "d", func(p *corev1.Pod) { p.Labels[hashLabel] = "old" })
		} else {
			w.pod(d, "d")
		}
	}
	if got := namesOf(view(t, w)); got != "c b a d" {
		t.Errorf("all: %s", got)
	}
	if got := namesOf(view(t, w, "d", "a", "d", "c")); got != "d a c" {
		t.Errorf("as asked, once each: %s", got)
	}
	w.opts.Nodes = func(n *corev1.Node) bool { return n.Name < "c" }
	if got := namesOf(view(t, w)); got != "b a" {
		t.Errorf("selected: %s", got)
	}
}

func TestWhatCostsANodeAndWhatDoesNot(t *testing.T) {
	w := newPairWorld()
	w.node("n1", nil)
	w.node("n2", nil)
	d := w.set("ns", "ds", asksOf("cpu", "100m", "memory", "64Mi"))
	w.pod(d, "n1")
	w.pod(d, "n1", named("waits"), pending(""))
	w.pod(d, "n1", named("ended"), func(p *corev1.Pod) { p.Status.Phase = corev1.PodFailed })
	w.pod(d, "n1", named("released"), func(p *corev1.Pod) { p.Labels = map[string]string{"app": "elsewhere"} })
	w.pod(d, "n2", named("orphan"), func(p *corev1.Pod) { p.OwnerReferences = nil })
	w.pod(d, "gone", named("homeless"))
	w.other("kube-system", "proxy-1", "n1", "DaemonSet", "1", "1Gi")
	w.other("kube-system", "proxy-2", "n2", "DaemonSet", "1", "1Gi")
	w.other("team", "job", "n1", "Job", "1", "1Gi")
	w.AllPods = false // pods of DaemonSets are known by their label even so
	l := view(t, w, "n1", "n2")
	for i, want := range []NodeCost{
		{Pods: 3, MilliCPU: 300, Memory: 192 << 20, LeftOutDaemonSetPods: 1},
		{Pods: 1, MilliCPU: 100, Memory: 64 << 20, LeftOutDaemonSetPods: 1},
	} {
		want.AllocatablePods, want.AllocatableMilliCPU, want.AllocatableMemory = 29, 4000, 8<<30
		if diff := cmp.Diff(want, l.Items[i].Cost); diff != "" {
			t.Errorf("%s: %s", l.Items[i].Name, diff)
		}
	}
	if got := rowsOf(&l.Items[0]); got != "ds Covered 300 192" {
		t.Errorf("row %q", got)
	}
}

func TestANodeThatSaysNothingOfItself(t *testing.T) {
	w := newPairWorld()
	w.Nodes = append(w.Nodes, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "bare"}})
	w.set("ns", "ds")
	n := view(t, w, "bare").Items[0]
	if n.Ready != "Unknown" || n.Cost != (NodeCost{}) || n.Summary.Missing != 1 {
		t.Errorf("%+v", n)
	}
	old := w.node("old", []string{"beta.kubernetes.io/instance-type=m5.large", "failure-domain.beta.kubernetes.io/zone=b"})
	old.Status.NodeInfo.Architecture = "amd64"
	n = view(t, w, "old").Items[0]
	if n.Arch != "amd64" || n.InstanceType != "m5.large" || n.Zone != "b" {
		t.Errorf("%+v", n)
	}
}

func TestNodesThatCouldNotBeListedAreThoseOfPods(t *testing.T) {
	w := newPairWorld()
	d := w.set("ns", "ds")
	w.pod(d, "n1")
	w.Incomplete = []snapshot.ReadFailure{{Verb: "list", Resource: snapshot.ResourceNodes, Error: "forbidden"}}
	l := view(t, w)
	if len(l.Items) != 1 || l.Items[0].Summary.Unknown != 1 || len(l.Source.Incomplete) != 1 {
		t.Errorf("%+v", l)
	}
}

// The copy that a printer gets must share nothing that can be written.
func TestACopyOfANodeViewIsACopy(t *testing.T) {
	w := newPairWorld()
	n := w.node("n1", []string{"a=1"})
	w.set("ns", "ds")
	l := view(t, w)
	l.Items[0].Labels["a"] = "2"
	if n.Labels["a"] != "1" {
		t.Error("the view shares the labels of the node")
	}
	c := l.DeepCopyObject().(*NodeCoverageList)
	c.Items[0].Labels["a"], c.Items[0].DaemonSets[0].Name = "3", "x"
	*c.Items[0].Summary.Coverage = 50
	if l.Items[0].Labels["a"] != "2" || l.Items[0].DaemonSets[0].Name != "ds" || *l.Items[0].Summary.Coverage != 0 {
		t.Error("the copy shares memory")
	}
}
