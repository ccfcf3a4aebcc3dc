package eligibility_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/eligibility"
)

func TestEveryUntoleratedTaintIsListed(t *testing.T) {
	n := node(nil,
		taint("dedicated", "gpu", noSchedule), taint("team", "a", prefer), taint("lost", "", noExecute),
		taint("node.kubernetes.io/unschedulable", "", noSchedule), taint("node.kubernetes.io/unreachable", "", noSchedule))
	e := eligibility.Compile(template()).Explain(n, false, known(t))
	var keys []string
	for _, r := range e.Untolerated() {
		keys = append(keys, r.Taint.Key+"="+string(r.Class))
	}
	want := []string{"dedicated=", "lost=", "node.kubernetes.io/unreachable=broken"}
	if diff := cmp.Diff(want, keys); diff != "" {
		t.Errorf("untolerated taints (-want +got):\n%s", diff)
	}
	if len(e.Taints) != 5 || e.Taints[1].Decides {
		t.Errorf("PreferNoSchedule should be listed and not decide: %+v", e.Taints)
	}
	if e.Answer != never {
		t.Errorf("the answer is %+v", e.Answer)
	}
}

func TestATaintSaysWhatToleratesIt(t *testing.T) {
	n := node(nil, taint("dedicated", "gpu", noSchedule), taint("node.kubernetes.io/disk-pressure", "", noSchedule), taint("gone", "", noSchedule))
	rules := eligibility.Compile(template(tolerates("other", "Exists", "", ""), tolerates("dedicated", "Equal", "gpu", noSchedule)))
	e := rules.Explain(n, false, nil)
	for i, want := range []eligibility.TaintResult{
		{Tolerated: true, ByIndex: 1, By: &corev1.Toleration{Key: "dedicated", Operator: "Equal", Value: "gpu", Effect: noSchedule}},
		{Tolerated: true, ByIndex: 2, ByDefault: true,
			By: &corev1.Toleration{Key: "node.kubernetes.io/disk-pressure", Operator: "Exists", Effect: noSchedule}},
		{},
	} {
		want.Taint, want.Decides = n.Spec.Taints[i], true
		if diff := cmp.Diff(want, e.Taints[i]); diff != "" {
			t.Errorf("taint %d (-want +got):\n%s", i, diff)
		}
	}
}

func TestRequirementsCarryTheirOperands(t *testing.T) {
	rules := eligibility.Compile(template(
		selector("os", "linux", "arch", "arm64"),
		requires(corev1.NodeSelectorTerm{
			MatchExpressions: []corev1.NodeSelectorRequirement{need("pool", notIn, "edge"), need("size", gt, "9")},
			MatchFields:      []corev1.NodeSelectorRequirement{need("metadata.name", in, "n2")},
		}),
	))
	e := rules.Explain(node(labels("os", "linux", "arch", "amd64", "size", "10")), false, nil)
	wantSelector := []eligibility.RequirementResult{
		{Key: "arch", Operator: in, Values: []string{"arm64"}, Has: true, Value: "amd64", Positive: true},
		{Key: "os", Operator: in, Values: []string{"linux"}, Has: true, Value: "linux", OK: true, Positive: true},
	}
	if diff := cmp.Diff(wantSelector, e.Selector); diff != "" {
		t.Errorf("nodeSelector, by key (-want +got):\n%s", diff)
	}
	wantTerm := []eligibility.RequirementResult{
		{Key: "pool", Operator: notIn, Values: []string{"edge"}, OK: true},
		{Key: "size", Operator: gt, Values: []string{"9"}, Has: true, Value: "10", OK: true, Positive: true},
		{Key: "metadata.name", Operator: in, Values: []string{"n2"}, Field: true, Has: true, Value: "n1", Positive: true},
	}
	if diff := cmp.Diff(wantTerm, e.Terms[0].Requirements); diff != "" {
		t.Errorf("the term (-want +got):\n%s", diff)
	}
	if got := words(e.Failing()); got != "arch=arm64; metadata.name=n2" {
		t.Errorf("what fails: %s", got)
	}
	if got := words(e.Passing()); got != "os=linux; size Gt 9" {
		t.Errorf("what holds and asks for something: %s", got)
	}
}

