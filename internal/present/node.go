package present

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/kubectl-ds/kubectl-ds/pkg/coverage"
)

// NodesTable writes one row a node, the worst first.
func NodesTable(w io.Writer, list *coverage.NodeCoverageList, o Options) error {
	var p page
	c := o.paint()
	p.lines(flow(c, o.Width, headed(list.Source, ": "+plural(len(list.Items), "node")+",", o)...))
	p.lines(incomplete(list.Source, o))
	rows := make([]*coverage.NodeCoverage, 0, len(list.Items))
	var names []string
	for i := range list.Items {
		n := &list.Items[i]
		names = append(names, n.Name)
		if !o.GapsOnly || nodeTrouble(n) > 0 {
			rows = append(rows, n)
		}
	}
	slices.SortFunc(rows, func(a, b *coverage.NodeCoverage) int {
		return cmp.Or(cmp.Compare(nodeTrouble(b), nodeTrouble(a)), cmp.Compare(b.Summary.Outdated, a.Summary.Outdated),
			cmp.Compare(b.Summary.Misplaced, a.Summary.Misplaced), strings.Compare(a.Name, b.Name))
	})
	suffix := ""
	if o.Width > 0 {
		suffix = commonDomain(names)
	}
	nrows := make([]nodeRow, len(rows))
	for i, n := range rows {
		nrows[i] = nodeRow{n, topOfNode(n)}
	}
	cols := nodeColumns(suffix, o)
	sortRows(nrows, cols, o.SortBy)
	if len(nrows) > 0 && !o.Quiet {
		shown, more := firstNodes(nrows, o)
		p.line("")
		if err := p.table(gridOf(shown, cols, o), c); err != nil {
			return err
		}
		if len(more) > 0 {
			p.lines(flow(c, o.Width, more))
		}
		p.line("")
	}
	p.lines(flow(c, o.Width, nodesVerdict(list)))
	return p.writeTo(w)
}

// nodeRow is one node of the table.
type nodeRow struct {
	n   *coverage.NodeCoverage
	top topReason
}

// nodesOnScreen is how many rows a terminal gets without --full: what comes
// first would scroll away.
const nodesOnScreen = 100

// firstNodes are the rows that are shown, and what is said of the others.
func firstNodes(rows []nodeRow, o Options) (shown []nodeRow, more clause) {
	if !o.fits() || len(rows) <= nodesOnScreen {
		return rows, nil
	}
	trouble := 0
	for _, r := range rows[nodesOnScreen:] {
		if nodeTrouble(r.n) > 0 {
			trouble++
		}
	}
	rest := clause{text(plural(len(rows)-nodesOnScreen, "more node"))}
	if trouble == 0 {
		rest = append(rest, text(", without gap or suspect"))
	}
	rest = rest.and(trouble, bad, "with gaps or suspect")
	return rows[:nodesOnScreen], append(rest, text(" (--full)"))
}

func nodeTrouble(n *coverage.NodeCoverage) int {
	return n.Summary.Unknown + n.Summary.Gaps + n.Summary.Suspect
}

// topOfNode is the most frequent reason of the node's worst class.
func topOfNode(n *coverage.NodeCoverage) topReason {
	d := coverage.DaemonSetCoverage{}
	for i := range n.DaemonSets {
		d.Nodes = append(d.Nodes, n.DaemonSets[i].NodeVerdict)
	}
	return topOf(&d)
}

func nodesVerdict(list *coverage.NodeCoverageList) clause {
	var gaps, unknown, suspect, on int
	for i := range list.Items {
		s := &list.Items[i].Summary
		if s.Gaps > 0 {
			on++
		}
		gaps, unknown, suspect = gaps+s.Gaps, unknown+s.Unknown, suspect+s.Suspect
	}
	of := plural(len(list.Items), "node")
	first := text("No gaps on " + of)
	switch {
	case gaps > 0:
		first = toned(bad, fmt.Sprintf("%s on %d of %s", plural(gaps, "gap"), on, of))
	case unknown > 0 || blind(list.Source):
		first.text += " in what could be read"
	}
	out := clause{first}.and(unknown, bad, "unknown").and(suspect, bad, "suspect")
	return append(out, text("."))
}

