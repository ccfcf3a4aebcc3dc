package coverage

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// UnknownNodesError names nodes that the cluster does not have.
type UnknownNodesError struct {
	Names []string
	// Near are names that were perhaps meant, of all of them.
	Near []string
	// Suggestions are those names by the unknown name, the nearest first.
	Suggestions map[string][]string
	// Existing are all names of the cluster's nodes.
	Existing []string
}

func (e *UnknownNodesError) Error() string {
	var parts []string
	for _, name := range e.Names {
		if near := e.Suggestions[name]; len(near) > 0 {
			name += " (did you mean " + strings.Join(near, ", ") + "?)"
		}
		parts = append(parts, name)
	}
	return "no such node: " + strings.Join(parts, ", ")
}

// maxNear is how many names are suggested for one that is unknown.
const maxNear = 3

func (r *Result) unknownNodes(names ...string) error {
	e := &UnknownNodesError{Names: names, Suggestions: map[string][]string{}}
	for _, n := range r.Snapshot.Nodes {
		e.Existing = append(e.Existing, n.Name)
	}
	for _, name := range names {
		near := nearNames(name, e.Existing)
		if len(near) > 0 {
			e.Suggestions[name] = near
		}
		for _, n := range near {
			if !slices.Contains(e.Near, n) {
				e.Near = append(e.Near, n)
			}
		}
	}
	return e
}

// nearNames lists the names that were perhaps meant: those of which only the
// domain was left out, then those that are misspelt, the nearest first.
func nearNames(name string, all []string) []string {
	type found struct {
		name     string
		distance int
	}
	var near []found
	for _, other := range all {
		switch {
		case name != "" && strings.HasPrefix(other, name+"."):
			near = append(near, found{other, 0})
		case misspelt(name, other):
			near = append(near, found{other, levenshtein.ComputeDistance(name, other)})
		}
	}
	slices.SortStableFunc(near, func(a, b found) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), strings.Compare(a.name, b.name))
	})
	var out []string
	for _, f := range near[:min(len(near), maxNear)] {
		out = append(out, f.name)
	}
	return out
}

// noVerdict says why there is no verdict on a node: there is no such node, or
// nobody knows, or nobody asked.
func (r *Result) noVerdict(node string) error {
	if f, unread := r.Snapshot.Missing(snapshot.ResourceNodes, ""); unread {
		return fmt.Errorf("cannot tell whether there is a node %s: %s", node, describeRead(f))
	}
	for _, n := range r.Snapshot.Nodes {
		if n.Name == node {
			return fmt.Errorf("node %s is not among the nodes that were selected", node)
		}
	}
	return r.unknownNodes(node)
}
