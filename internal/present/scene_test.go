package present

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"gotest.tools/v3/golden"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/coverage"
)

var monday = time.Date(2026, 11, 23, 8, 12, 4, 0, time.UTC)

// at120 is a terminal without colours.
func at120() Options {
	return Options{Width: 120, Now: monday, Took: 800 * time.Millisecond, Grace: 5 * time.Minute}
}

func with(o Options, f func(*Options)) Options {
	f(&o)
	return o
}

// world is the cluster of the golden files: 191 nodes, the first of them lost.
type world struct {
	list *coverage.DaemonSetCoverageList
}

const worldNodes = 191

func nodeName(i int) string {
	if i == 0 {
		return "ip-10-0-141-7.eu-west-1.compute.internal"
	}
	return fmt.Sprintf("ip-10-0-%d-%d.eu-west-1.compute.internal", 128+i/100, i%100)
}

func newWorld() *world {
	at := metav1.NewTime(monday)
	return &world{&coverage.DaemonSetCoverageList{
		Source:  coverage.ReportSource{Context: "train-eu-1", ServerVersion: "v1.37.2", TakenAt: &at},
		Summary: coverage.ListSummary{LiveNodes: worldNodes},
	}}
}

// judge gives a verdict for node i; the zero one is Covered.
type judge func(i int) coverage.NodeVerdict

func (w *world) add(ns, name string, steadyRun int, f judge) {
	d := coverage.DaemonSetCoverage{
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name, CreationTimestamp: metav1.NewTime(monday.Add(-90 * 24 * time.Hour))},
		Revision:   coverage.Revision{Name: name + "-5d8b7c9f4", Hash: "5d8b7c9f4", Number: 8},
	}
	for i := range worldNodes {
		v := f(i)
		v.Node = nodeName(i)
		if v.State == 0 {
			v.State, v.Reason, v.Pod, v.PodRevision = coverage.Covered, coverage.Current, fmt.Sprintf("%s-%05d", name, i), "5d8b7c9f4"
		}
		tally(&d.Summary, &v)
		d.Nodes = append(d.Nodes, v)
	}
	d.Summary.Steady = coverage.Steady{ShouldRun: steadyRun, Covered: d.Summary.Covered + d.Summary.Outdated}
	w.list.Items = append(w.list.Items, d)
	merge(&w.list.Summary.Summary, &d.Summary)
}

func tally(s *coverage.Summary, v *coverage.NodeVerdict) {
	s.Nodes++
	switch v.State {
	case coverage.Covered:
		s.Covered++
	case coverage.Outdated:
		s.Outdated++
	case coverage.Unready:
		s.Unready++
		s.Gaps++
	case coverage.Missing:
		s.Missing++
		s.Gaps++
	case coverage.Misplaced:
		s.Misplaced++
	case coverage.Excluded:
		s.Excluded++
	default:
		s.Unknown++
	}
	if v.State.ShouldRun() {
		s.ShouldRun++
	}
	if v.Suspect {
		s.Suspect++
	}
	if v.Settling {
		s.Settling++
		if v.State.Gap() {
			s.SettlingGaps++
		}
	}
}

func merge(s, o *coverage.Summary) {
	s.Nodes += o.Nodes
	s.ShouldRun += o.ShouldRun
	s.Covered += o.Covered
	s.Outdated += o.Outdated
	s.Gaps += o.Gaps
	s.Misplaced += o.Misplaced
	s.Excluded += o.Excluded
	s.Suspect += o.Suspect
	s.Unknown += o.Unknown
	s.Settling += o.Settling
	s.SettlingGaps += o.SettlingGaps
	s.Steady.ShouldRun += o.Steady.ShouldRun
	s.Steady.Covered += o.Steady.Covered
}

func verdictOf(s coverage.State, r coverage.Reason) coverage.NodeVerdict {
	return coverage.NodeVerdict{State: s, Reason: r}
}

var (
	lost     = verdictOf(coverage.Unready, coverage.NodeLost)
	latent   = verdictOf(coverage.Misplaced, coverage.LatentUnrecreatable)
	excluded = verdictOf(coverage.Excluded, coverage.SelectorMismatch)
)

// onlyLost is well everywhere but on the lost node.
func onlyLost(i int) coverage.NodeVerdict {
	if i == 0 {
		return lost
	}
	return coverage.NodeVerdict{}
}

// mondayMorning is what a person on call sees first: all is green, and 155
// nodes go without.
func mondayMorning() *coverage.DaemonSetCoverageList {
	w := newWorld()
	w.add("storage", "fsx-csi-node", 191, func(i int) coverage.NodeVerdict {
		if i >= 36 {
			v := verdictOf(coverage.Excluded, coverage.TaintTransient)
			v.Suspect = true
			v.Message = "taint fsx.csi.aws.com/agent-not-ready:NoSchedule is not tolerated"
			return v
		}
		return coverage.NodeVerdict{}
	})
	gaps := func(n int, r coverage.Reason, s coverage.State, from int) judge {
		return func(i int) coverage.NodeVerdict {
			if i >= from && i < from+n {
				return verdictOf(s, r)
			}
			return onlyLost(i)
		}
	}
	w.add("security", "falco", 191, gaps(12, coverage.CreateForbiddenPSA, coverage.Missing, 1))
	w.add("datadog", "datadog-agent", 191, gaps(7, coverage.SchedInsufficient, coverage.Unready, 13))
	w.add("logging", "vector", 191, func(i int) coverage.NodeVerdict {
		switch {
		case i == 0:
			return lost
		case i >= 20 && i < 23:
			return verdictOf(coverage.Unready, coverage.ArchMismatch)
		case i >= 23 && i < 149:
			return verdictOf(coverage.Outdated, coverage.OutdatedReason)
		}
		return coverage.NodeVerdict{}
	})
	for _, n := range []string{"cilium", "cilium-envoy", "ebs-csi-node", "eks-pod-identity-agent", "node-local-dns"} {
		w.add("kube-system", n, 191, onlyLost)
	}
	w.add("monitoring", "node-exporter", 191, onlyLost)
	w.add("monitoring", "node-problem-detector", 191, onlyLost)
	gpu := func(i int) coverage.NodeVerdict {
		switch {
		case i == 0:
			return latent
		case i > 154:
			return excluded
		}
		return coverage.NodeVerdict{}
	}
	w.add("gpu-operator", "dcgm-exporter", 155, gpu)
	w.add("gpu-operator", "nvidia-device-plugin", 155, gpu)
	w.add("maintenance", "kured", 35, func(i int) coverage.NodeVerdict {
		switch {
		case i == 0:
			return latent
		case i > 35:
			return excluded
		}
		return coverage.NodeVerdict{}
	})
	return w.list
}

