package coverage

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
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
			Answer{Met: metav1.ConditionFalse, Message: "1 gap", DaemonSets: []string{"ops/b"}}},
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

// What is refused ends a waiting only where the answer depends on it, and time
// does not mend it.
func TestOnlyWhatARoleRefusesIsRefused(t *testing.T) {
	refused := func(resource, namespace string) snapshot.ReadFailure {
		return snapshot.ReadFailure{Verb: "list", Resource: resource, Namespace: namespace, Error: "forbidden", Forbidden: true}
	}
	for _, c := range []struct {
		name     string
		read     snapshot.ReadFailure
		observed int64 // generation, of 3
		failOn   string
		want     string
	}{
		{"nodes", refused(snapshot.ResourceNodes, ""), 3, "gaps", "list nodes: forbidden"},
		{"pods", refused(snapshot.ResourcePods, "ops"), 3, "gaps", "list pods in ops: forbidden"},
		{"pods elsewhere", refused(snapshot.ResourcePods, "other"), 3, "gaps", ""},
		{"events", refused(snapshot.ResourceEvents, ""), 3, "gaps", ""},
		{"a server in trouble", snapshot.ReadFailure{Verb: "list", Resource: snapshot.ResourceNodes, Error: "timeout"}, 3, "gaps", ""},
		{"revisions", refused(snapshot.ResourceRevisions, "ops"), 3, "outdated", "list controllerrevisions in ops: forbidden"},
		{"revisions, asked for unknown", refused(snapshot.ResourceRevisions, "ops"), 3, "unknown", "list controllerrevisions in ops: forbidden"},
		{"revisions, not asked for", refused(snapshot.ResourceRevisions, "ops"), 3, "gaps", ""},
		{"revisions that status soon tells", refused(snapshot.ResourceRevisions, "ops"), 2, "outdated", ""},
	} {
		w := testkit.NewWorld()
		d := testkit.DaemonSet("ops", "agent").Generation(3, c.observed).Build()
		w.Add(d)
		for _, n := range []string{"n0", "n1"} { // revisions of their own, and older than the template: they do not tell
			w.Add(testkit.Node(n), testkit.PodOf(d, n).Hash(n).Change(func(p *corev1.Pod) { p.Labels[generationLabel] = "1" }))
		}
		if c.read.Resource != snapshot.ResourceRevisions {
			w.Add(testkit.Revision(d, "n0", 2, time.Hour))
		}
		s := w.Snapshot()
		s.Incomplete = append(s.Incomplete, c.read)
		if got := Analyze(s, Options{Now: testkit.Now}).Refused(Condition{FailOn: []string{c.failOn}}); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestACopyOfAReportIsItsOwn(t *testing.T) {
	ninety := 90.0
	l := listOf(Summary{Nodes: 1, Missing: 1, ShouldRun: 1})
	l.Condition = l.Answer(Condition{FailOn: []string{"gaps"}, MinCoverage: &ninety})
	c := l.DeepCopyObject().(*DaemonSetCoverageList).Condition
	c.FailOn[0], c.DaemonSets[0], *c.MinCoverage = "x", "x", 1
	if a := l.Condition; a.FailOn[0] != "gaps" || a.DaemonSets[0] != "ops/a" || *a.MinCoverage != 90 {
		t.Errorf("the report changed with its copy: %+v", a)
	}
}
