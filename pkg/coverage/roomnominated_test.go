package coverage

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit"
)

func nominatedTo(node string) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Status.NominatedNodeName = node }
}

// The scheduler keeps room for pods that it has nominated to the node: a pod of
// no higher priority does not get it.
func TestRoomIsReservedForNominatedPods(t *testing.T) {
	for _, tt := range []struct {
		name string
		pods []*corev1.Pod // the first asks, of 4 CPUs
		want ResourceRoom
	}{
		{"of the same priority", []*corev1.Pod{
			roomPod("p", "", "cpu=2"), roomPod("q", "n1", "cpu=1"), roomPod("r", "", "cpu=2", nominatedTo("n1")),
		}, ResourceRoom{Asks: 2000, Allocatable: 4000, Bound: 1000, Reserved: 2000, Free: 1000, Short: true}},
		{"of a lower priority", []*corev1.Pod{
			roomPod("p", "", "cpu=2", withPriority(1)), roomPod("r", "", "cpu=3", nominatedTo("n1")),
		}, ResourceRoom{Asks: 2000, Allocatable: 4000, Free: 4000}},
		{"to another node", []*corev1.Pod{roomPod("p", "", "cpu=2"), roomPod("r", "", "cpu=3", nominatedTo("n2"))},
			ResourceRoom{Asks: 2000, Allocatable: 4000, Free: 4000}},
		{"bound meanwhile", []*corev1.Pod{roomPod("p", "", "cpu=2"), roomPod("r", "n1", "cpu=3", nominatedTo("n1"))},
			ResourceRoom{Asks: 2000, Allocatable: 4000, Bound: 3000, Free: 1000, Short: true}},
		{"the pod itself", []*corev1.Pod{roomPod("p", "", "cpu=2", nominatedTo("n1"))},
			ResourceRoom{Asks: 2000, Allocatable: 4000, Free: 4000}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.Name = "cpu"
			if got := roomLine(t, roomOf(t, roomNode, tt.pods...), "cpu"); got != tt.want {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
	port := withHostPort("", 80, "TCP")
	room := roomOf(t, roomNode, roomPod("p", "", "", port), roomPod("r", "", "", port, nominatedTo("n1")))
	if len(room.HostPorts) != 1 || room.HostPorts[0].Pod != "shop/r" || room.Preemption != preemptNoVictims {
		t.Errorf("a port that is reserved: %+v", room)
	}
}

// What is reserved is said of whom, in the report and in explain; no class
// evicts a pod that only waits.
func TestReservedRoomIsNamed(t *testing.T) {
	w := cramped("200m")
	w.Add(testkit.Pod("shop", "first", "").OwnedBy("ReplicaSet", "first").Requests("cpu", "600m").Pending("").Change(nominatedTo("n1")))
	r := Analyze(w.Snapshot(), Options{Now: testkit.Now})
	want := "for shop/first (ReplicaSet first) 600m, nominated to the node"
	if got := r.Causes()[0].Facts; !slices.Contains(got, Fact{"reserved", want}) {
		t.Errorf("%q, want %q", got, want)
	}
	text := ruleText(explained(t, r, "ops", "agent", "n1"))
	for _, want := range []string{"reserved|" + want, "cpu asks 500m; allocatable 1000m - 200m bound by 1 pod - 600m reserved = 200m free"} {
		if !strings.Contains(text, want) {
			t.Errorf("explain says\n%s\nand not %q", text, want)
		}
	}
	// A higher class does not wait for those of lower priority.
	if c := r.Report().Items[0].Nodes[0].Evidence.Room.Critical; c == nil || c.Preemption != preemptPossible || c.Victims != nil {
		t.Errorf("the highest class: %+v", c)
	}
}

// A pod that the scheduler has nominated waits for those that it preempts to
// end, whether the node was examined or not.
func TestPreemptionUnderWay(t *testing.T) {
	d := testkit.DaemonSet("ops", "agent").Requests("cpu", "500m").Build()
	waits := testkit.PodOf(d, "n1").Named("agent-2").Pending("0/1 nodes are available: 1 Insufficient cpu. preemption: not eligible due to a terminating pod on the nominated node..").
		Priority(100).Change(nominatedTo("n1"))
	w := testkit.NewWorld().Add(d, testkit.Revision(d, testkit.Hash, 1, day), testkit.Node("n1").Allocatable("cpu", "1"), waits,
		testkit.Pod("shop", "app", "n1").OwnedBy("ReplicaSet", "app").Requests("cpu", "700m").Terminating(-20e9),
		testkit.Pod("shop", "stays", "n1").Requests("cpu", "100m"))
	for _, tt := range []struct {
		examined           []string
		message, fix, room string
	}{
		{[]string{"n1"}, "cpu asks 500m; free 200m of 1000m; preemption is under way",
			"wait: the scheduler has nominated the pod to the node, where shop/app (ReplicaSet app) 700m must end first", "shop/app"},
		{nil, "scheduler: Insufficient cpu; preemption is under way", "wait: the scheduler has nominated the pod to the node", ""},
	} {
		r := analyzeExamined(w, tt.examined...)
		n := r.Report().Items[0].Nodes[0]
		if n.Message != tt.message || n.Remedy != tt.fix || slices.Contains(n.Contributing, SchedNoVictims) {
			t.Errorf("message %q, remedy %q, with %v", n.Message, n.Remedy, n.Contributing)
		}
		if room := n.Evidence.Room; room.Preemption != preemptUnderWay || (room.Victims != nil) != (tt.room != "") || room.Victims != nil && (room.Victims.Count != 1 || room.Victims.Pods[0].Pod != tt.room) {
			t.Errorf("%+v", room)
		}
		if fix := r.Causes()[0].Fixes; fix[0] != tt.fix {
			t.Errorf("fix %q", fix)
		}
		if tt.room != "" {
			if text := ruleText(explained(t, r, "ops", "agent", "n1")); !strings.Contains(text, "|"+preemptUnderWay+"\n|victims|shop/app (ReplicaSet app) 700m") {
				t.Errorf("explain says\n%s", text)
			}
		}
	}
}
