package coverage

import (
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// Few words, so that rules meet nodes often.
var (
	randomKeys   = []string{"a", "b", "disk", "diks", "kubernetes.io/arch", "beta.kubernetes.io/arch", "pool", "node-role.kubernetes.io/gpu", "-x", "it's"}
	randomValues = []string{"", "1", "2", "ssd", "sdd", "arm64", "7", "true", "no good; value"}
	randomTaints = []string{"a:NoSchedule", "a=1:NoExecute", "b=16:NoSchedule", "soft:PreferNoSchedule", "odd:Effect",
		"node.kubernetes.io/not-ready:NoSchedule", "node.kubernetes.io/not-ready:NoExecute", "node.kubernetes.io/unschedulable:NoSchedule",
		"fsx.csi.aws.com/agent-not-ready:NoSchedule", "karpenter.sh/disrupted:NoSchedule", "virtual-kubelet.io/provider:NoSchedule", "--all:NoSchedule", "q'q:NoExecute"}
	randomNodes    = []string{"n1", "n2", "n3", "n4", "node-5.eu", "--all", "n;6", "n'7"}
	randomMessages = []string{"", "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't satisfy plugin(s) [NodeAffinity]. preemption: 0/3 nodes are available: 1 No preemption victims found for incoming pod.",
		"0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.", "0/9 nodes are available: 9 node(s) didn't satisfy plugin(s) [NodeAffinity].",
		"0/2 nodes are available: 1 Insufficient memory, 1 Too many pods.", "something else", "0/x nodes are available: x y"}
)

// spread makes an even choice of n of what rapid draws, which prefers small
// numbers; 0 stays 0, so that failures shrink.
func spread(t *rapid.T, name string, n int) int {
	return int(rapid.Uint64().Draw(t, name) * 0x9E3779B97F4A7C15 >> 33 % uint64(n))
}

func pick[T any](t *rapid.T, name string, of []T) T { return of[spread(t, name, len(of))] }

func chance(t *rapid.T, name string, percent int) bool { return spread(t, name, 100) >= 100-percent }

// randomWorld has nodes, DaemonSets and pods of every kind, and reads that
// failed.
func randomWorld(t *rapid.T) *pairWorld {
	w := newPairWorld()
	w.AllPods = chance(t, "allPods", 70)
	for _, name := range randomNodes[:1+spread(t, "nodes", len(randomNodes))] {
		w.randomNode(t, name)
	}
	for i := range 1 + spread(t, "sets", 2) {
		d := w.set("ns", fmt.Sprintf("ds-%d", i))
		randomTemplate(t, d)
		d.Spec.MinReadySeconds = pick(t, "minReady", []int32{0, 0, 600})
		d.Status.DesiredNumberScheduled = int32(spread(t, "desired", 4))
		for _, n := range w.Nodes {
			for j := range pick(t, "pods", []int{0, 0, 1, 1, 2}) {
				w.randomPod(t, d, n.Name, j)
			}
		}
		if chance(t, "gone", 20) {
			w.pod(d, "gone")
		}
	}
	for i := range spread(t, "others", 5) {
		w.other("team", fmt.Sprintf("p%d", i), pick(t, "on", w.Nodes).Name, pick(t, "kind", []string{"", "Job", "DaemonSet"}),
			pick(t, "cpu", []string{"0", "1", "3500m"}), pick(t, "memory", []string{"0", "1Gi", "7Gi"}))
	}
	for _, reason := range []string{"FailedCreate", "FailedScheduling", "Unhealthy", "FailedMount"} {
		if chance(t, reason, 30) {
			kind, name := "DaemonSet", "ds-0"
			if reason != "FailedCreate" {
				kind, name = "Pod", "ds-0-n1-0"
			}
			w.event("ns", kind, name, reason, pick(t, "words", []string{"", "exceeded quota: q", "Readiness probe failed: no"}), time.Duration(spread(t, "before", 100))*time.Minute)
		}
	}
	for _, resource := range []string{snapshot.ResourceNodes, snapshot.ResourcePods, snapshot.ResourceEvents, snapshot.ResourceRevisions} {
		if chance(t, "unread "+resource, 8) {
			w.Incomplete = append(w.Incomplete, snapshot.ReadFailure{Verb: "list", Resource: resource, Error: "forbidden"})
		}
	}
	if chance(t, "noRevisions", 10) {
		w.Revisions = nil
	}
	return w
}

func (w *pairWorld) randomNode(t *rapid.T, name string) {
	n := w.node(name, nil)
	for range spread(t, "labels", 5) {
		n.Labels[pick(t, "key", randomKeys)] = pick(t, "value", randomValues)
	}
	for range pick(t, "taints", []int{0, 0, 1, 1, 2}) {
		taint := taintNamed(pick(t, "taint", randomTaints))
		same := func(o corev1.Taint) bool { return o.Key == taint.Key && o.Effect == taint.Effect }
		if !slices.ContainsFunc(n.Spec.Taints, same) { // as the API server demands
			n.Spec.Taints = append(n.Spec.Taints, taint)
		}
	}
	n.Status.Conditions[0].Status = pick(t, "ready", []corev1.ConditionStatus{corev1.ConditionTrue, corev1.ConditionTrue, corev1.ConditionFalse, corev1.ConditionUnknown})
	switch 9 - spread(t, "bare", 10) {
	case 0:
		n.Status = corev1.NodeStatus{}
	case 1:
		n.CreationTimestamp = ago(time.Minute)
	}
}

func randomRequirement(t *rapid.T) corev1.NodeSelectorRequirement {
	q := corev1.NodeSelectorRequirement{Key: pick(t, "key", randomKeys),
		Operator: pick(t, "operator", []corev1.NodeSelectorOperator{"In", "In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt", "Maybe"})}
	values := map[corev1.NodeSelectorOperator]int{"In": 2, "NotIn": 1, "Gt": 1, "Lt": 1}[q.Operator]
	if chance(t, "wrong number", 10) {
		values = spread(t, "values", 3)
	}
	for range values {
		q.Values = append(q.Values, pick(t, "value", randomValues))
	}
	return q
}

func randomTemplate(t *rapid.T, d *appsv1.DaemonSet) {
	s := &d.Spec.Template.Spec
	for range pick(t, "selectors", []int{0, 0, 1, 2}) {
		selects(pick(t, "key", randomKeys), pick(t, "value", randomValues))(s)
	}
	if chance(t, "affinity", 40) {
		var terms []corev1.NodeSelectorTerm
		for range spread(t, "terms", 3) {
			var term corev1.NodeSelectorTerm
			for range spread(t, "requirements", 3) {
				term.MatchExpressions = append(term.MatchExpressions, randomRequirement(t))
			}
			if chance(t, "field", 20) {
				term.MatchFields = []corev1.NodeSelectorRequirement{{Key: "metadata.name", Operator: "In", Values: []string{pick(t, "name", randomNodes)}}}
			}
			terms = append(terms, term)
		}
		requires(terms...)(s)
	}
	for range pick(t, "tolerations", []int{0, 0, 1, 2}) {
		s.Tolerations = append(s.Tolerations, corev1.Toleration{Key: pick(t, "key", []string{"a", "b", "b", "node.kubernetes.io/not-ready"}),
			Operator: pick(t, "operator", []corev1.TolerationOperator{"", "Exists", "Equal", "Gt", "Lt"}),
			Value:    pick(t, "value", []string{"", "1", "8"}), Effect: pick(t, "effect", []corev1.TaintEffect{"", "NoSchedule", "NoExecute"})})
	}
	if chance(t, "nodeName", 8) {
		s.NodeName = pick(t, "name", randomNodes)
	}
	if chance(t, "port", 20) {
		s.Containers[0].Ports = []corev1.ContainerPort{{HostPort: 9100}}
	}
	s.PriorityClassName = pick(t, "class", []string{"", "", "gold", "system-node-critical"})
	asksOf("cpu", pick(t, "cpu", []string{"0", "500m", "5"}), "memory", pick(t, "memory", []string{"0", "1Gi"}))(s)
}

func (w *pairWorld) randomPod(t *rapid.T, d *appsv1.DaemonSet, node string, i int) {
	w.pod(d, node, func(p *corev1.Pod) {
		p.Name = fmt.Sprintf("%s-%s-%d", d.Name, node, i)
		p.Labels[hashLabel] = pick(t, "hash", []string{"new", "new", "old", ""})
		if chance(t, "orphan", 10) {
			p.OwnerReferences = nil
		}
		switch spread(t, "pod", 6) {
		case 0, 1:
			return
		case 2:
			pending(pick(t, "message", randomMessages))(p)
		case 3:
			p.Status.Phase = pick(t, "phase", []corev1.PodPhase{corev1.PodFailed, corev1.PodSucceeded, ""})
			p.Status.Reason = pick(t, "reason", []string{"", "Evicted", "OutOfcpu"})
			p.Status.Conditions = nil
		case 4:
			p.Status.Conditions[0].Status = corev1.ConditionFalse
			p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "agent", RestartCount: 3,
				State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: pick(t, "waiting", []string{"", "CrashLoopBackOff", "ContainerCreating", "ImagePullBackOff"})}}}}
		case 5:
			p.Status.Conditions[0].Status = corev1.ConditionFalse
		}
		if chance(t, "deleted", 30) {
			at := metav1.NewTime(pairNow.Add(time.Duration(spread(t, "grace", 200)-100) * time.Second))
			p.DeletionTimestamp = &at
		}
	})
}
