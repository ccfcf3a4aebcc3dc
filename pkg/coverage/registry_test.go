package coverage

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
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

// TestGeneratedFilesAreCurrent runs the generators again: what they wrote is
// what they would write, in the documents and in the case alike.
func TestGeneratedFilesAreCurrent(t *testing.T) {
	dir := t.TempDir()
	for _, g := range []struct {
		command string
		files   []string
	}{
		{"../../internal/gen/reasons", []string{"../../docs/reasons.md"}},
		{"../../internal/gen/hidden", []string{"../../docs/examples/hidden-155-of-191.yaml", "testdata/cases/hidden-155-of-191.yaml"}},
	} {
		args := []string{"run", g.command}
		for i := range g.files {
			args = append(args, filepath.Join(dir, strconv.Itoa(i)))
		}
		if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
			t.Fatalf("go %v: %v\n%s", args, err, out)
		}
		for i, f := range g.files {
			want, err := os.ReadFile(filepath.Join(dir, strconv.Itoa(i)))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(f); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s is not what %s writes (%v): run make generate", f, g.command, err)
			}
		}
	}
}

// TestHiddenExampleIsTheCase holds that the documents show what the tests hold.
func TestHiddenExampleIsTheCase(t *testing.T) {
	example, err := os.ReadFile("../../docs/examples/hidden-155-of-191.yaml")
	if err != nil {
		t.Fatal(err)
	}
	held, err := os.ReadFile("testdata/cases/hidden-155-of-191.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if _, objects, ok := bytes.Cut(held, []byte("\n---\n")); !ok || !bytes.Equal(objects, example) {
		t.Error("the case, without what is expected of it, is not the example: run make generate")
	}
	if bytes.Contains(example, []byte("test/")) {
		t.Error("the example uses a shorthand of the cases, and is no capture")
	}
}

// TestHiddenNodesStandOnTop is the case that this tool exists for: status is
// green, and most of the cluster goes without.
func TestHiddenNodesStandOnTop(t *testing.T) {
	raw, err := os.ReadFile("testdata/cases/hidden-155-of-191.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c := loadCase(t, "hidden-155-of-191", raw)
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
