package present

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/coverage"
)

func TestFlatScreens(t *testing.T) {
	since := metav1.NewTime(monday.Add(-9*time.Hour - 40*time.Minute))
	list := mondayMorning()
	list.Items = list.Items[2:4]
	for i := range list.Items {
		list.Items[i].Nodes = list.Items[i].Nodes[:24]
		for j := range list.Items[i].Nodes {
			list.Items[i].Nodes[j].Since = &since
		}
	}
	for _, c := range []struct {
		name string
		o    Options
	}{
		{"flat-120", at120()},
		{"flat-80", with(at120(), func(o *Options) { o.Width = 80 })},
		{"flat-pipe-gaps-only", Options{Now: monday, GapsOnly: true}},
		{"flat-by-state", Options{Now: monday, GapsOnly: true, NoHeaders: true, SortBy: SortKey{"state", true}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			screen(t, rendered(t, func(b *bytes.Buffer) error { return Flat(b, list, c.o) }), c.name)
		})
	}
}

// long is a world with names as long as they come in clouds.
func long() (*coverage.DaemonSetCoverageList, *coverage.NodeCoverageList) {
	list, nodes := mondayMorning(), twoNodes()
	for i := range list.Items {
		for j := range list.Items[i].Nodes {
			v := &list.Items[i].Nodes[j]
			v.Message = "0/200 nodes are available: 1 Insufficient cpu, 199 node(s) didn't satisfy plugin(s) [NodeAffinity]."
			if j%3 == 0 {
				v.State, v.Suspect = coverage.Excluded, true
			}
		}
	}
	nodes.Items[1].DaemonSets[1].Reason, nodes.Items[1].DaemonSets[1].Suspect = coverage.CreateForbiddenPSA, true
	nodes.Items[1].DaemonSets[1].Name += "-with-a-long-name"
	return list, nodes
}

func TestTablesFitTheTerminal(t *testing.T) {
	list, nodes := long()
	screens := map[string]func(*bytes.Buffer, Options) error{
		"main":  func(b *bytes.Buffer, o Options) error { return Coverage(b, list, nil, o) },
		"flat":  func(b *bytes.Buffer, o Options) error { return Flat(b, list, o) },
		"nodes": func(b *bytes.Buffer, o Options) error { return NodesTable(b, nodes, o) },
		"node":  func(b *bytes.Buffer, o Options) error { return Nodes(b, nodes, o) },
	}
	for name, show := range screens {
		for _, width := range []int{80, 90, 100, 110, 120, 140, 160} {
			out := string(rendered(t, func(b *bytes.Buffer) error {
				return show(b, with(at120(), func(o *Options) { o.Width = width }))
			}))
			lines := strings.Split(strings.TrimSpace(out), "\n")
			if name == "main" { // the context and the verdict are one line each, for a chat
				lines = lines[1 : len(lines)-1]
			}
			for _, line := range lines {
				if len(line) > width {
					t.Errorf("%s: %d columns on a terminal of %d: %s", name, len(line), width, line)
					break
				}
			}
		}
		// Neither a pipe nor who asks for more loses anything.
		for _, o := range []Options{{Now: monday}, {Now: monday, Width: 80, Full: true}, {Now: monday, Width: 80, Wide: true}} {
			out := string(rendered(t, func(b *bytes.Buffer) error { return show(b, o) }))
			if name == "flat" && !strings.Contains(out, "[NodeAffinity]") || strings.Contains(out, "...") {
				t.Errorf("%s: something is cut with %+v", name, o)
			}
		}
	}
}

