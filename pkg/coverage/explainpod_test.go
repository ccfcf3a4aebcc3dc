package coverage

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// afterRules are the lines behind should run, without their numbers.
func afterRules(e *Explanation) string {
	var out []string
	on := false
	for _, l := range e.Rules {
		if on {
			out = append(out, strings.TrimSuffix(l.Rule+"|"+l.Operands+"|"+l.Result, "|"))
		}
		on = on || l.Rule == "should run"
	}
	return lines(out...)
}

func unready(p *corev1.Pod) { p.Status.Conditions[0].Status = corev1.ConditionFalse }

func TestThePodOfANodeIsExplained(t *testing.T) {
	const (
		fits = "room|asks no resources; pods 1 of 29; no host ports|pass"
		asks = "asks|what the template asks; admission may change it"
	)
	const older = "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) didn't match Pod's node affinity/selector."
	for _, c := range []struct {
		name  string
		build func(*pairWorld)
		want  []string
	}{
		{"it is covered", func(w *pairWorld) { w.pod(w.set("ns", "ds"), "n1") }, []string{
			"pod|ds-n1, bound to this node, phase Running, Ready for 23h, revision new (current)|pass", fits}},
		{"it is outdated", func(w *pairWorld) {
			w.pod(w.set("ns", "ds"), "n1", func(p *corev1.Pod) { p.Labels[hashLabel] = "old" })
		}, []string{"pod|ds-n1, bound to this node, phase Running, Ready for 23h, revision old (another)|pass, outdated", fits}},
		{"it stays and would not come back", func(w *pairWorld) {
			w.Nodes[0].Spec.Taints = []corev1.Taint{taintNamed("a:NoSchedule")}
			w.pod(w.set("ns", "ds"), "n1")
		}, []string{"pod|ds-n1, bound to this node, phase Running, Ready for 23h, revision new (current)|stays", fits}},
		{"it is to be deleted", func(w *pairWorld) {
			w.Nodes[0].Spec.Taints = []corev1.Taint{taintNamed("a:NoExecute")}
			w.pod(w.set("ns", "ds"), "n1")
		}, []string{"pod|ds-n1, bound to this node, phase Running, Ready for 23h, revision new (current)|to be deleted", fits}},
		{"none was made, and an event says why", func(w *pairWorld) {
			w.set("ns", "ds")
			w.event("ns", "DaemonSet", "ds", "FailedCreate", `Error creating: pods "ds-" is forbidden: exceeded quota: q`, 3*time.Minute)
		}, []string{"pod|none on this node, none pinned to it|FAIL", "event|3m ago: exceeded quota: q", fits, asks}},
		{"none was made, and nobody says why", func(w *pairWorld) { w.set("ns", "ds") }, []string{
			"pod|none on this node, none pinned to it; no event says that creating one failed|FAIL", fits, asks}},
		{"none is wanted, and other nodes cannot have one", func(w *pairWorld) {
			w.set("ns", "ds", selects("a", "b"))
			w.event("ns", "DaemonSet", "ds", "FailedCreate", "Error creating: exceeded quota: q", 3*time.Minute)
		}, []string{"pod|none on this node, none pinned to it|-", "event|3m ago: exceeded quota: q (it names no node)", fits, asks}},
		{"none is wanted, and the event is old", func(w *pairWorld) {
			w.set("ns", "ds", selects("a", "b"))
			w.event("ns", "DaemonSet", "ds", "FailedCreate", "Error creating: exceeded quota: q", time.Hour)
		}, []string{"pod|none on this node, none pinned to it; no FailedCreate event|-", fits, asks}},
		{"none is wanted, and events cannot be read", func(w *pairWorld) {
			w.set("ns", "ds", selects("a", "b"))
			w.Incomplete = []snapshot.ReadFailure{{Verb: "list", Resource: snapshot.ResourceEvents, Namespace: "ns", Error: "forbidden"}}
		}, []string{"pod|none on this node, none pinned to it; events not read: list events in ns: forbidden|-", fits, asks}},
		{"none is wanted, and nobody asked a live cluster for events", func(w *pairWorld) {
			w.set("ns", "ds", selects("a", "b"))
			w.Source.From = ""
		}, []string{"pod|none on this node, none pinned to it|-", fits, asks}},
		{"pods cannot be read", func(w *pairWorld) {
			w.set("ns", "ds")
			w.AllPods = false
			w.Incomplete = []snapshot.ReadFailure{{Verb: "list", Resource: snapshot.ResourcePods, Error: "forbidden"}}
		}, []string{"pod|cannot tell: list pods: forbidden|unknown", "room|not examined: the pods of this node were not read|-"}},
		{"the revision cannot be told", func(w *pairWorld) {
			w.pod(w.set("ns", "ds"), "n1")
			w.Revisions = nil
		}, []string{"pod|ds-n1, bound to this node, phase Running, Ready for 23h, revision new (which one is current cannot be told)|unknown",
			"|not read: no ControllerRevision of this DaemonSet is there, and its pods do not tell|unknown", fits}},
		{"there are two", func(w *pairWorld) {
			d := w.set("ns", "ds")
			w.pod(d, "n1")
			w.pod(d, "n1", named("ds-two"), func(p *corev1.Pod) { p.OwnerReferences = nil })
		}, []string{"pod|ds-n1, bound to this node, phase Running, Ready for 23h, revision new (current)|pass",
			"|also ds-two, bound to this node, an orphan that the controller adopts, phase Running, Ready for 23h, revision new (current)",
			"room|asks no resources; pods 2 of 29; no host ports|pass"}},
		{"it does not end", func(w *pairWorld) {
			w.pod(w.set("ns", "ds"), "n1", func(p *corev1.Pod) {
				at := ago(2 * time.Hour)
				p.DeletionTimestamp, p.Finalizers = &at, []string{"example.com/hold"}
			})
		}, []string{"pod|ds-n1, bound to this node, phase Running, Ready for 23h, Terminating, its grace ended 120m ago, revision new (current)|FAIL",
			"|finalizers: example.com/hold", fits}},
		{"it is ready and not yet available", func(w *pairWorld) {
			d := w.set("ns", "ds")
			d.Spec.MinReadySeconds = 600
			w.pod(d, "n1", func(p *corev1.Pod) { p.Status.Conditions[0].LastTransitionTime = ago(time.Minute) })
		}, []string{"pod|ds-n1, bound to this node, phase Running, Ready for 60s, revision new (current)|FAIL",
			"|available at 08:21:04Z (minReadySeconds 600)", fits}},
		{"two of its containers are not ready", func(w *pairWorld) {
			w.pod(w.set("ns", "ds"), "n1", unready, func(p *corev1.Pod) {
				p.Status.ContainerStatuses = []corev1.ContainerStatus{
					{Name: "fine", Ready: true},
					{Name: "creating", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}}},
					{Name: "agent", RestartCount: 4, State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}},
						LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 1, Reason: "Error"}}},
				}
			})
		}, []string{"pod|ds-n1, bound to this node, phase Running, not Ready for 23h, revision new (current), 4 restarts|FAIL", fits,
			"container|creating: ContainerCreating|FAIL", "container|agent: CrashLoopBackOff, exit 1 (Error), 4 restarts|FAIL"}},
		{"its init container does not finish", func(w *pairWorld) {
			w.pod(w.set("ns", "ds"), "n1", unready, func(p *corev1.Pod) {
				p.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "wait", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}}
				p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "agent", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "PodInitializing"}}}}
			})
		}, []string{"pod|ds-n1, bound to this node, phase Running, not Ready for 23h, revision new (current)|FAIL", fits,
			"container|init container wait: running|FAIL"}},
		{"it fails its probe", func(w *pairWorld) {
			w.pod(w.set("ns", "ds"), "n1", unready, func(p *corev1.Pod) {
				p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "agent", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}}
			})
			w.event("ns", "Pod", "ds-n1", "Unhealthy", "Readiness probe failed: 503", time.Minute)
		}, []string{"pod|ds-n1, bound to this node, phase Running, not Ready for 23h, revision new (current)|FAIL", fits,
			"container|agent: its readiness probe does not pass|FAIL", "event|60s ago: Readiness probe failed: 503"}},
		{"its node is lost", func(w *pairWorld) {
			w.Nodes[0].Status.Conditions[0] = corev1.NodeCondition{Type: corev1.NodeReady, Status: corev1.ConditionUnknown,
				Message: "Kubelet stopped posting node status.", LastTransitionTime: ago(9*time.Hour + 31*time.Minute)}
			w.pod(w.set("ns", "ds"), "n1")
		}, []string{"pod|ds-n1, bound to this node, phase Running, Ready for 23h, revision new (current)|FAIL", fits,
			"node|Ready is Unknown since 2026-11-22T22:41Z (9h): Kubelet stopped posting node status|FAIL"}},
		{"memory is short and a class would preempt", func(w *pairWorld) {
			d := w.set("ns", "ds", asksOf("cpu", "1", "memory", "5Gi"))
			low := int32(-5)
			w.pod(d, "n1", pending(older))
			w.addPod(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "low"}, Spec: corev1.PodSpec{NodeName: "n1", Priority: &low,
				Containers: []corev1.Container{{Resources: corev1.ResourceRequirements{Requests: amounts("memory", "6Gi")}}}}})
		}, []string{"pod|ds-n1, pinned to this node, not bound, phase Pending, not Ready, revision new (current)|FAIL",
			"room|memory asks 5120Mi; allocatable 8192Mi - 6144Mi bound by 1 pod = 2048Mi free|FAIL",
			"|cpu, pods (2 of 29), host ports|pass",
			"preemption|priority 0 (no class); lowest holder has -5; 3072Mi short|possible",
			"victims|a/low (no controller) 6144Mi; a/low: nothing makes it again", "holders|a/low 6144Mi",
			"scheduler|waits for 9h: 1 Insufficient cpu (the other node's share of the message is left out)"}},
		{"the scheduler's word is older than the room", func(w *pairWorld) {
			w.pod(w.set("ns", "ds", asksOf("cpu", "1")), "n1", pending(older))
		}, []string{"pod|ds-n1, pinned to this node, not bound, phase Pending, not Ready, revision new (current)|FAIL",
			"room|asks cpu 1000m; free 4000m; no host ports|pass",
			"scheduler|waits for 9h: 1 Insufficient cpu (the other node's share of the message is left out); our own arithmetic finds room: the message may be old"}},
		{"another pod holds its port", func(w *pairWorld) {
			port := func(s *corev1.PodSpec) { s.Containers[0].Ports = []corev1.ContainerPort{{HostPort: 9100}} }
			d := w.set("ns", "ds", port)
			w.pod(d, "n1", pending("0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports."))
			w.addPod(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "exporter"}, Spec: corev1.PodSpec{NodeName: "n1",
				Containers: []corev1.Container{{Ports: []corev1.ContainerPort{{HostPort: 9100}}}}}})
		}, []string{"pod|ds-n1, pinned to this node, not bound, phase Pending, not Ready, revision new (current)|FAIL",
			"room|host port 9100/TCP is held by a/exporter|FAIL", "|pods (2 of 29)|pass",
			"preemption|priority 0 (no class); lowest holder has 0|FAIL, no victims",
			"|a higher priority class evicts a/exporter: nothing makes it again",
			"scheduler|waits for 9h: 1 node(s) didn't have free ports for the requested pod ports"}},
		{"a bound pod has more than its node", func(w *pairWorld) {
			w.pod(w.set("ns", "ds", asksOf("cpu", "3")), "n1")
			w.other("a", "b", "n1", "", "5", "1Gi")
		}, []string{"pod|ds-n1, bound to this node, phase Running, Ready for 23h, revision new (current)|pass",
			"room|cpu asks 3000m; allocatable 4000m - 5000m bound by 1 pod = -1000m free|no, but bound",
			"|pods (2 of 29), host ports|pass"}},
		{"a class that no pod shows is not guessed", func(w *pairWorld) {
			w.set("ns", "ds", asksOf("cpu", "5"), func(s *corev1.PodSpec) { s.PriorityClassName = "gold" })
		}, []string{"pod|none on this node, none pinned to it; no event says that creating one failed|FAIL",
			"room|cpu asks 5000m; allocatable 4000m - 0m bound by 0 pods = 4000m free|FAIL", "|pods (1 of 29), host ports|pass", asks,
			"preemption|the priority of class gold is not known|-"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newPairWorld()
			w.node("n1", nil)
			c.build(w)
			if diff := cmp.Diff(lines(c.want...), afterRules(explained(t, w.analyze(), "ns", "ds", "n1"))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// What holds the room must add up to what is bound, however many there are.
func TestHoldersAddUpToWhatIsBound(t *testing.T) {
	w := newPairWorld()
	w.node("n1", nil)
	for i := range 9 {
		w.other("a", "p"+string(rune('0'+i)), "n1", "Job", "200m", "1Mi")
		w.other("b", "d"+string(rune('0'+i)), "n1", "DaemonSet", "100m", "1Mi")
	}
	w.set("ns", "ds", asksOf("cpu", "2"))
	e := explained(t, w.analyze(), "ns", "ds", "n1")
	if l := lineOf(e, "holders"); l.Operands != "a/p0 200m, a/p1 200m, a/p2 200m, 6 more 1200m, 9 DaemonSet pods 900m" {
		t.Errorf("holders %q", l.Operands)
	}
	if l := lineOf(e, "room"); l.Operands != "cpu asks 2000m; allocatable 4000m - 2700m bound by 18 pods = 1300m free" {
		t.Errorf("room %q", l.Operands)
	}
}

// A capture made by hand may hold pods without a UID: none of them is the pod
// that would be made.
func TestPodsWithoutAUIDHoldTheirRoom(t *testing.T) {
	w := newPairWorld()
	w.node("n1", nil)
	w.other("a", "b", "n1", "", "3", "1Gi")
	w.Pods[0].UID = ""
	w.set("ns", "ds", asksOf("cpu", "2"))
	if l := lineOf(explained(t, w.analyze(), "ns", "ds", "n1"), "room"); l.Operands != "cpu asks 2000m; allocatable 4000m - 3000m bound by 1 pod = 1000m free" {
		t.Errorf("room %q", l.Operands)
	}
}
