package coverage

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// fsxWorld has 191 nodes, of which 155 wait for an
// agent that is kept away by the taint it should remove; one of them is lost.
func fsxWorld() *pairWorld {
	w := newPairWorld()
	const startup = "fsx.csi.aws.com/agent-not-ready:NoSchedule"
	linux := []string{"kubernetes.io/os=linux"}
	for i := range 36 {
		w.node(fmt.Sprintf("ip-10-0-12-%d", i), linux)
	}
	for i := range 153 {
		w.node(fmt.Sprintf("ip-10-0-129-%d", i), append(linux, "karpenter.sh/nodepool=gpu"), startup)
	}
	w.node("ip-10-0-141-7", append(linux, "karpenter.sh/nodepool=gpu"), startup,
		"node.kubernetes.io/unreachable:NoSchedule", "node.kubernetes.io/unreachable:NoExecute")
	n := w.node("ip-10-0-128-4", append(linux, "karpenter.sh/nodepool=gpu"), "nvidia.com/gpu=present:NoSchedule", startup)
	n.Status.Allocatable = amounts("cpu", "48", "memory", "1000Gi", "pods", "58")
	w.other("team-a", "train-0", n.Name, "Job", "6780m", "87Gi")
	d := w.set("storage", "fsx-csi-node", asksOf("cpu", "30m", "memory", "120Mi"), selects("kubernetes.io/os", "linux"),
		tolerates(exists("nvidia.com/gpu")), requires(termOfWords("eks.amazonaws.com/compute-type NotIn fargate")))
	for i := range 36 {
		w.pod(d, fmt.Sprintf("ip-10-0-12-%d", i))
	}
	return w
}

