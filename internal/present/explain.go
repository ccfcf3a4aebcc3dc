package present

import (
	"fmt"
	"io"

	"github.com/kubectl-ds/kubectl-ds/pkg/coverage"
)

// Explanation writes why one node runs one DaemonSet or does not: every rule
// in order, then what would change the verdict.
func Explanation(w io.Writer, e *coverage.Explanation, o Options) error {
	var p page
	c := o.paint()
	p.lines(flow(c, o.Width, headed(e.Source, ",", o)...))
	if !o.Quiet {
		p.lines(incomplete(e.Source, o))
	}
	head := fmt.Sprintf("%s/%s on %s: %s", Safe(e.Namespace), Safe(e.Name), Safe(e.Node), explainState(&e.Verdict))
	if e.Headline != "" {
		head += ". " + Safe(e.Headline)
	}
	p.lines(wrap("", head, o.Width))
	if o.Quiet {
		return p.writeTo(w)
	}
	p.line("")
	if err := p.table(ruleGrid(e.Rules, o), c); err != nil {
		return err
	}
	if len(e.Changes) > 0 {
		p.line("")
		p.line("Any one of these changes the verdict:")
		if err := p.table(changeGrid(e.Changes, o), c); err != nil {
			return err
		}
	}
	if len(e.Fixes)+len(e.Looks) > 0 {
		p.line("")
	}
	for _, f := range e.Fixes {
		p.lines(wrapCommand("    fix    ", Safe(f), o.Width))
	}
	for _, l := range e.Looks {
		p.lines(wrapCommand("    look   ", Safe(l), o.Width))
	}
	return p.writeTo(w)
}

func explainState(v *coverage.NodeVerdict) string {
	s := v.State.String()
	if v.Suspect {
		s += ", suspect"
	}
	if v.Settling {
		s += ", settling"
	}
	if v.Reason != "" && v.Reason != coverage.Current {
		s += fmt.Sprintf(" (%s)", Safe(string(v.Reason)))
	}
	return s
}

// ruleGrid breaks long operands into lines under each other, so that the
// result stays in sight at the right.
func ruleGrid(rules []coverage.RuleLine, o Options) *grid {
	g := &grid{headers: []string{"", "RULE", "OPERANDS", "RESULT"}}
	if o.NoHeaders {
		g.headers = nil
	}
	others := 0
	for _, col := range []func(*coverage.RuleLine) string{numberOf, ruleOf, resultOf} {
		widest := 6
		for i := range rules {
			widest = max(widest, width(col(&rules[i])))
		}
		others += widest + len(gap)
	}
	limit := 0
	if o.Width > 0 {
		limit = max(o.Width-others, 24)
	}
	for i := range rules {
		r := &rules[i]
		t := plain
		if r.Failed {
			t = bad
		}
		for j, line := range wrap("", Safe(r.Operands), limit) {
			if j == 0 {
				g.rows = append(g.rows, []cell{text(numberOf(r)), text(ruleOf(r)), text(line), toned(t, resultOf(r))})
				continue
			}
			g.rows = append(g.rows, []cell{text(""), text(""), text(line), text("")})
		}
	}
	return g
}

func numberOf(r *coverage.RuleLine) string {
	if r.Number == 0 {
		return ""
	}
	return fmt.Sprint(r.Number)
}

// ruleOf indents what continues a rule.
func ruleOf(r *coverage.RuleLine) string { return Safe(r.Rule) }

func resultOf(r *coverage.RuleLine) string { return Safe(r.Result) }

// changeGrid puts what a change does under it where a terminal is too narrow for
// both: a command stays on one line, and is not pulled apart from its end.
func changeGrid(changes []coverage.Change, o Options) *grid {
	g := &grid{indent: "    "}
	for _, ch := range changes {
		effect := fmt.Sprintf("should-run %d -> %d", ch.From, ch.To)
		if ch.From == ch.To && ch.Effect != "" {
			effect = Safe(ch.Effect)
		}
		g.rows = append(g.rows, []cell{toned(info, Safe(ch.Where)), text(Safe(ch.Do)), text(effect)})
	}
	if len(g.rows) == 0 || o.Width == 0 || g.width(g.widths()) <= o.Width {
		return g
	}
	under := &grid{indent: g.indent}
	for _, r := range g.rows {
		under.rows = append(under.rows, r[:2], []cell{text(""), r[2]})
	}
	return under
}
