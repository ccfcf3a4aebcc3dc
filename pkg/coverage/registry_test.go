package coverage

import (
	"os"
	"strings"
	"testing"
)

// TestEveryReasonIsProducedByACase holds the registry against the cases: a
// reason that nothing produces is a promise that nobody keeps.
func TestEveryReasonIsProducedByACase(t *testing.T) {
	produced := map[Reason]bool{}
	for _, c := range loadCases(t) {
		for i := range c.report.Items {
			for _, v := range c.report.Items[i].Nodes {
				produced[v.Reason] = true
				for _, r := range v.Contributing {
					produced[r] = true
				}
			}
			for _, f := range c.report.Items[i].Findings {
				produced[f.Reason] = true
			}
		}
	}
	for _, row := range Registry() {
		if !produced[row.Reason] {
			t.Errorf("%s: no case in testdata/cases produces it", row.Reason)
		}
	}
	for r := range produced {
		if _, ok := Lookup(r); !ok {
			t.Errorf("%s is produced and has no row", r)
		}
	}
}

func TestEveryRowIsComplete(t *testing.T) {
	seen := map[Reason]bool{}
	for _, row := range Registry() {
		if seen[row.Reason] {
			t.Errorf("%s stands twice", row.Reason)
		}
		seen[row.Reason] = true
		if row.Meaning == "" || row.Remedy == "" || row.Severity == "" || len(row.States) == 0 && !row.Finding {
			t.Errorf("%s: the row is not complete: %+v", row.Reason, row)
		}
		if strings.Contains(row.Meaning+row.Remedy, "|") {
			t.Errorf("%s: a | would break the table of the document", row.Reason)
		}
	}
}

func TestEveryReasonIsDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../docs/reasons.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range Registry() {
		if !strings.Contains(string(doc), "| "+string(row.Reason)+" |") || !strings.Contains(string(doc), row.Meaning) {
			t.Errorf("docs/reasons.md does not say what the registry says of %s: run make generate", row.Reason)
		}
	}
}

// TestHiddenNodesStandOnTop is the case that this tool exists for: status is
// green, and most of the cluster goes without.
func TestHiddenNodesStandOnTop(t *testing.T) {
	raw, err := os.ReadFile("../../docs/examples/hidden-155-of-191.yaml")
	if err != nil {
		t.Fatal(err)
	}
	expect := "kind: Expect\ndescribe: a startup taint hides 155 of 191 nodes\nnow: \"2026-11-23T08:12:04Z\"\ngrace: 5m\n---\n"
	c := loadCase(t, "hidden-155-of-191", append([]byte(expect), raw...))
	d := &c.report.Items[0]
	s := &d.Summary
	if s.ShouldRun != 36 || s.Covered != 36 || s.Hidden != 155 || s.Suspect != 155 || *s.Coverage != 100 || *s.Steady.Coverage != 18.84 || s.Steady.ShouldRun != 191 {
		t.Errorf("summary %+v, coverage %v, steady %v", *s, *s.Coverage, *s.Steady.Coverage)
	}
	if len(d.StatusDrift) > 0 {
		t.Errorf("status is as the controller counts: %+v", d.StatusDrift)
	}
	if r, n := d.TopReason(); r != TaintTransient || n != 155 {
		t.Errorf("top reason %s %d", r, n)
	}
	causes := c.result.Causes()
	if len(causes) != 1 || causes[0].Reason != TaintTransient || len(causes[0].Nodes) != 155 || causes[0].Shared != "all 155 of karpenter.sh/nodepool=gpu" {
		t.Errorf("causes %+v", causes)
	}
	healthy := &DaemonSetCoverage{Summary: Summary{Gaps: 3}}
	if Worst(d, healthy) >= 0 {
		t.Error("155 hidden nodes sort below 3 gaps")
	}
}