func TestAnExclusionIsExplainedAsOnTheScreen(t *testing.T) {
	e := explained(t, fsxWorld().analyze(), "storage", "fsx-csi-node", "ip-10-0-128-4")
	if e.Verdict.State != Excluded || !e.Verdict.Suspect || e.Verdict.Reason != TaintTransient {
		t.Errorf("verdict %v %v", e.Verdict.State, e.Verdict.Reason)
	}
	if e.Headline != "One taint away from should-run." {
		t.Errorf("headline %q", e.Headline)
	}
	want := lines(
		"1|nodeName|the template names no node|pass",
		"2|nodeSelector|kubernetes.io/os=linux; the node has linux|pass",
		"3|nodeAffinity|term 1 of 1: eks.amazonaws.com/compute-type NotIn [fargate]; label absent|pass",
		"4|taint|nvidia.com/gpu=present:NoSchedule; template toleration 1 (Exists)|pass",
		"5|taint|fsx.csi.aws.com/agent-not-ready:NoSchedule; none of 1 template, 6 default|FAIL, transient",
		"6|should run|now: no (5). steady: yes. may a running pod stay: yes (no NoExecute taint)|no",
		"7|pod|none on this node, none pinned to it; no FailedCreate event|-",
		"8|room|asks cpu 30m, memory 120Mi; free 41220m, 913Gi; no host ports|pass",
	)
	if diff := cmp.Diff(want, ruleText(e)); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
	want = lines(
		"template|tolerate fsx.csi.aws.com/agent-not-ready|36 -> 190",
		"node|kubectl taint node ip-10-0-128-4 fsx.csi.aws.com/agent-not-ready:NoSchedule-|36 -> 37",
	)
	if diff := cmp.Diff(want, changeText(e)); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

// datadogWorld has a pod that does not fit.
func datadogWorld() *pairWorld {
	w := newPairWorld()
	n := w.node("ip-10-0-12-14", []string{"kubernetes.io/os=linux"}, "node.kubernetes.io/unschedulable:NoSchedule", "soft:PreferNoSchedule")
	n.Status.Allocatable = amounts("cpu", "1930m", "memory", "7Gi", "ephemeral-storage", "80Gi", "pods", "29")
	for i := range 190 {
		w.node(fmt.Sprintf("ip-10-0-99-%d", i), []string{"kubernetes.io/os=linux"})
	}
	d := w.set("datadog", "datadog-agent", asksOf("cpu", "500m", "memory", "512Mi", "ephemeral-storage", "1Gi"))
	const words = "0/191 nodes are available: 1 Insufficient cpu, 190 node(s) didn't satisfy plugin(s) [NodeAffinity]. " +
		"preemption: 0/191 nodes are available: 1 No preemption victims found for incoming pod, 190 Preemption is not helpful for scheduling."
	w.pod(d, n.Name, pending(words), named("datadog-agent-4rj7c"))
	w.event("datadog", "Pod", "datadog-agent-4rj7c", "FailedScheduling", words, 4*time.Minute)
	w.other("team-a", "api-7d9f6c-x2x9q", n.Name, "ReplicaSet", "600m", "1Gi")
	w.other("team-b", "job-r8h4k", n.Name, "Job", "345m", "1Gi")
	for i := range 10 {
		w.other("kube-system", fmt.Sprintf("agent-%d", i), n.Name, "DaemonSet", "80m", "100Mi")
	}
	w.other("kube-system", "agent-10", n.Name, "DaemonSet", "65m", "100Mi")
	return w
}

func TestAPodWithoutRoomIsExplainedAsOnTheScreen(t *testing.T) {
	e := explained(t, datadogWorld().analyze(), "datadog", "datadog-agent", "ip-10-0-12-14")
	want := lines(
		"1|nodeName|the template names no node|pass",
		"2|nodeSelector|the template has none|pass",
		"3|nodeAffinity|the template requires none|pass",
		"4|taint|node.kubernetes.io/unschedulable:NoSchedule; default toleration unschedulable|pass",
		"5|taint|soft:PreferNoSchedule; PreferNoSchedule keeps no DaemonSet pod away|pass",
		"6|should run|now: yes. steady: yes. may a running pod stay: yes|yes",
		"7|pod|datadog-agent-4rj7c, pinned to this node, not bound, phase Pending, not Ready, revision new (current)|FAIL",
		"8|room|cpu asks 500m; allocatable 1930m - 1810m bound by 13 pods = 120m free|FAIL",
		"||memory, ephemeral-storage, pods (14 of 29), host ports|pass",
		"9|preemption|priority 0 (no class); lowest holder has 0; 380m short|FAIL, no victims",
		"|holders|team-a/api-7d9f6c-x2x9q 600m, team-b/job-r8h4k 345m, 11 DaemonSet pods 865m|",
		"|scheduler|4m ago: 1 Insufficient cpu (the other 190 nodes' share of the message is left out)|",
	)
	if diff := cmp.Diff(want, ruleText(e)); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
	want = lines(
		"template|request at most cpu 120m|191 -> 191",
		"template|set priorityClassName: system-node-critical|191 -> 191",
	)
	if diff := cmp.Diff(want, changeText(e)); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

func TestEachRuleOfTheControllerHasItsWords(t *testing.T) {
	seconds := int64(0)
	broken := corev1.NodeSelectorTerm{MatchExpressions: []corev1.NodeSelectorRequirement{{Key: "a", Operator: "Maybe", Values: []string{"b"}}}}
	fields := corev1.NodeSelectorTerm{MatchFields: []corev1.NodeSelectorRequirement{
		{Key: "metadata.name", Operator: corev1.NodeSelectorOpIn, Values: []string{"n2"}},
		{Key: "metadata.uid", Operator: corev1.NodeSelectorOpNotIn, Values: []string{"u"}}}}
	for _, c := range []struct {
		name     string
		labels   []string
		taints   []string
		template []func(*corev1.PodSpec)
		want     []string // from the first rule to should run
		headline string
	}{
		{
			name: "nothing is asked", want: []string{
				"1|nodeName|the template names no node|pass",
				"2|nodeSelector|the template has none|pass",
				"3|nodeAffinity|the template requires none|pass",
				"4|taint|the node has none|pass",
				"5|should run|now: yes. steady: yes. may a running pod stay: yes|yes"},
			headline: "no pod, and no event says that creating one failed.",
		},
		{
			name: "the template names another node", template: []func(*corev1.PodSpec){func(s *corev1.PodSpec) { s.NodeName = "n2" }},
			want: []string{
				"1|nodeName|the template names n2|FAIL",
				"2|nodeSelector|the template has none|pass",
				"3|nodeAffinity|the template requires none|pass",
				"4|taint|the node has none|pass",
				"5|should run|now: no (1). steady: no. may a running pod stay: no (1)|no"},
			headline: "One nodeName away from should-run.",
		},
		{
			name: "two labels are absent or different and a taint is in the way", labels: []string{"b=2", "empty="}, taints: []string{"x=y:NoSchedule"},
			template: []func(*corev1.PodSpec){selects("a", "1"), selects("b", "1"), selects("empty", "")},
			want: []string{
				"1|nodeName|the template names no node|pass",
				"2|nodeSelector|a=1; label absent|FAIL",
				"3|nodeSelector|b=1; the node has 2|FAIL",
				`4|nodeSelector|empty=; the node has ""|pass`,
				"5|nodeAffinity|the template requires none|pass",
				"6|taint|x=y:NoSchedule; none of 0 template, 6 default|FAIL",
				"7|should run|now: no (2, 3, 6). steady: no. may a running pod stay: no (2, 3)|no"},
			headline: "Two requirements and one taint away from should-run.",
		},
		{
			name: "one of several terms holds", labels: []string{"a=1"},
			template: []func(*corev1.PodSpec){requires(termOfWords("a In 2,3", "z DoesNotExist"), corev1.NodeSelectorTerm{}, broken, termOfWords("a Exists"))},
			want: []string{
				"1|nodeName|the template names no node|pass",
				"2|nodeSelector|the template has none|pass",
				"3|nodeAffinity|term 1 of 4: a In [2, 3]; the node has 1 (fails), z DoesNotExist; label absent|no, another term holds",
				"4|nodeAffinity|term 2 of 4: empty: it selects no node|no, another term holds",
				`5|nodeAffinity|term 3 of 4: a Maybe [b]; invalid: operator "Maybe" is not one of In, NotIn, Exists, DoesNotExist, Gt, Lt; an invalid term selects no node|no, another term holds`,
				"6|nodeAffinity|term 4 of 4: a Exists; the node has 1|pass",
				"7|taint|the node has none|pass",
				"8|should run|now: yes. steady: yes. may a running pod stay: yes|yes"},
			headline: "no pod, and no event says that creating one failed.",
		},
		{
			name: "no term can hold", template: []func(*corev1.PodSpec){requires(corev1.NodeSelectorTerm{}, broken)},
			want: []string{
				"1|nodeName|the template names no node|pass",
				"2|nodeSelector|the template has none|pass",
				"3|nodeAffinity|term 1 of 2: empty: it selects no node|FAIL",
				`4|nodeAffinity|term 2 of 2: a Maybe [b]; invalid: operator "Maybe" is not one of In, NotIn, Exists, DoesNotExist, Gt, Lt; an invalid term selects no node|FAIL`,
				"5|taint|the node has none|pass",
				"6|should run|now: no (3, 4). steady: no. may a running pod stay: no (3, 4)|no"},
			headline: "No node can match the required node affinity.",
		},
		{
			name: "affinity is required without a term", template: []func(*corev1.PodSpec){requires()},
			want: []string{
				"1|nodeName|the template names no node|pass",
				"2|nodeSelector|the template has none|pass",
				"3|nodeAffinity|required, without a term: no node matches|FAIL",
				"4|taint|the node has none|pass",
				"5|should run|now: no (3). steady: no. may a running pod stay: no (3)|no"},
			headline: "No node can match the required node affinity.",
		},
		{
			name: "fields are asked", template: []func(*corev1.PodSpec){requires(fields)},
			want: []string{
				"1|nodeName|the template names no node|pass",
				"2|nodeSelector|the template has none|pass",
				"3|nodeAffinity|term 1 of 1: field metadata.name=n2; the node is n1 (fails), field metadata.uid NotIn [u]; there is no such field|FAIL",
				"4|taint|the node has none|pass",
				"5|should run|now: no (3). steady: no. may a running pod stay: no (3)|no"},
			headline: "One requirement away from should-run.",
		},
		{
			name:   "every taint is told, tolerated or not",
			taints: []string{"a:NoExecute", "b=1:NoExecute", "c:NoSchedule", "d:Whatever", "node.kubernetes.io/not-ready:NoExecute", "node.kubernetes.io/not-ready:NoSchedule", "node.kubernetes.io/unreachable:NoExecute"},
			template: []func(*corev1.PodSpec){tolerates(
				corev1.Toleration{Key: "b", Value: "1", Effect: corev1.TaintEffectNoExecute, TolerationSeconds: &seconds},
				corev1.Toleration{Key: "node.kubernetes.io/unreachable", Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute, TolerationSeconds: &seconds})},
			want: []string{
				"1|nodeName|the template names no node|pass",
				"2|nodeSelector|the template has none|pass",
				"3|nodeAffinity|the template requires none|pass",
				"4|taint|a:NoExecute; none of 2 template, 5 default|FAIL",
				"5|taint|b=1:NoExecute; template toleration 1 (Equal), for 0s: then the pod is evicted, and made again|pass",
				"6|taint|c:NoSchedule; none of 2 template, 5 default|FAIL",
				"7|taint|d:Whatever; the controller does not know this effect|pass",
				"8|taint|node.kubernetes.io/not-ready:NoExecute; default toleration not-ready|pass",
				"9|taint|node.kubernetes.io/not-ready:NoSchedule; none of 2 template, 5 default|FAIL, transient",
				"10|taint|node.kubernetes.io/unreachable:NoExecute; template toleration 2 (Exists)|pass",
				"11|should run|now: no (4, 6, 9). steady: no. may a running pod stay: no (4)|no"},
			headline: "Three taints away from should-run.",
		},
		{
			name: "only NoSchedule is not tolerated", taints: []string{"a:NoSchedule", "node.kubernetes.io/not-ready:NoExecute"},
			want: []string{
				"1|nodeName|the template names no node|pass",
				"2|nodeSelector|the template has none|pass",
				"3|nodeAffinity|the template requires none|pass",
				"4|taint|a:NoSchedule; none of 0 template, 6 default|FAIL",
				"5|taint|node.kubernetes.io/not-ready:NoExecute; default toleration not-ready|pass",
				"6|should run|now: no (4). steady: no. may a running pod stay: yes (each NoExecute taint is tolerated)|no"},
			headline: "One taint away from should-run.",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newPairWorld()
			w.node("n1", c.labels, c.taints...)
			w.set("ns", "ds", c.template...)
			e := explained(t, w.analyze(), "ns", "ds", "n1")
			got := strings.Split(ruleText(e), "\n")[:len(c.want)]
			if diff := cmp.Diff(lines(c.want...), lines(got...)); diff != "" {
				t.Errorf("rules (-want +got):\n%s", diff)
			}
			if e.Headline != c.headline {
				t.Errorf("headline %q, want %q", e.Headline, c.headline)
			}
		})
	}
}

func TestAFeatureGateIsNotGuessed(t *testing.T) {
	gt := corev1.Toleration{Key: "cores", Operator: corev1.TolerationOpGt, Value: "8"}
	for _, c := range []struct {
		name    string
		desired int32
		want    string // of the taint
		run     string // of should run
		head    string
	}{
		{"status says neither", 7, "cores=16:NoSchedule; template toleration 1 (Gt), only with feature gate TaintTolerationComparisonOperators|unknown",
			"now: yes with the gate on, no with it off (4). steady: no. may a running pod stay: yes (no NoExecute taint)|unknown", "Only a feature gate of the server tells."},
		{"status says off", 0, "cores=16:NoSchedule; template toleration 1 (Gt), only with feature gate TaintTolerationComparisonOperators, which is off|FAIL",
			"now: no (4). steady: no. may a running pod stay: yes (no NoExecute taint)|no", "One taint away from should-run."},
		{"status says on", 1, "cores=16:NoSchedule; template toleration 1 (Gt), only with feature gate TaintTolerationComparisonOperators, which status says is on|pass",
			"now: yes. steady: yes. may a running pod stay: yes|yes", "no pod, and no event says that creating one failed."},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newPairWorld()
			w.node("n1", nil, "cores=16:NoSchedule")
			w.set("ns", "ds", tolerates(gt)).Status.DesiredNumberScheduled = c.desired
			e := explained(t, w.analyze(), "ns", "ds", "n1")
			if l := lineOf(e, "taint"); l.Operands+"|"+l.Result != c.want {
				t.Errorf("taint %q", l.Operands+"|"+l.Result)
			}
			if l := lineOf(e, "should run"); l.Operands+"|"+l.Result != c.run {
				t.Errorf("should run %q", l.Operands+"|"+l.Result)
			}
			if e.Headline != c.head {
				t.Errorf("headline %q", e.Headline)
			}
		})
	}
}

