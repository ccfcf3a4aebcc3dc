package coverage

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

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
			"wait: the scheduler has nominated the pod to the node; shop/app (ReplicaSet app) 700m is ending there", "shop/app"},
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

// A node that has only to wait says nothing of the others of its cause, in
// whatever order they stand.
func TestOneNominatedPodDoesNotMakeTheOthersWait(t *testing.T) {
	all := []string{"n1", "n2", "n3", "n4"}
	for _, tt := range []struct {
		nominated []string
		fix       string
	}{
		{all[:1], "request at most cpu 100m, or " + highest + " in the template, which evicts shop/app-n4 (ReplicaSet app) 900m, shop/app-n3 (ReplicaSet app) 800m, shop/app-n2 (ReplicaSet app) 700m"},
		{all[3:], "request at most cpu 200m, or " + highest + " in the template, which evicts shop/app-n3 (ReplicaSet app) 800m, shop/app-n2 (ReplicaSet app) 700m, shop/app-n1 (ReplicaSet app) 600m"},
		{all, "wait: the scheduler has nominated the pod to the node; shop/app-n4 (ReplicaSet app) 900m, shop/app-n3 (ReplicaSet app) 800m, shop/app-n2 (ReplicaSet app) 700m, +1 are ending there"},
	} {
		t.Run(strings.Join(tt.nominated, ","), func(t *testing.T) {
			d := testkit.DaemonSet("ops", "agent").Requests("cpu", "500m").Build()
			w := testkit.NewWorld().Add(d, testkit.Revision(d, testkit.Hash, 1, day))
			for i, name := range all {
				waits := testkit.PodOf(d, name).Priority(100).Pending("0/4 nodes are available: 1 Insufficient cpu, 3 node(s) didn't satisfy plugin(s) [NodeAffinity].")
				app := testkit.Pod("shop", "app-"+name, name).OwnedBy("ReplicaSet", "app").Requests("cpu", fmt.Sprintf("%d00m", 6+i)).Priority(100)
				if slices.Contains(tt.nominated, name) {
					waits.Change(nominatedTo(name))
					app.Priority(0).Terminating(-20 * time.Second)
				}
				w.Add(testkit.Node(name).Allocatable("cpu", "1"), app, waits)
			}
			if c := analyzeExamined(w, all...).Causes(); len(c) != 1 || c[0].Fixes[0] != tt.fix {
				t.Errorf("%d causes, fix %q, want %q", len(c), c[0].Fixes, tt.fix)
			}
			none := "request less, or move pods off the node"
			if len(tt.nominated) == len(all) {
				none = "wait: the scheduler has nominated the pod to the node"
			}
			if got := analyzeExamined(w).Causes()[0].Fixes[0]; got != none {
				t.Errorf("none examined: fix %q, want %q", got, none)
			}
		})
	}
}

