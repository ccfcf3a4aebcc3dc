package rollout

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// judge gives a verdict on every node that has or should have a pod.
func (pl *planner) judge(p *Policy) []PlanNode {
	var out []PlanNode
	for i := range pl.v.Nodes {
		n := &pl.v.Nodes[i]
		if !n.ShouldRun && !n.Doubt && len(n.Pods) == 0 {
			continue
		}
		out = append(out, pl.node(n, p))
	}
	return out
}

func (pl *planner) node(n *NodeView, p *Policy) PlanNode {
	out := PlanNode{
		Node: n.Node.Name, UID: ShortUID(n.Node.UID), Zone: ZoneOf(n.Node), Arch: ArchOf(n.Node), node: n.Node,
		Down: !n.anyAvailable(pl.ds.Spec.MinReadySeconds, pl.in.Now), lost: n.Ready != corev1.ConditionTrue,
		free: free(n),
	}
	var old *snapshot.Pod
	for _, pod := range n.Pods {
		if live(pod) {
			out.Pod, out.Revision = pod.Name, pod.Labels[hashLabel]
			if pl.target == "" || out.Revision != pl.target {
				old = pod
			}
		}
	}
	if old != nil {
		out.Pod, out.Revision = old.Name, old.Labels[hashLabel]
	}
	out.Verdict, out.Reason = pl.verdict(n, p, old, &out)
	return out
}

func (pl *planner) verdict(n *NodeView, p *Policy, old *snapshot.Pod, out *PlanNode) (PlanVerdict, string) {
	sel, err := labels.Parse(p.NodeSelector)
	if i := slices.IndexFunc(pl.misfits, func(m misfit) bool { return m.node == n.Node.Name }); i >= 0 {
		return WouldBeLost, "its pod would be deleted at once: the new template does not fit the node, " + pl.misfits[i].why
	}
	switch {
	case old == nil && out.Pod != "":
		return Current, ""
	case old == nil:
		return Skip, "no pod to replace: what the controller makes there is of the target"
	case slices.Contains(p.ExcludeNodes, n.Node.Name):
		return Skip, "excluded by name"
	case len(p.Nodes) > 0 && !slices.Contains(p.Nodes, n.Node.Name):
		return Skip, "not among the named nodes"
	case p.NodeSelector != "" && err == nil && !sel.Matches(labels.Set(n.Node.Labels)):
		return Skip, "not selected by " + p.NodeSelector
	case n.Doubt:
		return WouldNotComeBack, "only a feature gate of the server tells whether its pod would come back"
	case out.lost && !p.ActOnNotReady:
		return WillUpdate, "the node is not Ready: last, if it comes back"
	case !n.ShouldRun:
		return WouldNotComeBack, "the node is not eligible now"
	case out.free:
		return WillUpdate, "down already: it goes first"
	default:
		return WillUpdate, ""
	}
}

// from is what most pods run now, other than the target; never "the second
// newest", which is wrong after a change in the middle of a rollout.
func (pl *planner) from() Revision {
	count := map[string]int{}
	for i := range pl.v.Nodes {
		for _, p := range pl.v.Nodes[i].Pods {
			if h := p.Labels[hashLabel]; live(p) && h != "" && h != pl.target {
				count[h]++
			}
		}
	}
	var best Revision
	for _, r := range pl.v.Revisions { // newest first, so that a tie is decided
		if h := r.Labels[hashLabel]; count[h] > count[best.Hash] {
			best = Revision{Name: r.Name, Hash: h, Number: r.Revision}
		}
	}
	return best
}
