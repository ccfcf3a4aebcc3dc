package coverage

import (
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// Who is evicted: all of a lower priority go, and come back the most important
// first, as long as the pod still fits.
func TestVictims(t *testing.T) {
	created := func(before time.Duration) func(*corev1.Pod) {
		return func(p *corev1.Pod) { p.CreationTimestamp.Time = testkit.Now.Add(-before) }
	}
	for _, tt := range []struct {
		name string
		pods []*corev1.Pod // of a node with 4 CPUs; the first asks with priority 10
		want string
	}{
		{"a higher priority comes back first", []*corev1.Pod{
			roomPod("p", "", "cpu=2"), roomPod("low", "n1", "cpu=2"), roomPod("high", "n1", "cpu=2", withPriority(9)),
		}, "low"},
		{"of equals the older", []*corev1.Pod{
			roomPod("p", "", "cpu=2"), roomPod("old", "n1", "cpu=2", created(2*day)), roomPod("new", "n1", "cpu=2", created(day)),
		}, "new"},
		{"the important does not come back where it leaves too little", []*corev1.Pod{
			roomPod("p", "", "cpu=2"), roomPod("low", "n1", "cpu=1"), roomPod("high", "n1", "cpu=3", withPriority(9)),
		}, "high"},
		{"the largest stands first", []*corev1.Pod{
			roomPod("p", "", "cpu=4"), roomPod("a", "n1", "cpu=1"), roomPod("b", "n1", "cpu=2"), roomPod("none", "n1", "memory=1Gi"),
		}, "b a"},
		{"by what is short", []*corev1.Pod{
			roomPod("p", "", "memory=16Gi"), roomPod("a", "n1", "cpu=3,memory=1Gi"), roomPod("b", "n1", "cpu=100m,memory=2Gi"),
		}, "b a"},
		{"who holds the port", []*corev1.Pod{
			roomPod("p", "", "cpu=1", withHostPort("", 80, "TCP")), roomPod("web", "n1", "cpu=1", withHostPort("", 80, "TCP")), roomPod("big", "n1", "cpu=2"),
		}, "web"},
		{"a port of an equal priority is not freed", []*corev1.Pod{
			roomPod("p", "", "cpu=1", withHostPort("", 80, "TCP")), roomPod("web", "n1", "cpu=1", withPriority(10), withHostPort("", 80, "TCP")), roomPod("big", "n1", "cpu=4"),
		}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			withPriority(10)(tt.pods[0])
			room := roomOf(t, roomNode, tt.pods...)
			var got []string
			if room.Victims != nil {
				for _, h := range room.Victims.Pods {
					got = append(got, strings.TrimPrefix(h.Pod, "shop/"))
				}
				if room.Victims.Count != len(got) || room.Preemption != preemptPossible {
					t.Errorf("%d victims, %s", room.Victims.Count, room.Preemption)
				}
			}
			if text := strings.Join(got, " "); text != tt.want {
				t.Errorf("victims %q, want %q", text, tt.want)
			}
		})
	}
}