func TestFindLooksInAnyNamespaceWhereNoneIsGiven(t *testing.T) {
	w := newPairWorld()
	w.set("a", "agent")
	w.set("b", "agent")
	w.set("b", "other")
	r := w.analyze()
	for _, c := range []struct {
		namespace, name string
		want            []int
	}{{"", "agent", []int{0, 1}}, {"b", "agent", []int{1}}, {"c", "agent", nil}, {"b", "gone", nil}} {
		if diff := cmp.Diff(c.want, r.Find(c.namespace, c.name)); diff != "" {
			t.Errorf("%s/%s: %s", c.namespace, c.name, diff)
		}
	}
}

func TestANodeThatIsNotThereIsNamedWithWhatWasMeant(t *testing.T) {
	w := newPairWorld()
	for _, n := range []string{"worker-a1", "worker-a2", "worker-b17", "db-0.eu.internal"} {
		w.node(n, nil)
	}
	w.set("ns", "ds")
	r := w.analyze()
	for _, c := range []struct{ ask, want string }{
		{"worker-a11", "no such node: worker-a11 (did you mean worker-a1, worker-a2, worker-b17?)"},
		{"db-0", "no such node: db-0 (did you mean db-0.eu.internal?)"},
		{"nothing-like-it", "no such node: nothing-like-it"},
		{"", "no such node: "},
	} {
		_, err := r.ExplainPair(0, c.ask)
		var missing *UnknownNodesError
		if !errors.As(err, &missing) || err.Error() != c.want || len(missing.Existing) != 4 {
			t.Errorf("%q: %v", c.ask, err)
		}
	}
	_, err := r.NodeView([]string{"worker-a1", "worker-x1", "db-0"})
	var missing *UnknownNodesError
	if !errors.As(err, &missing) {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"worker-x1", "db-0"}, missing.Names); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string][]string{"worker-x1": {"worker-a1", "worker-a2", "worker-b17"}, "db-0": {"db-0.eu.internal"}}, missing.Suggestions); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"worker-a1", "worker-a2", "worker-b17", "db-0.eu.internal"}, missing.Near); diff != "" {
		t.Error(diff)
	}
}

