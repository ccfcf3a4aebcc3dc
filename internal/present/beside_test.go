package present

import (
	"bytes"
	"strings"
	"testing"

	"github.com/kubectl-ds/kubectl-ds/pkg/coverage"
)

func TestBesideABareTableStandsWhatItLeavesOut(t *testing.T) {
	list := &coverage.DaemonSetCoverageList{
		Source: coverage.ReportSource{Context: "prod", Incomplete: []coverage.IncompleteRead{{Verb: "list", Resource: "events", Error: "forbidden", Remedy: "ask"}}},
		Items:  []coverage.DaemonSetCoverage{{}},
	}
	var out bytes.Buffer
	if err := Beside(&out, list, Options{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"prod", "Incomplete:", "list events"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("lacks %q:\n%s", want, out.String())
		}
	}
}

func TestWhatManyFailedReadsNeedIsSaidOnce(t *testing.T) {
	grant := coverage.GrantRemedy + "kubectl ds-coverage rbac --context prod"
	list := &coverage.DaemonSetCoverageList{
		Source: coverage.ReportSource{Incomplete: []coverage.IncompleteRead{
			{Verb: "list", Resource: "events", Error: "forbidden", Remedy: grant},
			{Verb: "list", Resource: "namespaces", Error: "refused", Remedy: "try again"},
			{Verb: "list", Resource: "pods", Error: "forbidden", Remedy: grant},
		}},
		Items: []coverage.DaemonSetCoverage{{}},
	}
	want := `Incomplete: events are forbidden (list events): reasons that need them say Unknown.
Incomplete: namespaces could not be read (refused): rules of namespaces are not known; try again
Incomplete: pods are forbidden (list pods): verdicts that need them say Unknown.
Grant: kubectl ds-coverage rbac --context prod`
	if got := strings.Join(incomplete(list.Source, Options{}), "\n"); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestWhoDrivesARolloutHidesNoGap(t *testing.T) {
	list := &coverage.DaemonSetCoverageList{Source: coverage.ReportSource{Incomplete: []coverage.IncompleteRead{
		{Verb: "get", Resource: "leases", Namespace: "ops", Error: "leases is forbidden"},
	}}}
	if got := gapsPart(list).plain(); got != "No gaps" {
		t.Errorf("got %q", got)
	}
	list.Source.Incomplete[0].Resource = "events"
	if got := gapsPart(list).plain(); got != "No gaps in what could be read" {
		t.Errorf("got %q", got)
	}
}

func TestMoreThanAllIsNotCut(t *testing.T) {
	if got := percent(700, 300); got != "233.3%" {
		t.Errorf("700 of 300 is %s", got)
	}
}

func TestAnExplanationEndsInAWayOut(t *testing.T) {
	e := &coverage.Explanation{Fixes: []string{"kubectl create serviceaccount x -n y"}, Looks: []string{"kubectl describe pod -n y x"}}
	var out bytes.Buffer
	if err := Explanation(&out, e, Options{}); err != nil {
		t.Fatal(err)
	}
	if s := out.String(); !strings.HasSuffix(s, "    fix    kubectl create serviceaccount x -n y\n    look   kubectl describe pod -n y x\n") {
		t.Errorf("it ends in:\n%s", s)
	}
}
