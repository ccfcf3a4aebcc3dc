package rollout

import (
	"slices"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit/sim/check"
)

// deleted are the nodes whose pods of the DaemonSet the runs deleted, in the
// order in which the server did so.
func deleted(h *check.History) []string {
	var out []string
	for i := range h.Writes {
		x := &h.Writes[i]
		if x.Ours && !x.DryRun && x.Kind == "Pod" && x.Verb == "delete" && x.Pre != nil {
			out = append(out, x.Pre.Pod.Node)
		}
	}
	return out
}

// untouched are those of nodes whose pods no run deleted.
func untouched(h *check.History, nodes []string) []string {
	touched := deleted(h)
	return slices.DeleteFunc(slices.Clone(nodes), func(n string) bool { return slices.Contains(touched, n) })
}
