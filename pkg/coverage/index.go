package coverage

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// Places of a pod that are not the index of a node.
const (
	nowhere  int32 = -1 // neither bound nor pinned
	nodeGone int32 = -2 // bound or pinned to a node that is not there
)

// index holds what every DaemonSet's analysis looks up, built once.
type index struct {
	s       *snapshot.Snapshot
	nodeAt  map[string]int32
	podNode []int32 // by pod: index of the node that it is mapped to
	byOwner map[types.UID][]int32
	owners  map[string][]types.UID // controlling owners by namespace, in order of their first pod
	orphans map[string][]int32     // pods without a controller, by namespace
	ready   []corev1.ConditionStatus
	// ordinary is false for virtual nodes and the control plane's, which
	// everybody expects to go without.
	ordinary []bool
	pools    pools
	events   map[eventKey][]int32 // by object, oldest first
	byNode   map[int32][]int32    // live pods bound to nodes whose pods were all read; lazily
	// nominated are pods that wait for room which the scheduler keeps for them
	// on a node.
	nominated map[string][]int32
}

type eventKey struct {
	namespace, kind, name string
}

func newIndex(s *snapshot.Snapshot) *index {
	ix := &index{
		s:        s,
		nodeAt:   make(map[string]int32, len(s.Nodes)),
		podNode:  make([]int32, len(s.Pods)),
		byOwner:  map[types.UID][]int32{},
		owners:   map[string][]types.UID{},
		orphans:  map[string][]int32{},
		ready:    make([]corev1.ConditionStatus, len(s.Nodes)),
		ordinary: make([]bool, len(s.Nodes)),
		events:   map[eventKey][]int32{},

		nominated: map[string][]int32{},
	}
	for i, n := range s.Nodes {
		ix.nodeAt[n.Name] = int32(i)
		ix.ready[i] = readyStatus(n)
		ix.ordinary[i] = !virtual(n) && !controlPlane(n)
	}
	ix.pools = newPools(s.Nodes)
	ix.indexPods()
	for i := range s.Events {
		e := &s.Events[i]
		k := eventKey{e.Namespace, e.Kind, e.Name}
		ix.events[k] = append(ix.events[k], int32(i))
	}
	for _, list := range ix.events {
		slices.SortStableFunc(list, func(a, b int32) int { return cmp.Compare(s.Events[a].Last, s.Events[b].Last) })
	}
	return ix
}

func (ix *index) indexPods() {
	for i := range ix.s.Pods {
		p := &ix.s.Pods[i]
		ix.podNode[i] = nowhere
		if p.Nominated != "" && p.Node == "" && !p.Terminal() {
			ix.nominated[p.Nominated] = append(ix.nominated[p.Nominated], int32(i))
		}
		if name := p.EffectiveNode(); name != "" {
			at, ok := ix.nodeAt[name]
			if !ok {
				at = nodeGone
			}
			ix.podNode[i] = at
		}
		if p.Owner == nil {
			ix.orphans[p.Namespace] = append(ix.orphans[p.Namespace], int32(i))
			continue
		}
		list, seen := ix.byOwner[p.Owner.UID]
		if !seen {
			ix.owners[p.Namespace] = append(ix.owners[p.Namespace], p.Owner.UID)
		}
		ix.byOwner[p.Owner.UID] = append(list, int32(i))
	}
}

// bound returns the live pods bound to a node.
func (ix *index) bound(node int32) []int32 {
	if ix.byNode == nil {
		ix.byNode = map[int32][]int32{}
		for i := range ix.s.Pods {
			p := &ix.s.Pods[i]
			if p.Node == "" || p.Terminal() {
				continue
			}
			if at, ok := ix.nodeAt[p.Node]; ok {
				ix.byNode[at] = append(ix.byNode[at], int32(i))
			}
		}
	}
	return ix.byNode[node]
}

// podEvents returns the events of a pod, oldest first.
func (ix *index) podEvents(p *snapshot.Pod) []*snapshot.Event {
	return ix.eventsOf(p.Namespace, "Pod", p.Name, p.UID)
}

// eventsOf returns the events of one object, oldest first; those of an
// earlier object of the same name are left out.
func (ix *index) eventsOf(namespace, kind, name string, uid types.UID) []*snapshot.Event {
	var out []*snapshot.Event
	for _, i := range ix.events[eventKey{namespace, kind, name}] {
		if e := &ix.s.Events[i]; e.UID == "" || uid == "" || e.UID == uid {
			out = append(out, e)
		}
	}
	return out
}

// newest returns the newest event with one of the reasons, nil for none.
func newest(events []*snapshot.Event, reasons ...string) *snapshot.Event {
	for _, e := range slices.Backward(events) {
		if slices.Contains(reasons, e.Reason) {
			return e
		}
	}
	return nil
}

func readyStatus(n *corev1.Node) corev1.ConditionStatus {
	if c := nodeCondition(n, corev1.NodeReady); c != nil {
		return c.Status
	}
	return ""
}

func nodeCondition(n *corev1.Node, t corev1.NodeConditionType) *corev1.NodeCondition {
	for i := range n.Status.Conditions {
		if c := &n.Status.Conditions[i]; c.Type == t {
			return c
		}
	}
	return nil
}

func conditionEvidence(c *corev1.NodeCondition) *ConditionEvidence {
	if c == nil {
		return nil
	}
	return &ConditionEvidence{
		Type: string(c.Type), Status: string(c.Status), Reason: c.Reason, Message: c.Message,
		Since: metaTime(snapshot.TimeOf(&c.LastTransitionTime)),
	}
}

func metaTime(t snapshot.Time) *metav1.Time {
	if t == 0 {
		return nil
	}
	m := metav1.Unix(int64(t), 0)
	m.Time = m.UTC()
	return &m
}