// A higher priority class is advised only where those that it evicts have
// another place; the report and explain say the same.
func TestWhomTheHighestClassEvicts(t *testing.T) {
	const (
		cpu   = "0/9 nodes are available: 1 Insufficient cpu, 8 node(s) didn't satisfy plugin(s) [NodeAffinity]."
		ports = "0/9 nodes are available: 1 node(s) didn't have free ports for the requested pod ports, 8 node(s) didn't satisfy plugin(s) [NodeAffinity]."
	)
	exporter := testkit.DaemonSet("monitoring", "exporter").Build()
	port := withHostPort("", 9100, "TCP")
	for _, tt := range []struct {
		name   string
		asks   string
		words  string
		change func(*corev1.Pod)
		others []any
		evicts string // empty where the class is not to be advised
		gap    string // whose pods have no other place
	}{
		{
			"a ReplicaSet has other nodes", "500m", cpu, nil, []any{
				testkit.Pod("shop", "app", "n1").OwnedBy("ReplicaSet", "app-7d9f").Requests("cpu", "700m"),
			}, "shop/app (ReplicaSet app-7d9f) 700m", "",
		},
		{
			"another DaemonSet has not", "500m", cpu, nil, []any{testkit.PodOf(exporter, "n1").Named("exporter-1").Requests("cpu", "700m")},
			"", "DaemonSet monitoring/exporter",
		},
		{
			"it comes back, and the pod of lower priority does not", "500m", cpu, nil, []any{
				testkit.PodOf(exporter, "n1").Named("exporter-1").Requests("cpu", "400m").Priority(1),
				testkit.Pod("shop", "app", "n1").OwnedBy("ReplicaSet", "app-7d9f").Requests("cpu", "300m"),
			}, "shop/app (ReplicaSet app-7d9f) 300m", "",
		},
		{
			"a static pod is made anew by its kubelet, and nowhere else", "500m", cpu, nil, []any{
				testkit.Pod("kube-system", "proxy-n1", "n1").OwnedBy("Node", "n1").Requests("cpu", "700m"),
			}, "", "static pod kube-system/proxy-n1",
		},
		{
			"nothing makes a bare pod again", "500m", cpu, nil, []any{testkit.Pod("shop", "once", "n1").Requests("cpu", "700m")},
			"", "a higher priority class evicts shop/once: nothing makes it again",
		},
		{
			"too little is left whoever goes", "500m", cpu, nil, []any{
				testkit.Pod("shop", "app", "n1").OwnedBy("ReplicaSet", "app-7d9f").Requests("cpu", "100m"),
				testkit.Pod("kube-system", "vital", "n1").Requests("cpu", "700m").Priority(systemNodeCritical),
			}, "", "",
		},
		{
			"a port of a ReplicaSet", "0", ports, port, []any{
				testkit.Pod("shop", "app", "n1").OwnedBy("ReplicaSet", "app-7d9f").Change(port),
			}, "shop/app (ReplicaSet app-7d9f)", "",
		},
		{
			"a port of another DaemonSet", "0", ports, port, []any{testkit.PodOf(exporter, "n1").Named("exporter-1").Change(port)},
			"", "DaemonSet monitoring/exporter",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := testkit.DaemonSet("ops", "agent").Requests("cpu", tt.asks).Build()
			p := testkit.PodOf(d, "n1").Pending(tt.words)
			if tt.change != nil {
				p.Change(tt.change)
			}
			w := testkit.NewWorld().Add(d, testkit.Revision(d, testkit.Hash, 1, day), exporter, testkit.Revision(exporter, testkit.Hash, 1, day),
				testkit.Node("n1").Allocatable("cpu", "1"), p).Add(tt.others...)
			r := Analyze(w.Snapshot(), Options{Now: testkit.Now})

			c := r.Causes()[slices.IndexFunc(r.Causes(), func(c Cause) bool { return c.Object == "ops/agent" })]
			fix := strings.Join(c.Fixes, "\n")
			if advised := strings.Contains(fix, "priorityClassName"); advised != (tt.evicts != "") || !strings.HasSuffix(fix, tt.evicts) {
				t.Errorf("fix %q, want it to evict %q", fix, tt.evicts)
			}
			if got := strings.Join(append(c.Notes, c.Fixes...), "\n"); strings.Contains(got, "DaemonSet ") != strings.Contains(tt.gap, "DaemonSet ") || !strings.Contains(got, tt.gap) {
				t.Errorf("notes and fixes %q, want %q", got, tt.gap)
			}
			i := slices.IndexFunc(r.Report().Items, func(d DaemonSetCoverage) bool { return d.Name == "agent" })
			for _, n := range r.Report().Items[i].Nodes {
				if !strings.Contains(n.Remedy, tt.evicts) || strings.Contains(n.Remedy, "priorityClassName") != (tt.evicts != "") {
					t.Errorf("remedy %q, want it to evict %q", n.Remedy, tt.evicts)
				}
			}

			e := explained(t, r, "ops", "agent", "n1")
			var effect string
			for _, c := range e.Changes {
				if strings.Contains(c.Do, "priorityClassName") {
					effect = c.Effect
				}
			}
			if (effect != "") != (tt.evicts != "") || !strings.HasSuffix(effect, tt.evicts) {
				t.Errorf("explain: %q, want it to evict %q", effect, tt.evicts)
			}
			if text := ruleText(e); (strings.Contains(text, "no other place") || strings.Contains(text, "nothing makes")) != (tt.gap != "") || !strings.Contains(text, tt.gap) {
				t.Errorf("explain says\n%s\nand not %q", text, tt.gap)
			}
		})
	}
}

