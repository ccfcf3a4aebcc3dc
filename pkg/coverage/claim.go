package coverage

import (
	"cmp"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// claim maps the pods of one DaemonSet to nodes as getNodesToDaemonPods does
// (pkg/controller/daemon/daemon_controller.go, v1.37.2).
type claim struct {
	first []int32           // by node: the pod that counts, -1 for none
	more  map[int32][]int32 // by node: all pods in the controller's order, where there are several
	gone  []int32           // pods bound or pinned to nodes that are not there
	lost  []int32           // owned pods without a node or a pin
	// shadow are live pods of the DaemonSet controller that match the selector
	// and belong to another DaemonSet, or to nobody and cannot be adopted. Pods
	// without its label are left out: whether they are read depends on how the
	// question was asked, and a Deployment with the same labels does no harm.
	shadow []int32
}

// pods returns all pods of a node in the controller's order.
func (c *claim) pods(node int32) []int32 {
	if list, ok := c.more[node]; ok {
		return list
	}
	if c.first[node] < 0 {
		return nil
	}
	return c.first[node : node+1]
}

// selectorOf returns the DaemonSet's selector; an invalid or empty one
// matches nothing, as the controller refuses to act on it.
func selectorOf(d *appsv1.DaemonSet) (labels.Selector, bool) {
	if d.Spec.Selector == nil || len(d.Spec.Selector.MatchLabels)+len(d.Spec.Selector.MatchExpressions) == 0 {
		return labels.Nothing(), false
	}
	sel, err := metav1.LabelSelectorAsSelector(d.Spec.Selector)
	if err != nil {
		return labels.Nothing(), false
	}
	return sel, true
}

// newClaim fills first, which is scratch of the length of the nodes.
func (ix *index) newClaim(d *appsv1.DaemonSet, first []int32) *claim {
	c := &claim{first: first}
	for i := range first {
		first[i] = -1
	}
	sel, _ := selectorOf(d)
	for _, i := range ix.byOwner[d.UID] {
		// A pod whose labels no longer match is released.
		if p := &ix.s.Pods[i]; p.Namespace == d.Namespace && sel.Matches(labels.Set(p.Labels)) {
			c.add(ix, i)
		}
	}
	for _, i := range ix.orphans[d.Namespace] {
		p := &ix.s.Pods[i]
		if !sel.Matches(labels.Set(p.Labels)) {
			continue
		}
		// An orphan is adopted and counted at once, unless it or the
		// DaemonSet is being deleted.
		if p.Deleted == 0 && d.DeletionTimestamp == nil {
			c.add(ix, i)
		} else if p.Labels[generationLabel] != "" {
			c.shadow = append(c.shadow, i)
		}
	}
	c.findShadows(ix, d, sel)
	for _, list := range c.more {
		slices.SortFunc(list, func(a, b int32) int { return comparePods(&ix.s.Pods[a], &ix.s.Pods[b]) })
	}
	return c
}

func (c *claim) add(ix *index, i int32) {
	p := &ix.s.Pods[i]
	if p.Terminal() && p.Deleted != 0 {
		return
	}
	switch at := ix.podNode[i]; {
	case at == nowhere:
		c.lost = append(c.lost, i)
	case at == nodeGone:
		c.gone = append(c.gone, i)
	case c.first[at] < 0:
		c.first[at] = i
	default:
		if c.more == nil {
			c.more = map[int32][]int32{}
		}
		if len(c.more[at]) == 0 {
			c.more[at] = []int32{c.first[at]}
		}
		c.more[at] = append(c.more[at], i)
		if comparePods(p, &ix.s.Pods[c.first[at]]) < 0 {
			c.first[at] = i
		}
	}
}

// findShadows looks at one pod of each other owner in the namespace: the pods
// of one owner share the labels that a selector asks.
func (c *claim) findShadows(ix *index, d *appsv1.DaemonSet, sel labels.Selector) {
	for _, uid := range ix.owners[d.Namespace] {
		list := ix.byOwner[uid]
		if uid == d.UID || !sel.Matches(labels.Set(ix.s.Pods[list[0]].Labels)) {
			continue
		}
		for _, i := range list {
			if p := &ix.s.Pods[i]; p.Namespace == d.Namespace && p.Labels[generationLabel] != "" && !p.Terminal() && sel.Matches(labels.Set(p.Labels)) {
				c.shadow = append(c.shadow, i)
			}
		}
	}
}

// comparePods is the order in which the controller looks at the pods of a
// node: bound first, then older, then by name (podByCreationTimestampAndPhase,
// v1.37.2). The first one is the one that status counts.
func comparePods(a, b *snapshot.Pod) int {
	unbound := func(p *snapshot.Pod) int {
		if p.Node == "" {
			return 1
		}
		return 0
	}
	return cmp.Or(
		cmp.Compare(unbound(a), unbound(b)),
		cmp.Compare(a.Created, b.Created),
		strings.Compare(a.Name, b.Name))
}