// allWell has nothing wrong.
func allWell() *coverage.DaemonSetCoverageList {
	w := newWorld()
	w.add("kube-system", "cilium", 191, func(int) coverage.NodeVerdict { return coverage.NodeVerdict{} })
	w.add("logging", "vector", 191, func(int) coverage.NodeVerdict { return coverage.NodeVerdict{} })
	return w.list
}

func someNodes(from, n int) []string {
	var out []string
	for i := range n {
		out = append(out, nodeName(from+i))
	}
	return out
}

func mondayCauses() []coverage.Cause {
	return []coverage.Cause{
		{
			Reason: coverage.TaintTransient, Object: "storage/fsx-csi-node", Count: "155 nodes Excluded (suspect)",
			Facts:  []coverage.Fact{{Label: "taint", Text: "fsx.csi.aws.com/agent-not-ready:NoSchedule, a startup taint that the template does not tolerate"}},
			Shared: "all 155 of karpenter.sh/nodepool=gpu", Nodes: someNodes(36, 155),
			Notes: []string{"status says 36 desired, 36 ready; recomputed: 36 nodes should run it now, 191 with the taint set aside"},
			Fixes: []string{"add {key: fsx.csi.aws.com/agent-not-ready, operator: Exists} to spec.template.spec.tolerations"},
			Looks: []string{"kubectl ds-coverage explain -n storage fsx-csi-node " + nodeName(36)},
		},
		{
			Reason: coverage.CreateForbiddenPSA, Object: "security/falco", Count: "12 nodes Missing",
			Facts:  []coverage.Fact{{Label: "event", Text: `3m ago: violates PodSecurity "baseline:latest": hostPath volumes (volumes "proc", "boot"), privileged (+1)`}},
			Shared: "the 12 youngest, all joined in the last 2d16h", Nodes: someNodes(1, 12),
			Notes: []string{"older nodes keep their pods only until something deletes them"},
			Fixes: []string{"kubectl label namespace security pod-security.kubernetes.io/enforce=privileged --overwrite"},
		},
		{
			Reason: coverage.ArchMismatch, Object: "logging/vector", Count: "3 nodes Unready",
			Facts:  []coverage.Fact{{Label: "image", Text: "registry.example.com/vector:0.49.0: no match for platform in manifest"}},
			Shared: "all 3 are arm64", Nodes: someNodes(20, 3),
			Notes: []string{"9 more arm64 nodes still run the old revision and would fail the same way"},
			Fixes: []string{"publish the image for arm64, or: kubectl ds-rollout undo -n logging vector"},
		},
		{
			Reason: coverage.NodeLost, Object: "node " + nodeName(0), Count: "10 DaemonSets Unready, 2 Misplaced",
			Facts: []coverage.Fact{{Label: "node", Text: "Ready is Unknown since 22:41Z (9h31m): Kubelet stopped posting node status"}},
			Fixes: []string{"recover the node; if it is gone for good: kubectl delete node " + nodeName(0)},
		},
		{
			Reason: coverage.OutdatedReason, Object: "logging/vector", Count: "126 nodes Outdated",
			Facts: []coverage.Fact{{Label: "why", Text: "RollingUpdate is stuck: 4 of 4 allowed unavailable are taken (3 ArchMismatch, 1 NodeLost)"}},
			Nodes: someNodes(23, 126),
			Looks: []string{"kubectl ds-rollout status -n logging vector"},
		},
		{
			Reason: coverage.LatentUnrecreatable, Object: "maintenance/kured", Count: "1 pod Misplaced (latent)",
			Facts: []coverage.Fact{{Label: "taint", Text: "dedicated=batch:NoSchedule on " + nodeName(0) + ": the pod stays, and would not come back once deleted"}},
			Nodes: someNodes(0, 1),
			Fixes: []string{"tolerate dedicated=batch, or accept that the node has no kured after its next restart"},
		},
	}
}

var sgr = regexp.MustCompile("\x1b\\[[0-9;]*m")

// screen compares with a golden file, after the rules that hold for all
// screens: no trailing blanks, no control characters but our own colours.
func screen(t *testing.T, out []byte, name string) {
	t.Helper()
	bare := sgr.ReplaceAllString(string(out), "")
	for i, line := range strings.Split(bare, "\n") {
		if strings.TrimRight(line, " \t") != line {
			t.Errorf("line %d has trailing blanks: %q", i+1, line)
		}
		if strings.IndexFunc(line, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }) >= 0 {
			t.Errorf("line %d has control characters: %q", i+1, line)
		}
	}
	golden.Assert(t, string(out), name+".golden")
}

func rendered(t *testing.T, f func(*bytes.Buffer) error) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := f(&buf); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}
