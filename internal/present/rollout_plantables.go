package present

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// checkGrid breaks long details into lines under each other. What refuses
// tells its way out below, on a line of its own.
func checkGrid(v *PlanView, o Options) *grid {
	g := &grid{headers: []string{"CHECK", "RESULT", "DETAIL"}}
	if o.NoHeaders {
		g.headers = nil
	}
	others := width("RESULT") + 2*len(gap)
	widest := width("CHECK")
	for i := range v.Plan.Checks {
		widest = max(widest, width(Safe(v.Plan.Checks[i].Name)))
	}
	limit := 0
	if o.Width > 0 {
		limit = max(o.Width-others-widest, readable)
	}
	for i := range v.Plan.Checks {
		c := &v.Plan.Checks[i]
		detail := c.Detail
		if c.Result == rollout.CheckWarn && c.Fix != "" {
			detail += "; " + c.Fix
		}
		for j, line := range wrap("", Safe(detail), limit) {
			row := []cell{text(""), text(""), text(line)}
			if j == 0 {
				row[0], row[1] = text(Safe(c.Name)), toned(toneOfCheck(c.Result), Safe(string(c.Result)))
			}
			g.rows = append(g.rows, row)
		}
	}
	return g
}

func toneOfCheck(r rollout.CheckResult) tone {
	switch r {
	case rollout.CheckRefuse:
		return bad
	case rollout.CheckWarn:
		return warn
	case rollout.CheckOK:
	}
	return plain
}

// manyZones is from how many zones on the columns of zones say too little for
// the room that they take.
const manyZones = 6

func waveGrid(p *rollout.Plan, o Options) *grid {
	str := func(name string, l level, lv leave, f func(*rollout.PlanWave) string) column[rollout.PlanWave] {
		return column[rollout.PlanWave]{name: name, level: l, leave: lv, cell: func(w *rollout.PlanWave) cell { return text(f(w)) }}
	}
	num := func(name string, l level, f func(*rollout.PlanWave) int) column[rollout.PlanWave] {
		return column[rollout.PlanWave]{name: name, level: l, cell: func(w *rollout.PlanWave) cell { return number(f(w)) }}
	}
	cols := []column[rollout.PlanWave]{
		str("WAVE", always, leave{}, waveLabel),
		num("NODES", always, func(w *rollout.PlanWave) int { return w.Nodes }),
		num("IN ALL", always, func(w *rollout.PlanWave) int { return w.InAll }),
	}
	zones := zonesOf(p)
	short := zoneNames(zones)
	for _, z := range zones {
		l := normal
		if len(zones) > manyZones {
			l = wide
		}
		name := "ZONE " + strings.ToUpper(Safe(short[z]))
		if z == "" {
			name = "NO ZONE"
		}
		cols = append(cols, num(name, l, func(w *rollout.PlanWave) int { return w.Zones[z] }))
	}
	f := firstOf(p, o)
	cols = append(cols, str("FIRST", always, leave{order: 1}, f), str("THEN", always, leave{}, func(w *rollout.PlanWave) string { return thenOf(p, w) }))
	return gridOf(p.Waves, cols, o)
}

func zonesOf(p *rollout.Plan) []string {
	all := map[string]bool{}
	for i := range p.Waves {
		for z := range p.Waves[i].Zones {
			all[z] = true
		}
	}
	if len(all) == 1 && all[""] {
		return nil
	}
	return slices.Sorted(maps.Keys(all))
}

func waveLabel(w *rollout.PlanWave) string {
	switch {
	case w.Late:
		return "last"
	case w.Canary:
		return fmt.Sprintf("%d canary", w.Number)
	}
	return fmt.Sprint(w.Number)
}

// thenOf is what comes after a wave; the late one is not waited for.
func thenOf(p *rollout.Plan, w *rollout.PlanWave) string {
	switch next := w.Number; {
	case w.Late && len(p.Waves) > 1:
		return none
	case next < len(p.Waves) && p.Waves[next].Late:
		return "done"
	}
	return Safe(w.Then)
}