func nodeColumns(suffix string, o Options) []column[nodeRow] {
	str := func(name string, l level, s func(*coverage.NodeCoverage) string) column[nodeRow] {
		return column[nodeRow]{
			name: name, level: l,
			cell:    func(r *nodeRow) cell { return text(orNone(s(r.n))) },
			compare: by(func(r *nodeRow) string { return s(r.n) }),
		}
	}
	count := func(name string, l level, goes int, t tone, n func(*coverage.NodeCoverage) int) column[nodeRow] {
		return column[nodeRow]{
			name: name, level: l, right: true, leave: leave{order: goes},
			cell:    func(r *nodeRow) cell { return counted(t, n(r.n)) },
			compare: by(func(r *nodeRow) int { return n(r.n) }),
		}
	}
	cost := func(name string, goes int, show func(*coverage.NodeCost) (string, int64, int64)) column[nodeRow] {
		return column[nodeRow]{
			name: name, level: normal, right: true, leave: leave{order: goes},
			cell: func(r *nodeRow) cell {
				amount, part, whole := show(&r.n.Cost)
				if o.Wide {
					return text(amount + " (" + percent(part, whole) + ")")
				}
				return text(percent(part, whole))
			},
			compare: by(func(r *nodeRow) float64 {
				_, part, whole := show(&r.n.Cost)
				return float64(part) / float64(max(whole, 1))
			}),
		}
	}
	return []column[nodeRow]{
		str("NODE", always, func(n *coverage.NodeCoverage) string { return strings.TrimSuffix(n.Name, suffix) }),
		{
			name: "READY", cell: func(r *nodeRow) cell { return readyCell(r.n) },
			compare: by(func(r *nodeRow) string { return r.n.Ready }),
		},
		count("SHOULD-RUN", always, 6, plain, func(n *coverage.NodeCoverage) int { return n.Summary.ShouldRun }),
		count("COVERED", always, 8, plain, func(n *coverage.NodeCoverage) int { return n.Summary.Covered + n.Summary.Outdated }),
		count("GAPS", always, 0, bad, func(n *coverage.NodeCoverage) int { return n.Summary.Gaps }),
		count("SUSPECT", normal, 5, bad, func(n *coverage.NodeCoverage) int { return n.Summary.Suspect }),
		count("EXCLUDED", normal, 1, plain, func(n *coverage.NodeCoverage) int { return n.Summary.Excluded }),
		cost("CPU", 4, func(c *coverage.NodeCost) (string, int64, int64) {
			return cpu(c.MilliCPU), c.MilliCPU, c.AllocatableMilliCPU
		}),
		cost("MEMORY", 3, func(c *coverage.NodeCost) (string, int64, int64) {
			return memory(c.Memory), c.Memory, c.AllocatableMemory
		}),
		cost("PODS", 2, func(c *coverage.NodeCost) (string, int64, int64) {
			return fmt.Sprint(c.Pods), int64(c.Pods), c.AllocatablePods
		}),
		{
			name: "TOP REASON", leave: leave{order: 7}, cell: func(r *nodeRow) cell { return toned(r.top.tone, Safe(r.top.String())) },
			compare: by(func(r *nodeRow) string { return string(r.top.reason) }),
		},
		str("ARCH", wide, func(n *coverage.NodeCoverage) string { return n.Arch }),
		str("ZONE", wide, func(n *coverage.NodeCoverage) string { return n.Zone }),
		str("POOL", wide, func(n *coverage.NodeCoverage) string { return n.Pool }),
		str("INSTANCE TYPE", wide, func(n *coverage.NodeCoverage) string { return n.InstanceType }),
		count("UNKNOWN", wide, 0, bad, func(n *coverage.NodeCoverage) int { return n.Summary.Unknown }),
		count("OUTDATED", wide, 0, warn, func(n *coverage.NodeCoverage) int { return n.Summary.Outdated }),
		count("MISPLACED", wide, 0, warn, func(n *coverage.NodeCoverage) int { return n.Summary.Misplaced }),
		{
			name: "AGE", level: wide, cell: func(r *nodeRow) cell { return text(age(&r.n.CreationTimestamp, o.Now)) },
			compare: func(a, b *nodeRow) int { return compareTimes(&a.n.CreationTimestamp, &b.n.CreationTimestamp) },
		},
	}
}

func readyCell(n *coverage.NodeCoverage) cell {
	s := orNone(n.Ready)
	if n.Unschedulable {
		s += ",cordoned"
	}
	if n.Ready != "True" {
		return toned(bad, s)
	}
	return text(s)
}
