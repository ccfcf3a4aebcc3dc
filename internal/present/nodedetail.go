package present

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/kubectl-ds/kubectl-ds/pkg/coverage"
)

// fewRows is how many DaemonSets of a node a terminal shows where nothing is
// wrong with the rest.
const fewRows = 5

// Nodes writes what DaemonSets do on each node, and what they cost it.
func Nodes(w io.Writer, list *coverage.NodeCoverageList, o Options) error {
	var p page
	c := o.paint()
	p.lines(flow(c, o.Width, headed(list.Source, ",", o)...))
	p.lines(incomplete(list.Source, o))
	for i := range list.Items {
		if i > 0 {
			p.line("")
		}
		if err := nodeBlock(&p, &list.Items[i], o); err != nil {
			return err
		}
	}
	return p.writeTo(w)
}

func nodeBlock(p *page, n *coverage.NodeCoverage, o Options) error {
	p.lines(wrap("", nodeHead(n, o), o.Width))
	p.lines(wrap("", nodeCounts(n), o.Width))
	if o.Quiet {
		return nil
	}
	p.line("")
	if g := nodeGrid(n, o); len(g.rows) > 0 {
		if err := p.table(g, o.paint()); err != nil {
			return err
		}
	}
	p.lines(wrap("", nodeCost(&n.Cost), o.Width))
	return nil
}

func nodeHead(n *coverage.NodeCoverage, o Options) string {
	parts := []string{map[string]string{"True": "Ready", "False": "not Ready"}[n.Ready]}
	if parts[0] == "" {
		parts[0] = "Ready is " + orNone(n.Ready)
	}
	add := func(prefix, s string) {
		if s != "" {
			parts = append(parts, prefix+Safe(s))
		}
	}
	if n.Unschedulable {
		add("", "cordoned")
	}
	if n.DeletionTimestamp != nil {
		add("", "being deleted")
	}
	add("", n.Arch)
	add("", n.InstanceType)
	add("zone ", n.Zone)
	add("pool ", n.Pool)
	if a := age(&n.CreationTimestamp, o.Now); a != none {
		add("joined ", a+" ago")
	}
	return Safe(n.Name) + ": " + strings.Join(parts, ", ")
}

func nodeCounts(n *coverage.NodeCoverage) string {
	s := &n.Summary
	covered := fmt.Sprintf("%d covered", s.Covered+s.Outdated)
	if s.Outdated > 0 {
		covered += fmt.Sprintf(" (%d outdated)", s.Outdated)
	}
	parts := []string{covered}
	add := func(n int, word string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, word))
		}
	}
	if s.Gaps > 0 {
		parts = append(parts, plural(s.Gaps, "gap"))
	}
	add(s.Unknown, "unknown")
	add(s.Suspect, "suspect")
	add(s.Misplaced, "misplaced")
	out := fmt.Sprintf("%s should run here: %s.", plural(s.ShouldRun, "DaemonSet"), strings.Join(parts, ", "))
	if by := excludedByDesign(n); by != "" {
		out += " Excluded by design: " + by + "."
	}
	return out
}

// excludedByDesign names what is kept off on purpose, by reason.
func excludedByDesign(n *coverage.NodeCoverage) string {
	byReason := map[coverage.Reason][]string{}
	var reasons []coverage.Reason
	for i := range n.DaemonSets {
		d := &n.DaemonSets[i]
		if d.State != coverage.Excluded || d.Suspect {
			continue
		}
		if byReason[d.Reason] == nil {
			reasons = append(reasons, d.Reason)
		}
		byReason[d.Reason] = append(byReason[d.Reason], Safe(d.Name))
	}
	slices.Sort(reasons)
	var parts []string
	for _, r := range reasons {
		parts = append(parts, fmt.Sprintf("%s (%s)", strings.Join(byReason[r], ", "), Safe(string(r))))
	}
	return strings.Join(parts, ", ")
}

// nodeGrid has a row for each DaemonSet that runs here or should: what is
// wrong first, then what costs most; what is excluded by design is in the
// line above it.
func nodeGrid(n *coverage.NodeCoverage, o Options) *grid {
	g := &grid{
		headers: []string{"NAMESPACE", "DAEMONSET", "STATE", "REASON", "POD", "CPU", "MEMORY", "SINCE"},
		right:   []bool{false, false, false, false, false, true, true, false},
		leaves:  []leave{{order: 6, onlyIfSame: true}, {}, {}, {order: 5}, {order: 2}, {order: 4}, {order: 3}, {order: 1}},
	}
	if o.NoHeaders {
		g.headers = nil
	}
	rows, rest := nodeRows(n, o)
	for _, d := range rows {
		g.rows = append(g.rows, []cell{
			text(Safe(d.Namespace)), text(Safe(d.Name)), toned(toneOfState(&d.NodeVerdict), stateText(&d.NodeVerdict)),
			text(reasonText(&d.NodeVerdict)), text(orNone(d.Pod)), text(cpu(d.MilliCPU)), text(memory(d.Memory)),
			text(age(d.Since, o.Now)),
		})
	}
	if len(rest) > 0 {
		var milli, bytes int64
		for _, d := range rest {
			milli += d.MilliCPU
			bytes += d.Memory
		}
		g.rows = append(g.rows, []cell{
			text(fmt.Sprintf("%d more", len(rest))), text("(--full)"), text(coverage.Covered.String()),
			text(""), text(""), text(cpu(milli)), text(memory(bytes)), text(""),
		})
	}
	if o.fits() {
		g.fit(o.Width)
	}
	return g
}

// nodeRows splits the DaemonSets of a node into those that are shown and those
// that are only counted: covered ones, on a terminal.
func nodeRows(n *coverage.NodeCoverage, o Options) (rows, rest []*coverage.NodeDaemonSet) {
	for i := range n.DaemonSets {
		d := &n.DaemonSets[i]
		byDesign := d.State == coverage.Excluded && !d.Suspect
		if byDesign && !o.Wide || o.GapsOnly && classOf(&d.NodeVerdict) < 0 {
			continue
		}
		rows = append(rows, d)
	}
	slices.SortStableFunc(rows, func(a, b *coverage.NodeDaemonSet) int {
		return cmp.Or(
			cmp.Compare(rankOf(&a.NodeVerdict), rankOf(&b.NodeVerdict)),
			cmp.Compare(b.MilliCPU, a.MilliCPU), cmp.Compare(b.Memory, a.Memory),
			strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
	})
	if o.whole() || len(rows) <= fewRows+1 {
		return rows, nil
	}
	keep := fewRows
	for keep < len(rows) && rows[keep].State != coverage.Covered {
		keep++
	}
	if len(rows)-keep < 2 || slices.ContainsFunc(rows[keep:], func(d *coverage.NodeDaemonSet) bool { return d.State != coverage.Covered }) {
		return rows, nil
	}
	return rows[:keep], rows[keep:]
}

func nodeCost(c *coverage.NodeCost) string {
	out := fmt.Sprintf("DaemonSets request %s of %s cpu (%s), %s of %s memory (%s), %d of %d pods.",
		cpu(c.MilliCPU), cpu(c.AllocatableMilliCPU), percent(c.MilliCPU, c.AllocatableMilliCPU),
		memory(c.Memory), memory(c.AllocatableMemory), percent(c.Memory, c.AllocatableMemory),
		c.Pods, c.AllocatablePods)
	if c.LeftOutDaemonSetPods > 0 {
		out += fmt.Sprintf(" %s of other DaemonSets not counted: -A has them.", plural(c.LeftOutDaemonSetPods, "pod"))
	}
	return out
}
