package coverage

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

func causesOf(r *Result, reason Reason) []Cause {
	var out []Cause
	for _, c := range r.Causes() {
		if c.Reason == reason {
			out = append(out, c)
		}
	}
	return out
}

func TestALostNodeIsOneCauseOverAllDaemonSets(t *testing.T) {
	w := newPairWorld()
	lost := w.node("n1", nil, "node.kubernetes.io/unreachable:NoSchedule", "node.kubernetes.io/unreachable:NoExecute")
	lost.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionUnknown, Reason: "NodeStatusUnknown", LastTransitionTime: ago(9 * time.Hour)}}
	w.node("n2", nil)
	for i := range 10 {
		d := w.set("ns", fmt.Sprintf("ds-%d", i), tolerates(corev1.Toleration{Operator: corev1.TolerationOpExists}))
		if i >= 8 {
			d.Spec.Template.Spec.Tolerations = nil
		}
		w.pod(d, "n1")
		w.pod(d, "n2")
	}
	cs := causesOf(w.analyze(), NodeLost)
	if len(cs) != 1 || cs[0].Object != "node n1" || cs[0].Count != "8 DaemonSets Unready, 2 Misplaced" || len(cs[0].DaemonSets) != 10 {
		t.Errorf("causes %+v", cs)
	}
}

func TestOneTaintIsOneCauseAcrossDaemonSets(t *testing.T) {
	w := newPairWorld()
	for i := range 3 {
		w.node(fmt.Sprintf("n%d", i), []string{"karpenter.sh/nodepool=gpu"}, "ebs.csi.aws.com/agent-not-ready:NoSchedule")
	}
	w.node("other", nil)
	w.set("a", "x")
	w.set("b", "y")
	cs := causesOf(w.analyze(), TaintTransient)
	if len(cs) != 1 || cs[0].Object != "2 DaemonSets" || cs[0].Count != "3 nodes Excluded (suspect)" || cs[0].Shared != "all 3 of karpenter.sh/nodepool=gpu" {
		t.Errorf("causes %+v", cs)
	}
}

func TestWhatSettlesIsNoCause(t *testing.T) {
	w := newPairWorld()
	n := w.node("n1", nil)
	n.CreationTimestamp = ago(time.Minute)
	w.node("n2", nil)
	d := w.set("ns", "ds")
	w.pod(d, "n2")
	r := w.analyze()
	if cs := r.Causes(); len(cs) > 0 {
		t.Errorf("causes %+v", cs)
	}
	if s := r.Summary(); s.Settling != 1 || s.SettlingGaps != 1 {
		t.Errorf("summary %+v", s)
	}
}

func TestGapsComeBeforeOutdatedAndMisplaced(t *testing.T) {
	w := newPairWorld()
	w.node("n1", nil)
	w.node("n2", nil)
	w.node("n3", nil, "dedicated=batch:NoSchedule")
	d := w.set("ns", "ds")
	w.pod(d, "n1", func(p *corev1.Pod) { p.Labels[hashLabel], p.Labels[generationLabel] = "old", "0" })
	w.pod(d, "n3")
	var order []string
	for _, c := range w.analyze().Causes() {
		order = append(order, string(c.Reason))
	}
	if got := strings.Join(order, " "); !strings.HasPrefix(got, "CreateStale Outdated LatentUnrecreatable") {
		t.Errorf("order %s", got)
	}
}

