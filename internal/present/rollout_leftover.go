package present

import (
	"slices"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// leftByRuns names the nodes that runs have cordoned and not given back, by
// run, and what gives them back.
func leftByRuns(s *sheet, n *rollout.Native) {
	if len(n.Cordoned) == 0 {
		return
	}
	s.blank()
	var runs []string
	by := map[string][]string{}
	for _, c := range n.Cordoned {
		if !slices.Contains(runs, c.Run) {
			runs = append(runs, c.Run)
		}
		by[c.Run] = append(by[c.Run], c.Node)
	}
	for i, r := range runs {
		label := "cordoned"
		if i > 0 {
			label = ""
		}
		nodes := few(by[r], s.o)
		if r == "" {
			nodes += ": annotation " + rollout.MarkAnnotation + " cannot be read: uncordon by hand, and remove it"
		} else {
			nodes += ": by run " + r
		}
		s.toned(warn, label, nodes)
	}
	remedyLines(s, n.Cleanups)
}
