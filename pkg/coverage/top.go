package coverage

import (
	"cmp"
	"slices"
	"strings"
)

// TopReason is the most frequent reason among the pairs of the worst class
// that the DaemonSet has: gaps, suspects and unknowns, else outdated, else
// misplaced. Empty where all is well.
func (d *DaemonSetCoverage) TopReason() (Reason, int) {
	worst, counts := 3, map[Reason]int{}
	for i := range d.Nodes {
		v := &d.Nodes[i]
		if v.State == Covered || v.State == Excluded && !v.Suspect {
			continue
		}
		switch c := class(v.State); {
		case c < worst:
			worst = c
			clear(counts)
			fallthrough
		case c == worst:
			counts[v.Reason]++
		}
	}
	var top Reason
	for r, n := range counts {
		if n > counts[top] || n == counts[top] && (top == "" || rank(r) < rank(top)) {
			top = r
		}
	}
	return top, counts[top]
}

// Worst compares two DaemonSets for the screen: worst first. Hidden nodes
// count as bad, so that 100 % beside 155 hidden nodes stands on top.
func Worst(a, b *DaemonSetCoverage) int {
	bad := func(d *DaemonSetCoverage) int { return d.Summary.Unknown + d.Summary.Gaps + d.Summary.Suspect }
	return cmp.Or(
		cmp.Compare(bad(b), bad(a)),
		cmp.Compare(b.Summary.Outdated, a.Summary.Outdated),
		cmp.Compare(b.Summary.Misplaced, a.Summary.Misplaced),
		strings.Compare(a.Namespace, b.Namespace),
		strings.Compare(a.Name, b.Name))
}

// SortWorst puts the report in the order of the screen.
func (l *DaemonSetCoverageList) SortWorst() {
	slices.SortStableFunc(l.Items, func(a, b DaemonSetCoverage) int { return Worst(&a, &b) })
}