func whyNot() *coverage.Explanation {
	at := metav1.NewTime(monday)
	v := verdictOf(coverage.Excluded, coverage.TaintTransient)
	v.Suspect = true
	return &coverage.Explanation{
		ObjectMeta: metav1.ObjectMeta{Namespace: "storage", Name: "fsx-csi-node"},
		Source:     coverage.ReportSource{Context: "train-eu-1", ServerVersion: "v1.37.2", TakenAt: &at},
		Node:       "ip-10-0-128-4", Verdict: v, Headline: "One taint away from should-run.",
		Rules: []coverage.RuleLine{
			{Number: 1, Rule: "nodeName", Operands: "the template names no node", Result: "pass"},
			{Number: 2, Rule: "nodeSelector", Operands: "kubernetes.io/os=linux; the node has linux", Result: "pass"},
			{Number: 3, Rule: "nodeAffinity", Operands: "term 1 of 1: eks.amazonaws.com/compute-type NotIn [fargate]; label absent", Result: "pass"},
			{Number: 4, Rule: "taint", Operands: "nvidia.com/gpu=present:NoSchedule; template toleration 1 (Exists)", Result: "pass"},
			{Number: 5, Rule: "taint", Operands: "fsx.csi.aws.com/agent-not-ready:NoSchedule; none of 1 template, 6 default", Result: "FAIL, transient", Failed: true},
			{Number: 6, Rule: "should run", Operands: "now: no (5). steady: yes. may a running pod stay: yes (no NoExecute taint)", Result: "no"},
			{Number: 7, Rule: "pod", Operands: "none on this node, none pinned to it; no FailedCreate event", Result: "-"},
			{Number: 8, Rule: "room", Operands: "asks cpu 30m, memory 120Mi; free 41220m, 913Gi; no host ports", Result: "pass"},
			{Rule: "holders", Operands: "team-a/api-7d9f6c-x2x9q 600m, team-b/job-r8h4k 345m"},
		},
		Changes: []coverage.Change{
			{Where: "template", Do: "tolerate fsx.csi.aws.com/agent-not-ready", From: 36, To: 190},
			{Where: "node", Do: "kubectl taint node ip-10-0-128-4 fsx.csi.aws.com/agent-not-ready:NoSchedule-", From: 36, To: 37},
		},
	}
}

func TestExplainScreens(t *testing.T) {
	for _, c := range []struct {
		name string
		o    Options
	}{
		{"explain-120", at120()},
		{"explain-80", with(at120(), func(o *Options) { o.Width = 80 })},
		{"explain-pipe", Options{Now: monday}},
		{"explain-color", with(at120(), func(o *Options) { o.Color = true })},
	} {
		t.Run(c.name, func(t *testing.T) {
			screen(t, rendered(t, func(b *bytes.Buffer) error { return Explanation(b, whyNot(), c.o) }), c.name)
		})
	}
}

// twoNodes are one with a gap and one that is well.
func twoNodes() *coverage.NodeCoverageList {
	at := metav1.NewTime(monday)
	n := coverage.NodeCoverage{
		ObjectMeta: metav1.ObjectMeta{Name: "ip-10-0-20-5.eu.internal", CreationTimestamp: metav1.NewTime(monday.Add(-41 * 24 * time.Hour))},
		Ready:      "True", Arch: "arm64", InstanceType: "m7g.xlarge", Zone: "a", Pool: "general-arm64",
		Cost: coverage.NodeCost{Pods: 12, MilliCPU: 1365, Memory: 2464 << 20, AllocatablePods: 58, AllocatableMilliCPU: 3920, AllocatableMemory: 14950 << 20},
	}
	add := func(ns, name string, s coverage.State, r coverage.Reason, milli, mi int64, age time.Duration) {
		d := coverage.NodeDaemonSet{Namespace: ns, Name: name, NodeVerdict: verdictOf(s, r), MilliCPU: milli, Memory: mi << 20}
		d.Node = n.Name
		if age > 0 {
			since := metav1.NewTime(monday.Add(-age))
			d.Since, d.Pod = &since, name+"-8xk2p"
		}
		tally(&n.Summary, &d.NodeVerdict)
		n.DaemonSets = append(n.DaemonSets, d)
	}
	day := 24 * time.Hour
	add("security", "falco", coverage.Covered, coverage.Current, 100, 512, 12*day)
	add("kube-system", "cilium-envoy", coverage.Covered, coverage.Current, 100, 128, 25*day)
	add("logging", "vector", coverage.Unready, coverage.ArchMismatch, 250, 256, 9*time.Hour+40*time.Minute)
	add("kube-system", "cilium", coverage.Covered, coverage.Current, 200, 512, 25*day)
	add("datadog", "datadog-agent", coverage.Covered, coverage.Current, 500, 512, 6*day)
	for i := range 7 {
		add("other", fmt.Sprintf("agent-%d", i), coverage.Covered, coverage.Current, 30+int64(i/6)*5, 77+int64(i/6)*5, day)
	}
	add("gpu-operator", "dcgm-exporter", coverage.Excluded, coverage.SelectorMismatch, 0, 0, 0)
	add("gpu-operator", "nvidia-device-plugin", coverage.Excluded, coverage.SelectorMismatch, 0, 0, 0)
	well := n
	well.Name, well.DaemonSets, well.Unschedulable = "ip-10-0-9-1.eu.internal", n.DaemonSets[:2], true
	well.DeletionTimestamp = &at
	well.Summary = coverage.Summary{}
	for i := range well.DaemonSets {
		tally(&well.Summary, &well.DaemonSets[i].NodeVerdict)
	}
	return &coverage.NodeCoverageList{
		Source: coverage.ReportSource{Context: "train-eu-1", ServerVersion: "v1.37.2", TakenAt: &at},
		Items:  []coverage.NodeCoverage{well, n},
	}
}

