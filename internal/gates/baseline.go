package gates

import (
	"context"
	"maps"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// baseline is how a node was before its pod was replaced. Comparing with what
// was there, not with when, keeps foreign clocks out of it.
type baseline struct {
	uid        types.UID // of the node: a namesake has none
	pods       map[types.UID]snapshot.Pod
	podsErr    error
	own        map[types.UID]bool // pods of the DaemonSet
	events     map[eventKey]snapshot.Event
	eventsErr  error
	conditions map[corev1.NodeConditionType]corev1.ConditionStatus
}

// Begin notes how a node is before its pod is replaced, as far as the gates of
// the policy compare with it. Call it before the first write on the node; what
// was noted first stands until Forget. What could not be read then is said by
// the gates that need it.
func (r *Runner) Begin(ctx context.Context, node *rollout.NodeView) {
	if len(r.uses) == 0 || r.noted(node) != nil {
		return
	}
	b := &baseline{uid: node.Node.UID, own: map[types.UID]bool{}}
	b.conditions = conditionsOf(node.Node)
	for _, p := range node.Pods {
		b.own[p.UID] = true
	}
	if r.uses[rollout.GateCollateral] {
		b.pods, b.podsErr = r.othersOf(ctx, node)
	}
	if r.uses[rollout.GateWarnings] {
		b.events, b.eventsErr = r.nodeEvents(ctx, node.Node.Name)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if old := r.base[node.Node.Name]; old == nil || old.uid != b.uid {
		r.base[node.Node.Name] = b
	}
}

// Again takes restarts and events as they are now, where something was noted of
// the node: what the first try did to others cannot be undone, and would fail
// each try to come. What was well before it has to be well again. Where it
// cannot be read now, what was noted stands.
func (r *Runner) Again(ctx context.Context, node *rollout.NodeView) {
	first := r.noted(node)
	if first == nil {
		return
	}
	b := *first
	if b.pods != nil {
		if now, err := r.othersOf(ctx, node); err == nil {
			b.pods = maps.Clone(first.pods)
			for uid, was := range first.pods {
				if p, ok := now[uid]; ok {
					was.Restarts = p.Restarts
					b.pods[uid] = was
				}
			}
		}
	}
	if b.events != nil {
		if now, err := r.nodeEvents(ctx, node.Node.Name); err == nil {
			b.events = now
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.base[node.Node.Name] == first {
		r.base[node.Node.Name] = &b
	}
}

// Forget drops what was noted of a node that has landed, or is left.
func (r *Runner) Forget(node string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.base, node)
}

// noted is what Begin noted of the node; nil if nothing.
func (r *Runner) noted(node *rollout.NodeView) *baseline {
	r.mu.Lock()
	defer r.mu.Unlock()
	if b := r.base[node.Node.Name]; b != nil && b.uid == node.Node.UID {
		return b
	}
	return nil
}

func (r *Runner) othersOf(ctx context.Context, node *rollout.NodeView) (map[types.UID]snapshot.Pod, error) {
	out := map[types.UID]snapshot.Pod{}
	if node.Complete {
		for _, p := range node.Others {
			out[p.UID] = *p
		}
		return out, nil
	}
	pods, err := r.cluster.NodePods(ctx, node.Node.Name)
	if err != nil {
		return nil, err
	}
	for _, p := range pods {
		p.Full = nil
		out[p.UID] = p
	}
	return out, nil
}

// eventKey tells one cause from another: an event that is repeated keeps it,
// and counts up.
type eventKey struct {
	uid                        types.UID
	fieldPath, reason, message string
}

func keyOf(e *snapshot.Event) eventKey { return eventKey{e.UID, e.FieldPath, e.Reason, e.Message} }

// nodeEvents are the Warning events about a node, which live in the namespace
// default.
func (r *Runner) nodeEvents(ctx context.Context, node string) (map[eventKey]snapshot.Event, error) {
	events, err := r.cluster.WarningEvents(ctx, metav1.NamespaceDefault, "Node", node)
	if err != nil {
		return nil, err
	}
	return newest(events), nil
}

func newest(events []snapshot.Event) map[eventKey]snapshot.Event {
	out := map[eventKey]snapshot.Event{}
	for _, e := range events {
		k := keyOf(&e)
		if was, ok := out[k]; ok {
			e.Count, e.Last = max(e.Count, was.Count), max(e.Last, was.Last)
		}
		out[k] = e
	}
	return out
}

// noteEvents takes what is there now as the baseline where there was none.
func (r *Runner) noteEvents(node *rollout.NodeView, events map[eventKey]snapshot.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := &baseline{uid: node.Node.UID}
	if old := r.base[node.Node.Name]; old != nil && old.uid == b.uid {
		*b = *old
	}
	b.events, b.eventsErr = maps.Clone(events), nil
	r.base[node.Node.Name] = b
}

func conditionsOf(n *corev1.Node) map[corev1.NodeConditionType]corev1.ConditionStatus {
	out := map[corev1.NodeConditionType]corev1.ConditionStatus{}
	for i := range n.Status.Conditions {
		c := &n.Status.Conditions[i]
		out[c.Type] = c.Status
	}
	return out
}

// without says why there is nothing to compare with.
func without(q *Question, err error) string {
	switch {
	case err != nil:
		return "no baseline, it could not be read: " + err.Error()
	case q.Action.When == rollout.BeforeNode:
		return "before the node there is nothing to compare with"
	}
	return "no baseline: this process did not see the node before its pod was replaced"
}
