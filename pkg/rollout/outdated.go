package rollout

import "github.com/kubectl-ds/kubectl-ds/pkg/snapshot"

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