func TestNodeScreens(t *testing.T) {
	for _, c := range []struct {
		name string
		show func(*bytes.Buffer, *coverage.NodeCoverageList, Options) error
		o    Options
	}{
		{"nodes-120", tableOfNodes, at120()},
		{"nodes-80", tableOfNodes, with(at120(), func(o *Options) { o.Width = 80 })},
		{"nodes-wide", tableOfNodes, with(at120(), func(o *Options) { o.Wide, o.Width = true, 0 })},
		{"nodes-gaps-only", tableOfNodes, with(at120(), func(o *Options) { o.GapsOnly = true })},
		{"nodes-quiet", tableOfNodes, with(at120(), func(o *Options) { o.Quiet = true })},
		{"node-120", blocksOfNodes, at120()},
		{"node-80", blocksOfNodes, with(at120(), func(o *Options) { o.Width = 80 })},
		{"node-pipe", blocksOfNodes, with(at120(), func(o *Options) { o.Width = 0 })},
		{"node-gaps-only", blocksOfNodes, with(at120(), func(o *Options) { o.GapsOnly = true })},
	} {
		t.Run(c.name, func(t *testing.T) {
			screen(t, rendered(t, func(b *bytes.Buffer) error { return c.show(b, twoNodes(), c.o) }), c.name)
		})
	}
}

func tableOfNodes(b *bytes.Buffer, l *coverage.NodeCoverageList, o Options) error {
	return NodesTable(b, l, o)
}

func blocksOfNodes(b *bytes.Buffer, l *coverage.NodeCoverageList, o Options) error {
	return Nodes(b, l, o)
}

// On a terminal the worst nodes must not scroll away.
func TestATerminalGetsTheFirstNodesAndACountOfTheOthers(t *testing.T) {
	l := &coverage.NodeCoverageList{Source: mondayMorning().Source}
	for i := range 2*nodesOnScreen + 50 {
		n := coverage.NodeCoverage{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("n%03d", i)}, Ready: "True"}
		if n.Summary.ShouldRun = 1; i%2 == 0 {
			n.Summary.Gaps = 1
		}
		l.Items = append(l.Items, n)
	}
	for _, c := range []struct {
		name string
		o    Options
		rows int
		want string
	}{
		{"terminal", at120(), nodesOnScreen, "\n150 more nodes, 25 with gaps or suspect (--full)\n"},
		{"by name", with(at120(), func(o *Options) { o.SortBy = SortKey{"node", false} }), nodesOnScreen, "\n150 more nodes, 75 with gaps or suspect (--full)\n"},
		{"full", with(at120(), func(o *Options) { o.Full = true }), 250, ""},
		{"wide", with(at120(), func(o *Options) { o.Wide = true }), 250, ""},
		{"pipe", Options{Now: monday}, 250, ""},
	} {
		out := string(rendered(t, func(b *bytes.Buffer) error { return NodesTable(b, l, c.o) }))
		if got := strings.Count(out, "\nn"); got != c.rows || !strings.Contains(out, c.want) || (c.want == "") == strings.Contains(out, "more nodes") {
			t.Errorf("%s: %d rows, want %d and %q in\n%s", c.name, got, c.rows, c.want, out[max(0, len(out)-400):])
		}
	}
	l.Items = l.Items[:nodesOnScreen+1]
	for i := range l.Items {
		l.Items[i].Summary.Gaps = 0
	}
	if out := string(rendered(t, func(b *bytes.Buffer) error { return NodesTable(b, l, at120()) })); !strings.Contains(out, "\n1 more node, without gap or suspect (--full)\n") {
		t.Errorf("not told of one more that is well:\n%s", out[max(0, len(out)-300):])
	}
}
