package coverage

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// NodeView turns the verdicts round: a row a node, in the order of names, or
// of all nodes the worst first. An UnknownNodesError names those that the
// cluster does not have.
func (r *Result) NodeView(names []string) (*NodeCoverageList, error) {
	ix := newIndex(r.Snapshot)
	wanted, err := r.wantedNodes(ix, names)
	if err != nil {
		return nil, err
	}
	l := &NodeCoverageList{
		TypeMeta: metav1.TypeMeta{APIVersion: snapshot.APIVersion, Kind: KindNodeList},
		Source:   r.source(),
		Items:    make([]NodeCoverage, len(wanted)),
	}
	at := make(map[int32]*NodeCoverage, len(wanted))
	for i, n := range wanted {
		l.Items[i] = nodeItem(r.Snapshot.Nodes[n])
		at[n] = &l.Items[i]
	}
	held := r.podsOfNodes(ix, at)
	for i := range r.DaemonSets {
		d := &r.DaemonSets[i]
		asks := TemplateRequests(&d.DaemonSet.Spec.Template.Spec)
		for j := range d.Verdicts {
			v := &d.Verdicts[j]
			if n, ok := at[v.Node]; ok {
				n.add(r.verdict(d, v), d, v, held[nodeSet{v.Node, int32(i)}], asks)
			}
		}
	}
	for i := range l.Items {
		l.Items[i].Summary.finish()
		l.Items[i].sort()
	}
	if len(names) == 0 {
		slices.SortStableFunc(l.Items, func(a, b NodeCoverage) int {
			bad := func(n *NodeCoverage) int { return n.Summary.Unknown + n.Summary.Gaps + n.Summary.Suspect }
			return cmp.Or(cmp.Compare(bad(&b), bad(&a)), strings.Compare(a.Name, b.Name))
		})
	}
	return l, nil
}

// wantedNodes are the indexes of the nodes of these names, once each.
func (r *Result) wantedNodes(ix *index, names []string) ([]int32, error) {
	var out []int32
	var missing []string
	seen := make(map[int32]bool, len(names))
	for _, name := range names {
		n, ok := ix.nodeAt[name]
		switch {
		case !ok:
			missing = append(missing, name)
		case !r.selected(r.Snapshot.Nodes[n]):
			return nil, r.noVerdict(name)
		case !seen[n]:
			seen[n] = true
			out = append(out, n)
		}
	}
	switch {
	case len(missing) > 0 && r.NodesUnread:
		return nil, r.noVerdict(missing[0])
	case len(missing) > 0:
		return nil, r.unknownNodes(missing...)
	case len(names) > 0:
		return out, nil
	}
	for i, n := range r.Snapshot.Nodes {
		if r.selected(n) {
			out = append(out, int32(i))
		}
	}
	return out, nil
}

func (r *Result) selected(n *corev1.Node) bool { return r.Options.Nodes == nil || r.Options.Nodes(n) }

func nodeItem(n *corev1.Node) NodeCoverage {
	item := NodeCoverage{
		TypeMeta:      metav1.TypeMeta{APIVersion: snapshot.APIVersion, Kind: KindNode},
		ObjectMeta:    metav1.ObjectMeta{Name: n.Name, UID: n.UID, CreationTimestamp: n.CreationTimestamp, DeletionTimestamp: n.DeletionTimestamp, Labels: maps.Clone(n.Labels)},
		Ready:         cmp.Or(string(readyStatus(n)), string(corev1.ConditionUnknown)),
		Unschedulable: n.Spec.Unschedulable,
		Arch:          cmp.Or(arch(n), n.Status.NodeInfo.Architecture),
		InstanceType:  cmp.Or(instanceType(n), n.Labels[corev1.LabelInstanceType]),
		Zone:          cmp.Or(zone(n), n.Labels[corev1.LabelFailureDomainBetaZone]),
		DaemonSets:    []NodeDaemonSet{},
	}
	_, item.Pool = poolOf(n)
	alloc := snapshot.RequestsOf(n.Status.Allocatable)
	item.Cost.AllocatableMilliCPU, item.Cost.AllocatableMemory = alloc.MilliCPU, alloc.Memory
	item.Cost.AllocatablePods = n.Status.Allocatable.Pods().Value()
	return item
}

// nodeSet is one (node, DaemonSet) pair, by their indexes.
type nodeSet struct{ node, set int32 }

// podsOfNodes finds the live pods of each DaemonSet on the nodes, bound or
// pinned to them, and counts those of DaemonSets outside the question that the
// snapshot knows. What a DaemonSet has released, having other labels now, is
// still its pod here: it holds its room.
func (r *Result) podsOfNodes(ix *index, at map[int32]*NodeCoverage) map[nodeSet][]*snapshot.Pod {
	sets := make(map[types.UID]int32, len(r.DaemonSets))
	for i := range r.DaemonSets {
		sets[r.DaemonSets[i].DaemonSet.UID] = int32(i)
	}
	out := map[nodeSet][]*snapshot.Pod{}
	for i := range r.Snapshot.Pods {
		p := &r.Snapshot.Pods[i]
		n, ok := at[ix.podNode[i]]
		if !ok || p.Terminal() || p.Owner == nil {
			continue
		}
		switch set, asked := sets[p.Owner.UID]; {
		case asked:
			k := nodeSet{ix.podNode[i], set}
			out[k] = append(out[k], p)
		case p.Owner.Kind == "DaemonSet":
			n.Cost.LeftOutDaemonSetPods++
		}
	}
	for i := range r.DaemonSets {
		d := &r.DaemonSets[i]
		for j := range d.Verdicts {
			// An orphan that is about to be adopted.
			v := &d.Verdicts[j]
			if p := r.pod(v); p != nil && p.Owner == nil && !p.Terminal() && at[v.Node] != nil {
				k := nodeSet{v.Node, int32(i)}
				out[k] = append(out[k], p)
			}
		}
	}
	return out
}

// add notes one DaemonSet on the node: what its pods request, or one would.
func (n *NodeCoverage) add(verdict NodeVerdict, d *DaemonSetResult, v *Verdict, pods []*snapshot.Pod, asks *snapshot.Requests) {
	n.Summary.add(v)
	row := NodeDaemonSet{Namespace: d.DaemonSet.Namespace, Name: d.DaemonSet.Name, NodeVerdict: verdict}
	if len(pods) == 0 && v.State.ShouldRun() {
		row.MilliCPU, row.Memory = asks.MilliCPU, asks.Memory
	}
	n.Cost.Pods += len(pods)
	for _, p := range pods {
		if p.Requests != nil {
			row.MilliCPU += p.Requests.MilliCPU
			row.Memory += p.Requests.Memory
			n.Cost.MilliCPU += p.Requests.MilliCPU
			n.Cost.Memory += p.Requests.Memory
		}
	}
	n.DaemonSets = append(n.DaemonSets, row)
}

// sort puts what is not well first, then the largest, and what is excluded by
// design last.
func (n *NodeCoverage) sort() {
	rank := func(d *NodeDaemonSet) int {
		switch {
		case d.State.Gap() || d.State == Unknown:
			return 0
		case d.Suspect:
			return 1
		case d.State == Outdated:
			return 2
		case d.State == Misplaced:
			return 3
		case d.State == Covered:
			return 4
		default:
			return 5
		}
	}
	slices.SortStableFunc(n.DaemonSets, func(a, b NodeDaemonSet) int {
		return cmp.Or(cmp.Compare(rank(&a), rank(&b)), cmp.Compare(b.MilliCPU, a.MilliCPU), cmp.Compare(b.Memory, a.Memory),
			strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
	})
}