// Only what makes room is waited for: what the scheduler has preempted, and what
// is within its grace and holds what is short.
func TestWhatIsWaitedFor(t *testing.T) {
	preempted := func(p *corev1.Pod) {
		p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{
			Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, Reason: corev1.PodReasonPreemptionByScheduler,
		})
	}
	ends := func(ago time.Duration) func(*corev1.Pod) {
		return func(p *corev1.Pod) { at := testkit.Ago(ago); p.DeletionTimestamp = &at }
	}
	for _, tt := range []struct {
		name  string
		other *corev1.Pod
		want  string
	}{
		{"within its grace", roomPod("q", "n1", "cpu=3", ends(-time.Second)), preemptUnderWay},
		{"it holds nothing of what is short", roomPod("q", "n1", "memory=1Gi", ends(-time.Second)), preemptNoVictims},
		{"it should have ended long ago", roomPod("q", "n1", "cpu=1", ends(3*day)), preemptNoVictims},
		{"the scheduler waits for it all the same", roomPod("q", "n1", "cpu=1", ends(3*day), preempted), preemptUnderWay},
		{"it is preempted and not yet deleted", roomPod("q", "n1", "cpu=1", preempted), preemptNoVictims},
		{"its priority is no lower", roomPod("q", "n1", "cpu=1", withPriority(10), ends(-time.Second), preempted), preemptNoVictims},
	} {
		t.Run(tt.name, func(t *testing.T) {
			const enough = 10
			stays := roomPod("stays", "n1", "cpu=3", withPriority(enough))
			room := roomOf(t, roomNode, roomPod("p", "", "cpu=2", withPriority(enough), nominatedTo("n1")), stays, tt.other)
			waits := room.Preemption == preemptUnderWay
			if waits != (tt.want == preemptUnderWay) || waits != (room.Victims != nil) {
				t.Errorf("%s, victims %+v; want %s", room.Preemption, room.Victims, tt.want)
			}
		})
	}
	// The room is made: the scheduler has but to bind the pod.
	if room := roomOf(t, roomNode, roomPod("p", "", "cpu=2", nominatedTo("n1")), roomPod("q", "n1", "cpu=1")); room.Preemption != preemptUnderWay || room.Victims != nil {
		t.Errorf("with room: %+v", room)
	}
}

// What is asked for a pod that is nominated, and for which nothing ends, is what
// is asked for any other.
func TestAStuckPodIsNotWaitedFor(t *testing.T) {
	w := cramped("700m")
	w.Add(testkit.Pod("shop", "stuck", "n1").OwnedBy("ReplicaSet", "stuck").Priority(-1).Terminating(3 * day))
	s := w.Snapshot()
	for i := range s.Pods {
		if s.Pods[i].Node == "" {
			s.Pods[i].Nominated = "n1"
		}
	}
	r := Analyze(s, Options{Now: testkit.Now})
	const want = "request at most cpu 300m, or " + highest + " in the template, which evicts shop/app-n1 (ReplicaSet app) 700m"
	if got := r.Causes()[0].Fixes[0]; got != want {
		t.Errorf("fix %q, want %q", got, want)
	}
	if text := ruleText(explained(t, r, "ops", "agent", "n1")); strings.Contains(text, "victims|shop/stuck") || strings.Contains(text, preemptUnderWay) {
		t.Errorf("explain says\n%s", text)
	}
}

// A victim that does not end makes no room: who waits for it is told to look at
// it, whether the scheduler has preempted it or only could.
func TestAVictimThatDoesNotEnd(t *testing.T) {
	for _, tt := range []struct {
		name      string
		preempted bool
		fix       string
	}{
		{"it could be preempted", false, "find why shop/stuck stays, though its grace is over, or request at most cpu 300m"},
		{"it is preempted", true, "find why shop/stuck stays, though its grace is over: the scheduler waits for it"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := testkit.DaemonSet("ops", "agent").Requests("cpu", "500m").Build()
			w := testkit.NewWorld().Add(d, testkit.Revision(d, testkit.Hash, 1, day), testkit.Node("n1").Allocatable("cpu", "1"),
				testkit.PodOf(d, "n1").Priority(100).Pending("0/1 nodes are available: 1 Insufficient cpu.").Change(nominatedTo("n1")),
				testkit.Pod("shop", "stuck", "n1").OwnedBy("ReplicaSet", "stuck").Requests("cpu", "700m").Terminating(3*day).Change(func(p *corev1.Pod) {
					if tt.preempted {
						p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{
							Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, Reason: corev1.PodReasonPreemptionByScheduler,
						})
					}
				}))
			r := Analyze(w.Snapshot(), Options{Now: testkit.Now})
			if got := r.Causes()[0].Fixes[0]; got != tt.fix {
				t.Errorf("fix %q, want %q", got, tt.fix)
			}
			if got := strings.Join(r.Causes()[0].Fixes, "; "); strings.Contains(got, "priorityClassName") {
				t.Errorf("a class is advised: %q", got)
			}
		})
	}
}
