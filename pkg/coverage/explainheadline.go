package coverage

import (
	"strings"
)

// headline says how far the pair is from what is wanted; empty where all is
// well.
func (x *explainer) headline() string {
	switch {
	case x.v.State == Covered:
		return ""
	case x.gateOpen():
		return "Only a feature gate of the server tells."
	case x.v.State == Unknown, x.v.State.ShouldRun():
		return x.sentence()
	case x.v.Reason == VirtualNode:
		return "The node is virtual: no pod of a DaemonSet can run there."
	}
	away := x.away()
	if x.v.State != Misplaced {
		return away + "."
	}
	switch x.v.Reason {
	case LatentUnrecreatable:
		return away + ": the pod stays, and would not come back."
	case DeletionPending:
		return away + ": the controller will delete the pod."
	default:
		return away + ": the pod is ending, and will not come back."
	}
}

// sentence is the message of the verdict, in its own words: it may begin with
// the name of a resource or of a container.
func (x *explainer) sentence() string {
	if x.v.Detail == nil {
		return ""
	}
	text := strings.TrimSuffix(x.r.message(x.d, x.v), ".")
	if text == "" {
		return ""
	}
	return text + "."
}

// away counts what stands between the node and the DaemonSet.
func (x *explainer) away() string {
	e := &x.rules
	if !e.AffinityOK && e.NearestTerm() < 0 {
		return "No node can match the required node affinity"
	}
	var parts []string
	if !e.NodeNameOK {
		parts = append(parts, "one nodeName")
	}
	if n := len(e.Failing()); n > 0 {
		parts = append(parts, amount(n, "requirement"))
	}
	if n := len(e.Untolerated()); n > 0 {
		parts = append(parts, amount(n, "taint"))
	}
	last := len(parts) - 1
	if last < 0 {
		return "Nothing keeps it away" // the rules say yes: no such state
	}
	text := parts[last]
	if last > 0 {
		text = strings.Join(parts[:last], ", ") + " and " + text
	}
	return strings.ToUpper(text[:1]) + text[1:] + " away from should-run"
}

func amount(n int, noun string) string {
	words := []string{"", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"}
	switch {
	case n >= len(words) || n < 1:
		return count(n, noun)
	case n == 1:
		return "one " + noun
	default:
		return words[n] + " " + noun + "s"
	}
}
