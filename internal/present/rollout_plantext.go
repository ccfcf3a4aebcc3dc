package present

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

func changeText(v *PlanView) string {
	p := v.Plan
	pods := podsText(p)
	if p.Change && p.Target.Hash != "" {
		return "back to the template of revision " + revisionOf(p.Target) + ", which gets a new number; " + pods
	}
	if p.Change {
		return "a new template, which becomes a new revision; " + pods
	}
	out := "none asked: the template is revision " + revisionOf(p.Target)
	if p.Target.Hash == "" {
		out = "none asked: the controller has not made a revision of the template yet"
	}
	if !v.ChangedAt.IsZero() {
		out += " since " + hourOf(v.ChangedAt, v.Now)
	}
	if v.ChangedBy != "" {
		out += " (" + v.ChangedBy + ")"
	}
	return out + ", " + pods
}

// podsText says what pods run now.
func podsText(p *rollout.Plan) string {
	var target, from, other, all int
	for i := range p.Nodes {
		n := &p.Nodes[i]
		if n.Pod == "" {
			continue
		}
		all++
		switch n.Revision {
		case "":
			other++
		case p.Target.Hash:
			target++
		case p.From.Hash:
			from++
		default:
			other++
		}
	}
	if all == 0 {
		return "no pod runs"
	}
	if from == all {
		if all == 1 {
			return "the only pod runs " + revisionOf(p.From)
		}
		return fmt.Sprintf("all %s run %s", plural(all, "pod"), revisionOf(p.From))
	}
	var parts []string
	if target > 0 {
		parts = append(parts, fmt.Sprintf("%d %s it", target, runOrRuns(target)))
	}
	if from > 0 {
		parts = append(parts, fmt.Sprintf("%d %s %s", from, runOrRuns(from), revisionOf(p.From)))
	}
	if other > 0 {
		parts = append(parts, fmt.Sprintf("%d %s others", other, runOrRuns(other)))
	}
	return fmt.Sprintf("of %s ", plural(all, "pod")) + strings.Join(parts, ", ")
}

func runOrRuns(n int) string {
	if n == 1 {
		return "runs"
	}
	return "run"
}

// inOneLine leaves out the container where the change before is of the same.
func inOneLine(changes []string) []string {
	var out []string
	before := ""
	for _, c := range changes {
		name, rest, ok := strings.Cut(c, " ")
		if ok && name == before {
			c = rest
		}
		before = name
		out = append(out, c)
	}
	return out
}

func strategyText(v *PlanView) string {
	p := v.Plan
	if p.Strategy == "" && p.Arms {
		return "RollingUpdate by default -> OnDelete for the run, put back when no old pod is left"
	}
	if !p.Arms {
		who := " already"
		for _, o := range p.Owners {
			if o.Strategy {
				who = " in the manifest (" + o.Name + ")"
			}
		}
		return p.Strategy + who + ": nothing to arm, nothing to put back"
	}
	out := p.Strategy
	if v.Limit != "" {
		out += " " + v.Limit
	}
	return out + " -> OnDelete for the run, put back when no old pod is left"
}

// windowText says when nodes are started, where that is limited.
func windowText(v *PlanView) string {
	if v.Plan.Policy == nil || len(v.Plan.Policy.Windows) == 0 {
		return ""
	}
	out := strings.Join(v.Plan.Policy.Windows, ", or ")
	if v.Opens.IsZero() {
		return out + ": open now"
	}
	return out + ": closed now, it opens at " + clock(v.Opens) + ", and no node is started before"
}

func ceilingText(p *rollout.Plan, o Options) string {
	out := fmt.Sprintf("%d of %d unavailable or not yet proven", p.Ceiling, len(p.Nodes))
	if v := p.Policy.MaxUnavailable; v != nil && v.Type == intstr.String {
		out += fmt.Sprintf(" (%s of all nodes that should run it, selected or not)", v.StrVal)
	}
	switch n := len(p.Down); {
	case n == 1:
		out += fmt.Sprintf("; 1 is down already (%s)", p.Down[0])
	case n > 1:
		out += fmt.Sprintf("; %d are down already (%s)", n, short(p.Down, 3, o))
	}
	if n := len(p.Fenced); n > 0 {
		out += fmt.Sprintf("; %d set aside (%s)", n, short(p.Fenced, 3, o))
	}
	if n := p.Places(); n == 0 {
		out += ", so none is free"
	} else if n < min(p.AtOnce(), p.Ceiling) { // pods of nodes that are down are deleted, too
		out += fmt.Sprintf(", so %d more at a time", n)
	} else if len(p.Down) > 0 || n < p.Ceiling {
		out += fmt.Sprintf(", so at most %d at a time", n)
	}
	return out
}

