package present

import (
	"cmp"
	"io"
	"slices"
	"strings"

	"github.com/kubectl-ds/kubectl-ds/pkg/coverage"
)

// flatRow is one (DaemonSet, node) pair.
type flatRow struct {
	item *coverage.DaemonSetCoverage
	v    *coverage.NodeVerdict
}

// Flat writes one row a pair, for grep and awk: the worst DaemonSet first, and
// in it the worst nodes.
func Flat(w io.Writer, list *coverage.DaemonSetCoverageList, o Options) error {
	rows := flatRows(list, o)
	suffix := ""
	if o.Width > 0 {
		suffix = commonDomain(nodeNames(list))
	}
	cols := flatColumns(suffix, o)
	sortRows(rows, cols, o.SortBy)
	var p page
	if len(rows) > 0 {
		if err := p.table(gridOf(rows, cols, o), o.paint()); err != nil {
			return err
		}
	}
	return p.writeTo(w)
}

func flatRows(list *coverage.DaemonSetCoverageList, o Options) []flatRow {
	items := make([]*coverage.DaemonSetCoverage, len(list.Items))
	for i := range list.Items {
		items[i] = &list.Items[i]
	}
	slices.SortFunc(items, worstFirst)
	var rows []flatRow
	for _, d := range items {
		for i := range d.Nodes {
			if v := &d.Nodes[i]; !o.GapsOnly || classOf(v) >= 0 {
				rows = append(rows, flatRow{d, v})
			}
		}
	}
	// Within a DaemonSet by class; the order of nodes is by name already.
	slices.SortStableFunc(rows, func(a, b flatRow) int {
		if a.item != b.item {
			return 0
		}
		return cmp.Compare(rankOf(a.v), rankOf(b.v))
	})
	return rows
}

// rankOf orders verdicts: what is wrong by class, then covered, then excluded.
func rankOf(v *coverage.NodeVerdict) int {
	switch c := classOf(v); {
	case c >= 0:
		return c
	case v.State == coverage.Covered:
		return 3
	}
	return 4
}

func nodeNames(list *coverage.DaemonSetCoverageList) []string {
	var out []string
	if len(list.Items) > 0 {
		// Every DaemonSet has a verdict on every node.
		for i := range list.Items[0].Nodes {
			out = append(out, list.Items[0].Nodes[i].Node)
		}
	}
	return out
}

func toneOfState(v *coverage.NodeVerdict) tone {
	switch classOf(v) {
	case 0:
		return bad
	case 1:
		return warn
	case 2:
		return info
	}
	return plain
}

// stateText is the state, with what excluded nodes are suspected of.
func stateText(v *coverage.NodeVerdict) string {
	s := v.State.String()
	if v.Suspect {
		s += "(suspect)"
	}
	return s
}

// reasonText is the reason; what is well needs none.
func reasonText(v *coverage.NodeVerdict) string {
	if v.Reason == coverage.Current {
		return none
	}
	return orNone(string(v.Reason))
}

func flatColumns(suffix string, o Options) []column[flatRow] {
	str := func(name string, l level, goes leave, s func(*flatRow) string) column[flatRow] {
		return column[flatRow]{
			name: name, level: l, leave: goes,
			cell:    func(r *flatRow) cell { return text(orNone(s(r))) },
			compare: by(s),
		}
	}
	return []column[flatRow]{
		str("NAMESPACE", always, leave{order: 5, onlyIfSame: true}, func(r *flatRow) string { return r.item.Namespace }),
		str("DAEMONSET", always, leave{}, func(r *flatRow) string { return r.item.Name }),
		str("NODE", always, leave{}, func(r *flatRow) string { return strings.TrimSuffix(r.v.Node, suffix) }),
		{
			name: "STATE", cell: func(r *flatRow) cell { return toned(toneOfState(r.v), stateText(r.v)) },
			compare: by(func(r *flatRow) coverage.State { return r.v.State }),
		},
		str("REASON", always, leave{order: 6}, func(r *flatRow) string { return reasonText(r.v) }),
		str("POD", normal, leave{order: 3}, func(r *flatRow) string { return r.v.Pod }),
		str("REVISION", normal, leave{order: 1}, func(r *flatRow) string { return r.v.PodRevision }),
		{
			name: "SINCE", level: normal, leave: leave{order: 2}, cell: func(r *flatRow) cell { return text(age(r.v.Since, o.Now)) },
			compare: func(a, b *flatRow) int { return compareTimes(a.v.Since, b.v.Since) },
		},
		str("MESSAGE", always, leave{order: 4, cut: true}, func(r *flatRow) string { return r.v.Message }),
	}
}
