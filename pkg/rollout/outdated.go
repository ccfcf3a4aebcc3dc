package rollout

import (
	"slices"
	"time"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// strayFor is how long pods of nodes that are gone are waited for: the garbage
// collector of pods looks every 20 s and gives a node 40 s to come back
// (pkg/controller/podgc/gc_controller.go, v1.37.2).
const strayFor = 2 * time.Minute

// onlyStray reports whether all outdated pods are of nodes that are gone. The
// controllers end those by themselves.
func (v *View) onlyStray() bool {
	out := v.Outdated()
	return len(out) > 0 && !slices.ContainsFunc(out, func(p *snapshot.Pod) bool { return v.Node(p.EffectiveNode()) != nil })
}

// Outdated are pods, on any node, there or not, that the built-in update would
// replace: the controller's own test (util.IsPodUpdated,
// pkg/controller/daemon/util, v1.37.2) against the current revision. Before the strategy is given back, by
// whatever command, there must be none.
func (v *View) Outdated() []*snapshot.Pod {
	cur := v.current()
	hash := ""
	if cur != nil {
		hash = cur.Labels[hashLabel]
	}
	var out []*snapshot.Pod
	check := func(p *snapshot.Pod) {
		if p.Deleted == 0 && (hash == "" || p.Labels[hashLabel] != hash) {
			out = append(out, p)
		}
	}
	for i := range v.Nodes {
		for _, p := range v.Nodes[i].Pods {
			check(p)
		}
	}
	for _, p := range v.Homeless {
		check(p)
	}
	return out
}