// Over several nodes a class is advised only where it evicts nobody with no
// other place on any of them, and where all were examined.
func TestTheHighestClassOnSeveralNodes(t *testing.T) {
	w := cramped("700m", "900m", "800m", "600m")
	const evicts = "which evicts shop/app-n2 (ReplicaSet app) 900m, shop/app-n3 (ReplicaSet app) 800m, shop/app-n1 (ReplicaSet app) 700m, +1"
	if got := analyzeExamined(w, "n1", "n2", "n3", "n4").Causes()[0].Fixes[0]; got != "request at most cpu 100m, or "+highest+" in the template, "+evicts {
		t.Errorf("fix %q", got)
	}
	if got := analyzeExamined(w, "n1", "n3").Causes()[0].Fixes[0]; got != "request at most cpu 200m, the least that is free on a node examined" {
		t.Errorf("of two nodes examined: fix %q", got)
	}
	w = cramped("700m", "900m", "100m", "600m")
	exporter := testkit.DaemonSet("monitoring", "exporter").Build()
	w.Add(exporter, testkit.Revision(exporter, testkit.Hash, 1, day), testkit.PodOf(exporter, "n3").Requests("cpu", "600m").Created(time.Minute))
	r := analyzeExamined(w, "n1", "n2", "n3", "n4")
	c := r.Causes()[slices.IndexFunc(r.Causes(), func(c Cause) bool { return c.Object == "ops/agent" })]
	if c.Fixes[0] != "request at most cpu 100m" || !strings.Contains(strings.Join(c.Notes, "\n"), "DaemonSet monitoring/exporter") {
		t.Errorf("fix %q, notes %q", c.Fixes, c.Notes)
	}
}

// controlled gives a pod a controller that makes it again elsewhere.
func controlled(p *corev1.Pod) {
	yes := true
	p.OwnerReferences = []metav1.OwnerReference{{Kind: "ReplicaSet", Name: p.Name, UID: "rs", Controller: &yes}}
}

// A class that must not preempt is another matter than a template that forbids
// it by itself.
func TestNeverPreempting(t *testing.T) {
	never := func(p *corev1.Pod) { v := corev1.PreemptNever; p.Spec.PreemptionPolicy = &v }
	room := roomOf(t, roomNode, roomPod("p", "", "cpu=2", never), roomPod("q", "n1", "cpu=3", controlled))
	d := &DaemonSetResult{DaemonSet: testkit.DaemonSet("ops", "agent").Build()}
	if evicts, helps := room.raise(d); !helps || evicts != "shop/q (ReplicaSet q) 3000m" {
		t.Errorf("%q, %v", evicts, helps)
	}
	v := corev1.PreemptNever
	d.DaemonSet.Spec.Template.Spec.PreemptionPolicy = &v
	if _, helps := room.raise(d); helps {
		t.Error("the template must not preempt, and a class is advised")
	}
	var in snapshot.Interner
	if p := in.Pod(roomPod("p", "", "cpu=1")); !mayPreempt(&p) {
		t.Error("no policy is PreemptLowerPriority")
	}
}

// What the scheduler may preempt by itself is named, and who then has no place.
func TestWaitingForPreemptionSaysWhomItTakes(t *testing.T) {
	exporter := testkit.DaemonSet("monitoring", "exporter").Build()
	d := testkit.DaemonSet("ops", "agent").Requests("cpu", "500m").Build()
	w := testkit.NewWorld().Add(d, testkit.Revision(d, testkit.Hash, 1, day), testkit.Node("n1").Allocatable("cpu", "1"),
		testkit.PodOf(d, "n1").Priority(1000).Pending("0/1 nodes are available: 1 Insufficient cpu."),
		testkit.PodOf(exporter, "n1").Requests("cpu", "700m"))
	const want = "wait: the scheduler can preempt monitoring/exporter-n1 (DaemonSet exporter) 700m; " +
		"these have no other place: DaemonSet monitoring/exporter; or request at most cpu 300m"
	if got := Analyze(w.Snapshot(), Options{Now: testkit.Now}).Report().Items[0].Nodes[0].Remedy; got != want {
		t.Errorf("remedy %q, want %q", got, want)
	}
}

// A victim that nothing makes again is named as such where the scheduler may
// preempt it by itself.
func TestABareVictimIsNamed(t *testing.T) {
	d := testkit.DaemonSet("ops", "agent").Requests("cpu", "500m").Build()
	w := testkit.NewWorld().Add(d, testkit.Revision(d, testkit.Hash, 1, day), testkit.Node("n1").Allocatable("cpu", "1"),
		testkit.PodOf(d, "n1").Priority(1000).Pending("0/1 nodes are available: 1 Insufficient cpu."),
		testkit.Pod("shop", "once", "n1").Requests("cpu", "700m"))
	const want = "wait: the scheduler can preempt shop/once (no controller) 700m; nothing makes these again: shop/once; or request at most cpu 300m"
	if got := Analyze(w.Snapshot(), Options{Now: testkit.Now}).Report().Items[0].Nodes[0].Remedy; got != want {
		t.Errorf("remedy %q, want %q", got, want)
	}
}
