package rollout

import (
	"fmt"
	"slices"
	"strings"
)

// Cordoned is a node that a run has cordoned and not given back.
type Cordoned struct {
	Node string `json:"node"`
	Run  string `json:"run,omitempty"` // empty where the mark cannot be read
	// Known is set where the DaemonSet itself tells that the run was one of it.
	Known bool `json:"known,omitempty"`
}

// cordons are the nodes that carry a mark, of whatever run, and that this
// DaemonSet has to do with.
func (v *View) cordons() []Cordoned {
	var out []Cordoned
	runs := runsOf(v, RecoverInput{})
	for i := range v.Nodes {
		n := &v.Nodes[i]
		if n.Mark == nil {
			continue
		}
		c := Cordoned{Node: n.Node.Name, Run: n.Mark.Run, Known: slices.Contains(runs, n.Mark.Run)}
		if c.Run == unreadableMark {
			c.Run = ""
		}
		if c.Known || n.ShouldRun || len(n.Pods) > 0 {
			out = append(out, c)
		}
	}
	return out
}

// cordonedBy names the nodes that carry the mark of a run.
func (v *View) cordonedBy(run string) []string {
	var out []string
	for i := range v.Nodes {
		if n := &v.Nodes[i]; n.Mark.ours(run) {
			out = append(out, n.Node.Name)
		}
	}
	return out
}

// cleanups are the commands that give cordoned nodes back where no Lease is
// left: those of runs of this DaemonSet first, then those that may be.
func (n *Native) cleanups(flags string) []NativeRemedy {
	var known []string
	var runs []string
	by := map[string][]string{}
	for _, c := range n.Cordoned {
		switch {
		case c.Known:
			known = append(known, c.Node)
		case c.Run != "":
			if by[c.Run] == nil {
				runs = append(runs, c.Run)
			}
			by[c.Run] = append(by[c.Run], c.Node)
		}
	}
	words := []string{"kubectl", "ds-rollout", "recover", "-n", n.Namespace, n.Name}
	back := func(nodes []string) string { return "gives " + names(nodes) + " back as before the run" }
	var out []NativeRemedy
	if len(known) > 0 {
		out = append(out, NativeRemedy{Label: "clean", Do: Command(flags, words...), Then: back(known)})
	}
	for _, r := range runs {
		out = append(out, NativeRemedy{
			Label: "clean", Do: Command(flags, append(slices.Clone(words), "--run", r)...),
			When: fmt.Sprintf("if run %s was of this DaemonSet and is over", r), Then: back(by[r]),
		})
	}
	return out
}

// oddArm says what is wrong with an annotation of arm that cannot be read, and
// what to do; empty where it can, or is not there.
func (v *View) oddArm() string {
	if _, err := ArmedOf(v.DaemonSet); err != nil {
		return strings.TrimSpace(err.Error()) + ". What updateStrategy.type was before is not known: set it, and remove the annotation"
	}
	return ""
}
