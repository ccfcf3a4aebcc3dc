package present

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/kubectl-ds/kubectl-ds/pkg/coverage"
)

// verdict is the last line: what a chat sees. It never calls well what was
// not read.
func verdict(list *coverage.DaemonSetCoverageList) []clause {
	s := &list.Summary.Summary
	if len(list.Items) == 0 {
		return []clause{{text("No DaemonSets: nothing to cover.")}}
	}
	if list.Summary.LiveNodes == 0 && !blind(list.Source) {
		return []clause{{text("No nodes: nothing to cover.")}} // which is not that none lacks a pod
	}
	counts := gapsPart(list).and(s.Unknown, bad, "unknown").and(s.Outdated, warn, "outdated").
		and(s.Suspect, bad, "suspect").and(s.Misplaced, warn, "misplaced")
	out := []clause{append(counts, text(".")), {text(coveragePart(s))}}
	if where := nowhere(list); where != "" && coveredOf(s).whole > 0 {
		out = append(out, clause{toned(warn, where)})
	}
	return out
}

// nowhere names the DaemonSets that no node should run: on a cluster without
// such nodes that may be meant, and with a typing error it looks the same. Those
// that have been so for long have their paragraph, and would stand here for ever.
func nowhere(list *coverage.DaemonSetCoverageList) string {
	var names []string
	for i := range list.Items {
		d := &list.Items[i]
		if slices.ContainsFunc(d.Findings, func(f coverage.Finding) bool { return f.Reason == coverage.NoMatchAnyNode && !f.Parked }) {
			names = append(names, Safe(d.Namespace+"/"+d.Name))
		}
	}
	const most = 3
	if n := len(names) - most; n > 0 {
		names = append(names[:most], fmt.Sprintf("+%d", n))
	}
	if len(names) == 0 {
		return ""
	}
	return "No node should run " + strings.Join(names, ", ") + "."
}

func gapsPart(list *coverage.DaemonSetCoverageList) clause {
	s := &list.Summary
	switch {
	case s.Gaps > 0:
		young := ""
		if s.SettlingGaps > 0 {
			young = fmt.Sprintf(" (%d settling)", s.SettlingGaps)
		}
		return clause{toned(bad, fmt.Sprintf("%s on %s", plural(s.Gaps, "gap"), plural(gapNodes(list), "node"))), text(young)}
	case s.Unknown > 0 || blind(list.Source):
		return clause{text("No gaps in what could be read")}
	}
	return clause{text("No gaps")}
}

func gapNodes(list *coverage.DaemonSetCoverageList) int {
	nodes := map[string]bool{}
	for i := range list.Items {
		for j := range list.Items[i].Nodes {
			if v := &list.Items[i].Nodes[j]; v.State.Gap() {
				nodes[v.Node] = true
			}
		}
	}
	return len(nodes)
}

func coveragePart(s *coverage.Summary) string {
	now, steady := coveredOf(s), steadyOf(s)
	if now.whole == 0 {
		if s.Unknown > 0 {
			return "Coverage cannot be told."
		}
		if steady.whole > 0 {
			return fmt.Sprintf("No node should run any of them now, steady %s (%s).", steady.percent(), steady.fraction())
		}
		return "No node should run any of them."
	}
	of := ""
	if s.Unknown > 0 {
		of = " of what is known"
	}
	out := fmt.Sprintf("Coverage %s (%s)%s, steady %s", now.percent(), now.fraction(), of, steady.percent())
	if !steady.full() || steady != now {
		out += fmt.Sprintf(" (%s)", steady.fraction())
	}
	return out + "."
}

// settling is the one line about what is too young to judge.
func settling(list *coverage.DaemonSetCoverageList, o Options) string {
	nodes := map[string]bool{}
	for i := range list.Items {
		for j := range list.Items[i].Nodes {
			if v := &list.Items[i].Nodes[j]; v.Settling {
				nodes[v.Node] = true
			}
		}
	}
	if len(nodes) == 0 {
		return ""
	}
	return fmt.Sprintf("Settling on %s (the node, the pod or the revision is younger than %s): shown, not counted.",
		plural(len(nodes), "node"), duration.HumanDuration(o.Grace))
}