func TestWhatCannotBeKnownIsNotSaidToBeAbsent(t *testing.T) {
	w := newPairWorld()
	w.node("n1", nil)
	w.node("n2", nil)
	d := w.set("ns", "ds")
	w.pod(d, "n1")
	w.opts.Nodes = func(n *corev1.Node) bool { return n.Name == "n1" }
	r := w.analyze()
	var missing *UnknownNodesError
	if _, err := r.ExplainPair(0, "n2"); err == nil || errors.As(err, &missing) {
		t.Errorf("a node outside the selection: %v", err)
	}
	if _, err := r.NodeView([]string{"n2"}); err == nil || errors.As(err, &missing) {
		t.Errorf("a node outside the selection: %v", err)
	}
	for _, i := range []int{-1, 1} {
		if _, err := r.ExplainPair(i, "n1"); err == nil {
			t.Errorf("DaemonSet %d was explained", i)
		}
	}
	w.opts.Nodes = nil
	w.Incomplete = []snapshot.ReadFailure{{Verb: "list", Resource: snapshot.ResourceNodes, Error: "forbidden", Forbidden: true}}
	r = w.analyze()
	if _, err := r.ExplainPair(0, "n3"); err == nil || errors.As(err, &missing) {
		t.Errorf("nodes were not read: %v", err)
	}
	if _, err := r.NodeView([]string{"n3"}); err == nil || errors.As(err, &missing) {
		t.Errorf("nodes were not read: %v", err)
	}
	e := explained(t, r, "ns", "ds", "n1")
	want := lines("1|node|not read: list nodes: forbidden|unknown",
		"2|pod|ds-n1, bound to this node, phase Running, Ready for 23h, revision new (current)|unknown",
		"||not read: list nodes: forbidden|unknown")
	if diff := cmp.Diff(want, ruleText(e)); diff != "" || len(e.Changes) > 0 {
		t.Errorf("%s\n%v", diff, e.Changes)
	}
}

