package rollout

import "fmt"

// others is about old pods on nodes that the policy does not select: for them
// the run ends with something left.
func (pl *planner) others(p *Policy) Check {
	var stay []string
	for i := range pl.out.Nodes {
		n := &pl.out.Nodes[i]
		if n.Verdict == Skip && n.Pod != "" && (pl.target == "" || n.Revision != pl.target) {
			stay = append(stay, n.Node)
		}
	}
	if len(stay) == 0 || pl.out.Idle() {
		return Check{}
	}
	then := "the run ends with exit code 1"
	switch {
	case !pl.out.Arms || pl.out.Strategy == onDelete:
	case p.HandBack:
		then += ", and the built-in update goes on with them"
	default:
		then += ", and the strategy stays OnDelete"
	}
	return Check{Name: "others", Result: CheckWarn, Nodes: stay, Fix: "select them too, or bring them by a run of their own",
		Detail: fmt.Sprintf("%s on nodes that are not selected (%s): %s", countOf(len(stay), "old pod"), names(stay), then)}
}
