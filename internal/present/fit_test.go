package present

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kubectl-ds/kubectl-ds/pkg/coverage"
)

func TestATextIsNotCutBelowItsHeading(t *testing.T) {
	const heading = "CHANGED AGAINST THE ONE BEFORE" // wider than what is readable
	for _, c := range []struct {
		limit   int
		headers []string
		want    []string
	}{
		{50, []string{"NAME", heading}, []string{"NAME   " + heading, "node   " + strings.Repeat("x", 40) + "..."}},
		{37, []string{"NAME", heading}, []string{"NAME   " + heading, "node   " + strings.Repeat("x", 27) + "..."}},
		// One less than the heading takes: the column goes, and no line is wider.
		{36, []string{"NAME", heading}, []string{"NAME", "node"}},
		{36, nil, []string{"node   " + strings.Repeat("x", 26) + "..."}},
	} {
		g := &grid{headers: c.headers, right: make([]bool, 2), leaves: []leave{{}, {order: 1, cut: true}}, rows: [][]cell{{text("node"), text(strings.Repeat("x", 60))}}}
		g.fit(c.limit)
		got, err := g.lines(paint{})
		if err != nil {
			t.Fatal(err)
		}
		if strings.Join(got, "\n") != strings.Join(c.want, "\n") {
			t.Errorf("%d columns: got\n%s\nwant\n%s", c.limit, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
	}
}

func TestATableIsTooWideOnlyByWhatHasToStay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cols := rapid.IntRange(1, 6).Draw(t, "columns")
		g := &grid{right: make([]bool, cols), leaves: make([]leave, cols)}
		cutColumn := rapid.IntRange(-1, cols-1).Draw(t, "cut")
		for i := range cols {
			g.headers = append(g.headers, strings.Repeat("H", rapid.IntRange(1, 40).Draw(t, "heading")))
			g.leaves[i] = leave{order: rapid.IntRange(0, 2).Draw(t, "order"), cut: i == cutColumn}
		}
		for range rapid.IntRange(1, 4).Draw(t, "rows") {
			row := make([]cell, cols)
			for i := range row {
				row[i] = text(strings.Repeat("x", rapid.IntRange(1, 90).Draw(t, "cell")))
			}
			g.rows = append(g.rows, row)
		}
		limit := rapid.IntRange(20, 120).Draw(t, "limit")
		g.fit(limit)
		widths := g.widths()
		if g.width(widths) <= limit {
			return
		}
		for i, l := range g.leaves {
			if l.order > 0 {
				t.Fatalf("it is too wide, and a column that may go is there: %v", g.headers)
			}
			if l.cut && widths[i] > g.least(i) {
				t.Fatalf("it is too wide, and a text of %d columns may be cut to %d", widths[i], g.least(i))
			}
		}
	})
}

// Names of real charts, in a terminal of 80 columns.
func TestLongNamesStayWholeAndLeaveNoRaggedTable(t *testing.T) {
	const name = "kube-prometheus-stack-prometheus-node-exporter"
	const node = "ip-10-0-128-4.eu-central-1.compute.internal-general-workers"
	w := newWorld()
	w.add("monitoring", name, 3, func(int) coverage.NodeVerdict {
		v := verdictOf(coverage.Unready, "SchedInsufficient")
		v.Pod = name + "-x7x8z"
		return v
	})
	at80 := with(at120(), func(o *Options) { o.Width = 80 })
	nodes := &coverage.NodeCoverageList{Items: []coverage.NodeCoverage{{Ready: "True"}}}
	nodes.Items[0].Name = node
	nodes.Items[0].Summary.Gaps = 1
	nodes.Items[0].DaemonSets = []coverage.NodeDaemonSet{{Namespace: "monitoring", Name: name, NodeVerdict: w.list.Items[0].Nodes[0]}}
	for screen, lines := range map[string][]string{
		"DaemonSets": tableOf(t, gridOf(dsRows(w.list, at80), daemonSetColumns(at80), at80)),
		"nodes":      tableOf(t, gridOf([]nodeRow{{n: &nodes.Items[0]}}, nodeColumns("", at80), at80)),
		"one node":   tableOf(t, nodeGrid(&nodes.Items[0], at80)),
	} {
		whole := name
		if screen == "nodes" {
			whole = node
		}
		if text := strings.Join(lines, "\n"); !strings.Contains(text, whole) {
			t.Errorf("%s: the name is cut:\n%s", screen, text)
		}
		for _, line := range lines {
			if width(line) > 80 {
				t.Errorf("%s: a terminal wraps %q", screen, line)
			}
		}
	}
}

func tableOf(t *testing.T, g *grid) []string {
	t.Helper()
	lines, err := g.lines(paint{})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func TestWhatAChangeDoesStandsUnderALongCommand(t *testing.T) {
	e := &coverage.Explanation{Changes: []coverage.Change{
		{Where: "template", Do: "tolerate a", From: 1, To: 2},
		{Where: "node", Do: "kubectl taint node " + strings.Repeat("n", 60) + " a:NoSchedule-", From: 1, To: 2},
	}}
	for columns, want := range map[int]string{
		200: "    template   tolerate a" + strings.Repeat(" ", 86) + "should-run 1 -> 2\n",
		80:  "    template   tolerate a\n               should-run 1 -> 2\n    node       kubectl taint node nnn",
	} {
		var out bytes.Buffer
		if err := Explanation(&out, e, Options{Width: columns}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), want) {
			t.Errorf("at %d columns:\n%s", columns, out.String())
		}
	}
}