// The copy that a printer gets must share nothing that can be written.
func TestACopyOfAnExplanationIsACopy(t *testing.T) {
	e := explained(t, fsxWorld().analyze(), "storage", "fsx-csi-node", "ip-10-0-128-4")
	e.Source.Incomplete = []IncompleteRead{{Resource: "pods"}}
	at := metav1.NewTime(pairNow)
	e.Source.TakenAt = &at
	c := e.DeepCopyObject().(*Explanation)
	c.Rules[0].Rule, c.Changes[0].Do, c.Source.Incomplete[0].Resource = "x", "x", "x"
	c.Source.TakenAt.Time = time.Time{}
	if e.Rules[0].Rule == "x" || e.Changes[0].Do == "x" || e.Source.Incomplete[0].Resource == "x" || e.Source.TakenAt.IsZero() {
		t.Error("the copy shares memory")
	}
}

// Where neither a rule nor room is in the way, the pair's own remedy is.
func TestAPairWithoutAChangeHasItsFixes(t *testing.T) {
	w := newPairWorld()
	w.node("n1", nil)
	w.set("ns", "ds", func(s *corev1.PodSpec) { s.ServiceAccountName = "agent" })
	w.event("ns", "DaemonSet", "ds", "FailedCreate", `Error creating: pods "ds-" is forbidden: error looking up service account ns/agent: serviceaccount "agent" not found`, time.Minute)
	e := explained(t, w.analyze(), "ns", "ds", "n1")
	if len(e.Changes) != 0 || len(e.Fixes) != 1 || !strings.Contains(e.Fixes[0], "kubectl create serviceaccount agent -n ns") {
		t.Errorf("changes %v, fixes %v", e.Changes, e.Fixes)
	}
}