func TestFailingSpeaksOfTheNearestTerm(t *testing.T) {
	far := byLabels(need("a", exists), need("b", exists), need("c", exists))
	near := byLabels(need("a", exists), need("b", exists))
	broken := byLabels(need("a", "near"))
	for _, c := range []struct {
		name    string
		terms   []corev1.NodeSelectorTerm
		node    *corev1.Node
		nearest int
		failing string
	}{
		{"the term with the fewest failures", []corev1.NodeSelectorTerm{far, near}, node(labels("a", "")), 1, "b Exists"},
		{"the first of two that are as near", []corev1.NodeSelectorTerm{near, near}, node(nil), 0, "a Exists; b Exists"},
		{"not an empty one", []corev1.NodeSelectorTerm{{}, near}, node(nil), 1, "a Exists; b Exists"},
		{"not a broken one", []corev1.NodeSelectorTerm{broken, far}, node(labels("a", "")), 1, "b Exists; c Exists"},
		{"none where no term could match", []corev1.NodeSelectorTerm{{}, broken}, node(nil), -1, ""},
		{"nothing where one holds", []corev1.NodeSelectorTerm{far, near}, node(labels("a", "", "b", "")), 1, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := eligibility.Compile(template(requires(c.terms...))).Explain(c.node, false, nil)
			if got := e.NearestTerm(); got != c.nearest {
				t.Errorf("nearest is %d, want %d", got, c.nearest)
			}
			if got := words(e.Failing()); got != c.failing {
				t.Errorf("failing: %q, want %q", got, c.failing)
			}
		})
	}
}

func TestBrokenRequirementsSayWhy(t *testing.T) {
	for _, c := range []struct {
		name string
		term corev1.NodeSelectorTerm
		says string
	}{
		{"an unknown operator", byLabels(need("a", "near", "x")), `operator "near" is not one of`},
		{"In without values", byLabels(need("a", in)), "values set can't be empty"},
		{"a number that is none", byLabels(need("a", gt, "many")), "must be an integer"},
		{"two values of a field", byFields(need("metadata.name", in, "n1", "n2")), "exactly one value, not 2"},
		{"an operator that fields lack", byFields(need("metadata.name", exists)), `"Exists" of matchFields is not In or NotIn`},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := eligibility.Compile(template(requires(c.term))).Explain(node(labels("a", "x")), false, nil)
			r := e.Terms[0].Requirements[0]
			if !strings.Contains(r.Err, c.says) || r.OK || !e.Terms[0].Broken || e.AffinityOK {
				t.Errorf("got %+v, want an error with %q", e.Terms[0], c.says)
			}
		})
	}
}

func TestExplainNamesTheOtherNode(t *testing.T) {
	e := eligibility.Compile(template(nodeName("n2"))).Explain(node(nil), false, nil)
	if e.NodeNameOK || e.NodeName != "n2" || e.Affinity || !e.AffinityOK || !e.SelectorOK() {
		t.Errorf("got %+v", e)
	}
}

func TestRequirementsPrintAsPeopleWriteThem(t *testing.T) {
	for _, c := range []struct {
		requirement corev1.NodeSelectorRequirement
		want        string
	}{
		{need("os", in, "linux"), "os=linux"},
		{need("os", in, ""), "os="},
		{need("os", in, "linux", "windows"), "os In [linux, windows]"},
		{need("os", in), "os In []"},
		{need("os", notIn, "windows"), "os NotIn [windows]"},
		{need("gpu", exists), "gpu Exists"},
		{need("gpu", doesNotExist), "gpu DoesNotExist"},
		{need("gpu", exists, "x"), "gpu Exists [x]"},
		{need("size", gt, "9"), "size Gt 9"},
		{need("size", lt, "9", "10"), "size Lt [9, 10]"},
		{need("os", "near", "x"), "os near [x]"},
	} {
		r := c.requirement
		if got := eligibility.FormatRequirement(r.Key, r.Operator, r.Values); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func words(rs []eligibility.RequirementResult) string {
	var out []string
	for _, r := range rs {
		out = append(out, r.String())
	}
	return strings.Join(out, "; ")
}
