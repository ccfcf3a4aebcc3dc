package present

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-ds/kubectl-ds/pkg/coverage"
)

// dsRow is a row of the main table.
type dsRow struct {
	item *coverage.DaemonSetCoverage
	top  topReason
}

// topReason is the most frequent reason of the worst class that a DaemonSet
// has.
type topReason struct {
	reason coverage.Reason
	count  int
	tone   tone
}

func (t topReason) String() string {
	switch {
	case t.reason == "":
		return none
	case t.count == 0: // of the DaemonSet as a whole
		return string(t.reason)
	}
	return fmt.Sprintf("%s %d", t.reason, t.count)
}

// classOf ranks a verdict: 0 for what lacks or may lack the DaemonSet, 1 for
// outdated, 2 for misplaced, -1 for what is well. Hidden nodes count as bad:
// they are why a green status can be wrong.
func classOf(v *coverage.NodeVerdict) int {
	switch {
	case v.State.Gap(), v.State == coverage.Unknown, v.Suspect:
		return 0
	case v.State == coverage.Outdated:
		return 1
	case v.State == coverage.Misplaced:
		return 2
	}
	return -1
}

func topOf(d *coverage.DaemonSetCoverage) topReason {
	var counts [3]map[coverage.Reason]int
	for i := range d.Nodes {
		v := &d.Nodes[i]
		c := classOf(v)
		if c < 0 {
			continue
		}
		if counts[c] == nil {
			counts[c] = map[coverage.Reason]int{}
		}
		counts[c][v.Reason]++
	}
	for c, m := range counts {
		best := topReason{tone: []tone{bad, warn, info}[c]}
		for reason, n := range m {
			if n > best.count || n == best.count && reason < best.reason {
				best.reason, best.count = reason, n
			}
		}
		if best.reason != "" {
			return best
		}
	}
	if f := worstFinding(d); f != nil {
		return topReason{reason: f.Reason, tone: warn}
	}
	return topReason{}
}

// worstFinding is the first finding of the highest severity above info.
func worstFinding(d *coverage.DaemonSetCoverage) *coverage.Finding {
	var out *coverage.Finding
	for i := range d.Findings {
		f := &d.Findings[i]
		if f.Severity == coverage.Error && (out == nil || out.Severity != coverage.Error) ||
			f.Severity == coverage.Warning && out == nil {
			out = f
		}
	}
	return out
}

// Troubled reports whether anything about a DaemonSet is not well.
func Troubled(d *coverage.DaemonSetCoverage) bool {
	s := &d.Summary
	return s.Gaps+s.Unknown+s.Suspect+s.Outdated+s.Misplaced > 0 || worstFinding(d) != nil
}

// worstFirst is the order of the screen: unknown, gaps and suspects together,
// then outdated, misplaced, findings, name.
func worstFirst(a, b *coverage.DaemonSetCoverage) int {
	x, y := &a.Summary, &b.Summary
	finding := func(d *coverage.DaemonSetCoverage) int {
		if worstFinding(d) != nil {
			return 1
		}
		return 0
	}
	return cmp.Or(
		cmp.Compare(y.Unknown+y.Gaps+y.Suspect, x.Unknown+x.Gaps+x.Suspect),
		cmp.Compare(y.Outdated, x.Outdated),
		cmp.Compare(y.Misplaced, x.Misplaced),
		cmp.Compare(finding(b), finding(a)),
		strings.Compare(a.Namespace, b.Namespace),
		strings.Compare(a.Name, b.Name))
}

// dsRows are the rows of the main table in order.
func dsRows(list *coverage.DaemonSetCoverageList, o Options) []dsRow {
	var rows []dsRow
	for i := range list.Items {
		d := &list.Items[i]
		if o.GapsOnly && !Troubled(d) {
			continue
		}
		rows = append(rows, dsRow{item: d, top: topOf(d)})
	}
	slices.SortFunc(rows, func(a, b dsRow) int { return worstFirst(a.item, b.item) })
	sortRows(rows, daemonSetColumns(o), o.SortBy)
	return rows
}

