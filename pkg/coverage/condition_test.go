package coverage

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// listOf is a report on DaemonSets of namespace ops, named a, b, c.
func listOf(items ...Summary) *DaemonSetCoverageList {
	l := &DaemonSetCoverageList{}
	for i := range items {
		s := items[i]
		s.finish()
		l.Summary.merge(&s)
		d := DaemonSetCoverage{Summary: s}
		d.Namespace, d.Name = "ops", string(rune('a'+i))
		l.Items = append(l.Items, d)
	}
	l.Summary.finish()
	return l
}

// A report says what was asked, the answer, and on whom it fails. A large
// DaemonSet that is well does not make up for a small one.
func TestTheReportHoldsTheAnswer(t *testing.T) {
	well, none := Summary{Nodes: 1000, Covered: 1000}, Summary{Nodes: 1000, Excluded: 1000}
	ninety := 90.0
	for _, c := range []struct {
		name string
		list *DaemonSetCoverageList
		cond Condition
		want Answer
	}{
		{"one is too low", listOf(well, Summary{Nodes: 4, Covered: 3, Missing: 1}), Condition{MinCoverage: &ninety},
			Answer{Met: metav1.ConditionFalse, Message: "coverage is below 90%: ops/b 75%", DaemonSets: []string{"ops/b"}}},
		{"the worst first", listOf(Summary{Nodes: 4, Covered: 3, Missing: 1}, well, Summary{Nodes: 4, Covered: 1, Missing: 3}), Condition{MinCoverage: &ninety},
			Answer{Met: metav1.ConditionFalse, Message: "coverage is below 90%: ops/c 25%, ops/a 75%", DaemonSets: []string{"ops/a", "ops/c"}}},
		{"what no node should run is passed over", listOf(well, none), Condition{MinCoverage: &ninety}, Answer{Met: metav1.ConditionTrue}},
		{"unless all are such", listOf(none, none), Condition{MinCoverage: &ninety},
			Answer{Met: metav1.ConditionFalse, Message: "no node should run any of them: there is no coverage"}},
		{"a word", listOf(well, Summary{Nodes: 4, Covered: 3, Missing: 1}), Condition{FailOn: []string{"gaps"}},
			Answer{Met: metav1.ConditionFalse, Message: "1 gaps", DaemonSets: []string{"ops/b"}}},
		{"unknown", listOf(well, Summary{Nodes: 4, Covered: 3, Unknown: 1}), Condition{FailOn: []string{"gaps"}},
			Answer{Met: metav1.ConditionUnknown, Message: "1 unknown", DaemonSets: []string{"ops/b"}}},
		{"nothing", listOf(), Condition{FailOn: []string{"gaps"}},
			Answer{Met: metav1.ConditionFalse, Message: "nothing was looked at: no DaemonSet and node is selected"}},
	} {
		c.want.FailOn, c.want.MinCoverage = c.cond.FailOn, c.cond.MinCoverage
		if diff := cmp.Diff(&c.want, c.list.Answer(c.cond)); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", c.name, diff)
		}
	}
}

func TestOnlyWhatARoleRefusesIsRefused(t *testing.T) {
	for _, c := range []struct {
		name string
		read snapshot.ReadFailure
		want string
	}{
		{"nodes", snapshot.ReadFailure{Verb: "list", Resource: snapshot.ResourceNodes, Error: "forbidden", Forbidden: true}, "list nodes: forbidden"},
		{"pods elsewhere", snapshot.ReadFailure{Verb: "list", Resource: snapshot.ResourcePods, Namespace: "other", Error: "forbidden", Forbidden: true}, ""},
		{"events", snapshot.ReadFailure{Verb: "list", Resource: snapshot.ResourceEvents, Error: "forbidden", Forbidden: true}, ""},
		{"a server in trouble", snapshot.ReadFailure{Verb: "list", Resource: snapshot.ResourceNodes, Error: "timeout"}, ""},
	} {
		w := testkit.NewWorld().Add(testkit.Node("n0"))
		w.Run(testkit.DaemonSet("ops", "agent"), "n0")
		s := w.Snapshot()
		s.Incomplete = append(s.Incomplete, c.read)
		if got := Analyze(s, Options{Now: testkit.Now}).Refused(); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