func timeText(p *rollout.Plan) string {
	e := p.Estimate
	if p.Updates == 0 {
		return ""
	}
	if e == nil {
		return "not known: no pod tells how long one takes to become available"
	}
	out := fmt.Sprintf("%s until available (median; p95 %s)", seconds(e.Median), seconds(e.P95))
	if e.Soak > 0 {
		out += " + " + seconds(e.Soak) + " soak"
	}
	if p.Places() == 0 {
		return out + fmt.Sprintf("; one at a time %s for %d", seconds(e.AtOne), p.Updates)
	}
	out += fmt.Sprintf(": about %s for %d", seconds(e.Total), p.Updates)
	if u := p.Policy.Until; e.Until >= 0 && u != nil && e.Until < p.Updates {
		out += fmt.Sprintf("; about %d by %s, then it pauses", e.Until, u.UTC().Format("15:04Z"))
	}
	return out
}

// slowerText is how long it takes with a lower ceiling.
func slowerText(p *rollout.Plan) string {
	e := p.Estimate
	if p.Updates == 0 || e == nil || p.Places() == 0 {
		return ""
	}
	return fmt.Sprintf("one at a time %s, at 1%% %s", seconds(e.AtOne), seconds(e.AtPercent))
}

// eachNode is what happens to a node and what it has to pass.
func eachNode(p *rollout.Plan) string {
	pol := p.Policy
	var parts []string
	if j := pol.WaitForJobs; j != nil {
		parts = append(parts, "no pod of "+j.Selector+" runs")
	}
	switch {
	case pol.Drain != nil:
		parts = append(parts, "cordoned and drained")
	case pol.Cordon:
		parts = append(parts, "cordoned")
	}
	what := "pod of " + revisionOf(p.Target)
	if p.Change {
		what = "new pod"
	}
	proof := what + " available"
	if e := p.Estimate; e != nil && e.Soak > 0 {
		proof += " for " + seconds(e.Soak)
	} else if pol.Soak != nil && pol.Soak.Duration > 0 {
		proof += " for " + span(pol.Soak.Duration)
	}
	parts = append(parts, proof+", no restart")
	parts = append(parts, gatesText(pol.Gates)...)
	return strings.Join(parts, "; ")
}

// gatesText says what gates ask; of the three default ones in fewer words than
// each by itself.
func gatesText(gates []rollout.Gate) []string {
	builtin := map[rollout.BuiltinGate]bool{}
	for i := range gates {
		builtin[gates[i].Builtin] = true
	}
	both := builtin[rollout.GateCollateral] && builtin[rollout.GateConditions]
	var out []string
	for i := range gates {
		switch g := &gates[i]; {
		case both && g.Builtin == rollout.GateCollateral:
			out = append(out, "no other pod or condition of the node worse")
		case both && g.Builtin == rollout.GateConditions:
		default:
			out = append(out, gateText(g))
		}
	}
	return out
}

func gateText(g *rollout.Gate) string {
	switch g.Builtin {
	case rollout.GateCollateral:
		return "no other pod of the node worse"
	case rollout.GateWarnings:
		return "no new Warning event"
	case rollout.GateConditions:
		return "no condition of the node worse"
	}
	out := "gate " + g.Name
	switch g.When {
	case rollout.BeforeWave:
		out += " before its wave"
	case rollout.BeforeNode:
		out += " before"
	case rollout.AfterNode:
	}
	return out
}

// leftAlone counts nodes that nothing is done to, by reason.
func leftAlone(p *rollout.Plan, o Options) string {
	by := map[string][]string{}
	for i := range p.Nodes {
		n := &p.Nodes[i]
		switch n.Verdict {
		case rollout.Current:
			by["runs it already"] = append(by["runs it already"], n.Node)
		case rollout.Skip:
			by[n.Reason] = append(by[n.Reason], n.Node)
		case rollout.WouldNotComeBack:
			why := "its pod would not come back"
			by[why] = append(by[why], n.Node)
		case rollout.WillUpdate, rollout.WouldBeLost: // a plan with the latter is refused
		}
	}
	var parts []string
	for _, why := range slices.Sorted(maps.Keys(by)) {
		parts = append(parts, fmt.Sprintf("%s, %s (%s)", plural(len(by[why]), "node"), why, short(by[why], 3, o)))
	}
	return strings.Join(parts, "; ")
}

// usual is the architecture of most nodes of a plan: only others are worth a
// word.
func usual(p *rollout.Plan) string {
	count, best := map[string]int{}, ""
	for i := range p.Nodes {
		a := p.Nodes[i].Arch
		count[a]++
		if count[a] > count[best] || count[a] == count[best] && a < best {
			best = a
		}
	}
	return best
}