// firstOf names the first nodes of a wave: two where there is room; all are in
// -o wide, which has a row a node.
func firstOf(p *rollout.Plan, o Options) func(*rollout.PlanWave) string {
	show := 2
	if o.Width > 0 && o.Width < narrow {
		show = 1
	}
	arch, common := map[string]string{}, usual(p)
	all := make([]string, 0, len(p.Nodes))
	for i := range p.Nodes {
		n := &p.Nodes[i]
		all = append(all, n.Node)
		if n.Arch != common && n.Arch != "" {
			arch[n.Node] = " (" + Safe(n.Arch) + ")"
		}
	}
	suffix := ""
	if o.Width > 0 {
		suffix = commonDomain(all)
	}
	return func(w *rollout.PlanWave) string {
		var list []string
		for _, m := range w.Members {
			list = append(list, Safe(strings.TrimSuffix(m, suffix))+arch[m])
		}
		out := short(list, show, o)
		switch {
		case !w.Late:
		case len(list) == 1:
			out += ", if it comes back"
		default:
			out += ", if they come back"
		}
		return out
	}
}

// WritePlanNodes writes a row a node: what a run would do with it, and why.
func WritePlanNodes(w io.Writer, v *PlanView, o Options) error {
	var p page
	c := o.paint()
	p.lines(flow(c, o.Width, clause{toned(strong, Safe(headOf(v.Plan.Namespace, v.Plan.Name, v.Context))), text(": " + plural(len(v.Plan.Nodes), "node"))}))
	p.line("")
	cols := planNodeColumns(v.Plan)
	rows := slices.Clone(v.Plan.Nodes)
	sortRows(rows, cols, o.SortBy)
	if err := p.table(gridOf(rows, cols, o), c); err != nil {
		return err
	}
	return p.writeTo(w)
}

// PlanNodeColumns lists what --sort-by takes for WritePlanNodes.
func PlanNodeColumns() []string { return columnNames(planNodeColumns(&rollout.Plan{})) }

func planNodeColumns(p *rollout.Plan) []column[rollout.PlanNode] {
	str := func(name string, lv leave, f func(*rollout.PlanNode) string) column[rollout.PlanNode] {
		return column[rollout.PlanNode]{
			name: name, leave: lv, compare: by(f),
			cell: func(n *rollout.PlanNode) cell { return text(orNone(f(n))) },
		}
	}
	wave := column[rollout.PlanNode]{
		name: "WAVE", compare: func(a, b *rollout.PlanNode) int { return cmp.Compare(a.Wave, b.Wave) },
		cell: func(n *rollout.PlanNode) cell {
			if n.Wave == 0 {
				return text(none)
			}
			return number(n.Wave)
		},
	}
	verdict := column[rollout.PlanNode]{
		name: "VERDICT", compare: by(func(n *rollout.PlanNode) string { return string(n.Verdict) }),
		cell: func(n *rollout.PlanNode) cell { return toned(toneOfPlan(n.Verdict), Safe(string(n.Verdict))) },
	}
	return []column[rollout.PlanNode]{
		str("NODE", leave{}, func(n *rollout.PlanNode) string { return n.Node }),
		str("ZONE", leave{order: 3}, func(n *rollout.PlanNode) string { return n.Zone }),
		str("ARCH", leave{order: 1}, func(n *rollout.PlanNode) string { return n.Arch }),
		wave,
		verdict,
		str("REASON", leave{order: 5, cut: true}, func(n *rollout.PlanNode) string { return n.Reason }),
		str("POD", leave{order: 2}, func(n *rollout.PlanNode) string { return n.Pod }),
		str("REVISION", leave{order: 4}, func(n *rollout.PlanNode) string { return planRevision(p, n.Revision) }),
	}
}

func planRevision(p *rollout.Plan, hash string) string {
	for _, r := range []rollout.Revision{p.Target, p.From} {
		if r.Hash == hash && hash != "" && r.Number > 0 {
			return fmt.Sprint(r.Number)
		}
	}
	return hash
}

func toneOfPlan(v rollout.PlanVerdict) tone {
	switch v {
	case rollout.WouldNotComeBack, rollout.WouldBeLost:
		return bad
	case rollout.Skip:
		return warn
	case rollout.WillUpdate, rollout.Current:
	}
	return plain
}