func daemonSetColumns(o Options) []column[dsRow] {
	count := func(name string, l level, t tone, n func(*coverage.Summary) int) column[dsRow] {
		return column[dsRow]{
			name: name, level: l, right: true, leave: leave{order: int(l) * 3},
			cell:    func(r *dsRow) cell { return counted(t, n(&r.item.Summary)) },
			compare: by(func(r *dsRow) int { return n(&r.item.Summary) }),
		}
	}
	return []column[dsRow]{
		{
			name: "NAMESPACE", leave: leave{order: 9, onlyIfSame: true}, cell: func(r *dsRow) cell { return text(Safe(r.item.Namespace)) },
			compare: by(func(r *dsRow) string { return r.item.Namespace }),
		},
		{
			name: "DAEMONSET", cell: func(r *dsRow) cell { return text(Safe(r.item.Name)) },
			compare: by(func(r *dsRow) string { return r.item.Name }),
		},
		{
			name: "COVERED", cell: func(r *dsRow) cell { return coveredCell(&r.item.Summary) },
			compare: by(func(r *dsRow) int { return r.item.Summary.Covered + r.item.Summary.Outdated }),
		},
		count("GAPS", always, bad, func(s *coverage.Summary) int { return s.Gaps }),
		count("OUTDATED", normal, warn, func(s *coverage.Summary) int { return s.Outdated }),
		count("SUSPECT", normal, bad, func(s *coverage.Summary) int { return s.Suspect }),
		{
			name: "COVERAGE", level: normal, leave: leave{order: 1}, cell: func(r *dsRow) cell { return coverageCell(&r.item.Summary) },
			compare: func(a, b *dsRow) int { return compareRatio(coveredOf(&a.item.Summary), coveredOf(&b.item.Summary)) },
		},
		{
			name: "STEADY", level: normal, leave: leave{order: 2}, cell: func(r *dsRow) cell { return steadyCell(&r.item.Summary) },
			compare: func(a, b *dsRow) int { return compareRatio(steadyOf(&a.item.Summary), steadyOf(&b.item.Summary)) },
		},
		{
			// Where names are long it goes: the paragraphs tell the reasons.
			name: "TOP REASON", leave: leave{order: 8}, cell: func(r *dsRow) cell { return toned(r.top.tone, Safe(r.top.String())) },
			compare: func(a, b *dsRow) int {
				return cmp.Or(strings.Compare(string(a.top.reason), string(b.top.reason)), cmp.Compare(a.top.count, b.top.count))
			},
		},
		count("SHOULD-RUN", wide, plain, func(s *coverage.Summary) int { return s.ShouldRun }),
		count("MISPLACED", wide, warn, func(s *coverage.Summary) int { return s.Misplaced }),
		count("EXCLUDED", wide, plain, func(s *coverage.Summary) int { return s.Excluded }),
		count("UNKNOWN", wide, bad, func(s *coverage.Summary) int { return s.Unknown }),
		{
			name: "REVISION", level: wide, cell: func(r *dsRow) cell { return text(revision(r.item.Revision)) },
			compare: by(func(r *dsRow) int64 { return r.item.Revision.Number }),
		},
		{
			name: "AGE", level: wide,
			cell: func(r *dsRow) cell { return text(age(&r.item.CreationTimestamp, o.Now)) },
			// The younger one is the smaller age.
			compare: func(a, b *dsRow) int { return b.item.CreationTimestamp.Compare(a.item.CreationTimestamp.Time) },
		},
	}
}

func revision(r coverage.Revision) string {
	switch {
	case r.Number > 0 && r.Hash != "":
		return fmt.Sprintf("%d (%s)", r.Number, Safe(r.Hash))
	case r.Number > 0:
		return fmt.Sprint(r.Number)
	}
	return orNone(r.Hash)
}

func counted(t tone, n int) cell {
	if n == 0 {
		return number(0)
	}
	return toned(t, fmt.Sprint(n))
}

// ratio is a part of a whole.
type ratio struct{ part, whole int }

func coveredOf(s *coverage.Summary) ratio { return ratio{s.Covered + s.Outdated, s.ShouldRun} }
func steadyOf(s *coverage.Summary) ratio  { return ratio{s.Steady.Covered, s.Steady.ShouldRun} }

func (r ratio) percent() string  { return percent(int64(r.part), int64(r.whole)) }
func (r ratio) fraction() string { return fmt.Sprintf("%d/%d", r.part, r.whole) }
func (r ratio) full() bool       { return r.whole > 0 && r.part >= r.whole }

// compareRatio puts what cannot be computed first.
func compareRatio(a, b ratio) int {
	if a.whole == 0 || b.whole == 0 {
		return cmp.Compare(min(a.whole, 1), min(b.whole, 1))
	}
	return cmp.Compare(int64(a.part)*int64(b.whole), int64(b.part)*int64(a.whole))
}

func coveredCell(s *coverage.Summary) cell {
	r := coveredOf(s)
	if s.Gaps > 0 {
		return toned(bad, r.fraction())
	}
	return text(r.fraction())
}

// coverageCell marks a number that unknown nodes may change.
func coverageCell(s *coverage.Summary) cell {
	r := coveredOf(s)
	p := r.percent()
	if s.Unknown > 0 && r.whole > 0 {
		p += "?"
	}
	if !r.full() || s.Unknown > 0 {
		return toned(bad, p)
	}
	return text(p)
}

func steadyCell(s *coverage.Summary) cell {
	r := steadyOf(s)
	if r.whole > 0 && !r.full() {
		return toned(bad, r.percent())
	}
	return text(r.percent())
}
