package coverage

import (
	"cmp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

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
	at := make(map[int32]int, len(wanted))
	for i, n := range wanted {
		l.Items[i] = r.nodeItem(r.Snapshot.Nodes[n])
		at[n] = i
	}
	for i := range r.DaemonSets {
		d := &r.DaemonSets[i]
		asks := TemplateRequests(&d.DaemonSet.Spec.Template.Spec)
		for j := range d.Verdicts {
			v := &d.Verdicts[j]
			if k, ok := at[v.Node]; ok {
				l.Items[k].add(r, d, v, asks)
			}
		}
	}
	for n, k := range at {
		r.otherDaemonPods(ix, n, &l.Items[k])
		l.Items[k].Summary.finish()
		l.Items[k].sort()
	}
	if len(names) == 0 {
		slices.SortStableFunc(l.Items, func(a, b NodeCoverage) int {
			bad := func(n *NodeCoverage) int { return n.Summary.Unknown + n.Summary.Gaps + n.Summary.Suspect }
			return cmp.Or(cmp.Compare(bad(&b), bad(&a)), strings.Compare(a.Name, b.Name))
		})
	}
	return l, nil
}

func (r *Result) wantedNodes(ix *index, names []string) ([]int32, error) {
	var out []int32
	var unknown []string
	for _, name := range names {
		n, ok := ix.nodeAt[name]
		switch {
		case !ok:
			unknown = append(unknown, name)
		case !slices.Contains(out, n):
			out = append(out, n)
		}
	}
	if len(unknown) > 0 {
		return nil, r.unknownNodes(unknown...)
	}
	if len(names) > 0 {
		return out, nil
	}
	for i, n := range r.Snapshot.Nodes {
		if r.Options.Nodes == nil || r.Options.Nodes(n) {
			out = append(out, int32(i))
		}
	}
	return out, nil
}

func (r *Result) nodeItem(n *corev1.Node) NodeCoverage {
	item := NodeCoverage{
		TypeMeta:   metav1.TypeMeta{APIVersion: snapshot.APIVersion, Kind: KindNode},
		ObjectMeta: metav1.ObjectMeta{Name: n.Name, UID: n.UID, CreationTimestamp: n.CreationTimestamp, Labels: n.Labels},
		Ready:      cmp.Or(string(readyStatus(n)), "Unknown"), Unschedulable: n.Spec.Unschedulable,
		Arch: arch(n), InstanceType: instanceType(n), Zone: zone(n),
		DaemonSets: []NodeDaemonSet{},
	}
	_, item.Pool = poolOf(n)
	alloc := snapshot.RequestsOf(n.Status.Allocatable)
	item.Cost.AllocatableMilliCPU, item.Cost.AllocatableMemory = alloc.MilliCPU, alloc.Memory
	item.Cost.AllocatablePods = n.Status.Allocatable.Pods().Value()
	return item
}

// add notes one DaemonSet on the node: what its pod requests, or would.
func (n *NodeCoverage) add(r *Result, d *DaemonSetResult, v *Verdict, asks *snapshot.Requests) {
	n.Summary.add(v)
	row := NodeDaemonSet{Namespace: d.DaemonSet.Namespace, Name: d.DaemonSet.Name, NodeVerdict: r.verdict(d, v)}
	if p := r.pod(v); p != nil {
		asks = p.Requests
		n.Cost.Pods++
		n.Cost.MilliCPU += asks.MilliCPU
		n.Cost.Memory += asks.Memory
	}
	if v.Pod >= 0 || v.State.ShouldRun() {
		row.MilliCPU, row.Memory = asks.MilliCPU, asks.Memory
	}
	n.DaemonSets = append(n.DaemonSets, row)
}

// otherDaemonPods counts pods of DaemonSets outside the question.
func (r *Result) otherDaemonPods(ix *index, node int32, n *NodeCoverage) {
	if !r.Snapshot.PodsComplete(n.Name) {
		return
	}
	for _, i := range ix.bound(node) {
		p := &r.Snapshot.Pods[i]
		if p.Owner == nil || p.Owner.Kind != "DaemonSet" {
			continue
		}
		asked := slices.ContainsFunc(r.DaemonSets, func(d DaemonSetResult) bool { return d.DaemonSet.UID == p.Owner.UID })
		if !asked {
			n.Cost.LeftOutDaemonSetPods++
		}
	}
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