func TestCohorts(t *testing.T) {
	all := make([]*corev1.Node, 6)
	for i := range all {
		all[i] = &corev1.Node{}
		all[i].Name = fmt.Sprintf("n%d", i)
		all[i].CreationTimestamp = ago(time.Duration(10-i) * time.Hour)
		all[i].Labels = map[string]string{corev1.LabelArchStable: "amd64", corev1.LabelTopologyZone: []string{"a", "b"}[i%2]}
	}
	all[2].Labels[corev1.LabelArchStable], all[3].Labels[corev1.LabelArchStable] = "arm64", "arm64"
	for _, c := range []struct {
		name  string
		group []int32
		want  string
	}{
		{"exactly the nodes of an architecture", []int32{2, 3}, "all 2 of arm64"},
		{"the youngest", []int32{4, 5}, "the 2 youngest, all joined in the last 6h"},
		{"a part of a zone", []int32{0, 2}, "all 2 are zone a, as is 1 more"},
		{"nothing in common", []int32{0, 3}, ""},
		{"one node", []int32{2}, ""},
		{"all nodes", []int32{0, 1, 2, 3, 4, 5}, "all 6"},
	} {
		if got := shared(all, c.group, pairNow); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// Names come from the cluster, and printed commands are pasted into shells.
func TestCommandsCannotBeBrokenOutOf(t *testing.T) {
	o := Options{CommandFlags: "--context 'a b'"}
	for in, want := range map[string]string{
		"node-1":      "kubectl delete node node-1 --context 'a b'",
		"a;rm -rf /":  "kubectl delete node 'a;rm -rf /' --context 'a b'",
		"$(reboot)":   "kubectl delete node '$(reboot)' --context 'a b'",
		"it's`id`":    `kubectl delete node 'it'\''s` + "`id`' --context 'a b'",
		"x\nrm -rf ~": "kubectl delete node 'x\nrm -rf ~' --context 'a b'",
		"--all":       "kubectl delete node '?' --context 'a b'",
	} {
		if got := o.command("kubectl", "delete", "node", in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

func reportOf(s Summary) DaemonSetCoverageList {
	return DaemonSetCoverageList{Summary: ListSummary{Summary: s}, Items: []DaemonSetCoverage{{Summary: s}}}
}

func TestConditions(t *testing.T) {
	full, part := 100.0, 98.5
	read := Finding{Reason: ReadFailed, Message: "list pods: forbidden"}
	for _, c := range []struct {
		name    string
		report  DaemonSetCoverageList
		failOn  []string
		min     string
		allow   bool
		outcome Outcome
	}{
		{"nothing is asked", reportOf(Summary{Gaps: 5}), nil, "", false, Holds},
		{"gaps fail", reportOf(Summary{Gaps: 1}), []string{"gaps"}, "", false, Fails},
		{"settling gaps do not", reportOf(Summary{Gaps: 1, SettlingGaps: 1}), []string{"gaps"}, "", false, Holds},
		{"nothing is looked at", DaemonSetCoverageList{}, []string{"gaps"}, "", false, Fails},
		{"what is outdated and settles does not", reportOf(Summary{Outdated: 2, SettlingOutdated: 2}), []string{"outdated"}, "", false, Holds},
		{"any is all words", reportOf(Summary{Hidden: 1}), []string{"any"}, "", false, Fails},
		{"a word that was not asked does not fail", reportOf(Summary{Outdated: 9}), []string{"gaps"}, "", false, Holds},
		{"unknown pairs leave it open", reportOf(Summary{Unknown: 1}), []string{"gaps"}, "", false, CannotTell},
		{"unless they are allowed", reportOf(Summary{Unknown: 1}), []string{"gaps"}, "", true, Holds},
		{"a failure is one whatever is unknown", reportOf(Summary{Unknown: 1, Gaps: 1}), []string{"gaps"}, "", false, Fails},
		{"coverage is enough", reportOf(Summary{Covered: 10, ShouldRun: 10, Coverage: &full}), nil, "99.5", false, Holds},
		{"coverage is too low", reportOf(Summary{Covered: 197, ShouldRun: 200, Coverage: &part}), nil, "99%", false, Fails},
		{"settling gaps count against coverage", reportOf(Summary{Covered: 197, ShouldRun: 200, SettlingGaps: 3, Gaps: 3, Coverage: &part}), nil, "99", false, Fails},
		{"unknown pairs might be covered", reportOf(Summary{Covered: 197, ShouldRun: 200, Unknown: 200, Coverage: &part}), nil, "99", false, CannotTell},
		{"a pod of a revision that nobody knows is no gap", reportOf(Summary{Unknown: 2, UnknownRevision: 2}), []string{"gaps", "hidden", "misplaced", "suspect"}, "", false, Holds},
		{"it may be outdated", reportOf(Summary{Unknown: 2, UnknownRevision: 2}), []string{"outdated"}, "", false, CannotTell},
		{"it is unknown", reportOf(Summary{Unknown: 2, UnknownRevision: 2}), []string{"unknown"}, "", false, Fails},
		{"another unknown pair may be a gap", reportOf(Summary{Unknown: 3, UnknownRevision: 2}), []string{"gaps"}, "", false, CannotTell},
		{"its node is covered, whatever its revision", reportOf(Summary{Unknown: 2, UnknownRevision: 2}), nil, "100", false, Holds},
		{"and too few such nodes are too few", reportOf(Summary{Unknown: 2, UnknownRevision: 2, ShouldRun: 1, Gaps: 1}), nil, "99", false, Fails},
		{"no coverage is a failure", DaemonSetCoverageList{}, nil, "1", false, Fails},
		{"no coverage because nothing was read is a doubt", DaemonSetCoverageList{Items: []DaemonSetCoverage{{Findings: []Finding{read}}}}, nil, "1", false, CannotTell},
	} {
		if c.name != "nothing is looked at" {
			c.report.Summary.Nodes = 1
		}
		cond, err := ParseCondition(c.failOn, c.min, c.allow)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got, why := c.report.Check(cond); got != c.outcome {
			t.Errorf("%s: outcome %d (%s), want %d", c.name, got, why, c.outcome)
		}
	}
	for _, bad := range []string{"101", "-1", "many", "NaN"} {
		if _, err := ParseCondition(nil, bad, false); err == nil {
			t.Errorf("--min-coverage %s is taken", bad)
		}
	}
	if _, err := ParseCondition([]string{"gasp"}, "", false); err == nil || !strings.Contains(err.Error(), "gaps, outdated") {
		t.Errorf("an unknown word: %v", err)
	}
}

func TestNeedsAreFew(t *testing.T) {
	w := newPairWorld()
	w.AllPods = false
	d := w.set("ns", "ds", asksOf("cpu", "4"))
	for i := range 200 {
		name := fmt.Sprintf("n%03d", i)
		w.node(name, nil)
		w.pod(d, name, pending("0/200 nodes are available: 1 Insufficient cpu, 199 node(s) didn't satisfy plugin(s) [NodeAffinity]."))
	}
	m := w.analyze().Needs()
	if len(m.Nodes) != 1 {
		t.Errorf("%d nodes of one shape are examined, one stands for all: %v", len(m.Nodes), m.Nodes)
	}
	if len(m.EventNamespaces) != 1 || len(m.Namespaces) != 0 {
		t.Errorf("needs %+v", m)
	}
	if got := (snapshot.More{}); !got.Empty() {
		t.Error("nothing is needed, and it is not empty")
	}
}

// What is pasted is judged as it was here: from the capture, and with the flags
// that make a verdict what it is. Other commands know no such flags.
func TestCommandsOfThisPluginReadTheSameCapture(t *testing.T) {
	const flags = "--from capture.json --grace 0s"
	w := testkit.NewWorld().Add(testkit.Node("n0"), testkit.Node("n1"), testkit.Node("n2").Taint("example.com/agent-not-ready:NoSchedule"))
	d := w.Run(testkit.DaemonSet("ops", "a"), "n0")
	w.Add(testkit.PodOf(d, "n1").Crashing(1, "Error", 5))
	cs := Analyze(w.Snapshot(), Options{Now: testkit.Now, CommandFlags: "--kubeconfig k", ReportFlags: flags}).Causes()
	explain := "kubectl ds-coverage explain -n ops a n2 --kubeconfig k " + flags
	var all []string
	for i := range cs {
		all = append(all, cs[i].Looks...)
	}
	if !slices.Contains(all, explain) || strings.Count(strings.Join(all, "\n"), flags) != 1 || len(all) < 2 {
		t.Errorf("%q", all)
	}
}
