package sim

import (
	corev1 "k8s.io/api/core/v1"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit/sim/check"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// The journal's words for objects.

func nodeObject(n *corev1.Node) *check.Object {
	if n == nil {
		return nil
	}
	out := &check.Node{Unschedulable: n.Spec.Unschedulable, Ready: string(nodeReady(n))}
	for _, t := range n.Spec.Taints {
		out.Taints = append(out.Taints, check.Taint{Key: t.Key, Value: t.Value, Effect: string(t.Effect)})
	}
	return &check.Object{UID: string(n.UID), Labels: n.Labels, Annotations: n.Annotations, Node: out}
}

func nodeReady(n *corev1.Node) corev1.ConditionStatus {
	for i := range n.Status.Conditions {
		if n.Status.Conditions[i].Type == corev1.NodeReady {
			return n.Status.Conditions[i].Status
		}
	}
	return corev1.ConditionUnknown
}

func podObject(p *snapshot.Pod) *check.Object {
	if p == nil {
		return nil
	}
	out := &check.Pod{Node: p.EffectiveNode(), Ready: p.Ready, Deleted: p.Deleted != 0, Terminal: p.Terminal(), Restarts: int(p.Restarts)}
	if p.Owner != nil {
		out.OwnerUID = string(p.Owner.UID)
	}
	out.Job = p.Labels["app"] == jobs
	out.Stays = p.Full != nil && len(p.Full.Spec.Volumes) > 0
	return &check.Object{UID: string(p.UID), Labels: p.Labels, Pod: out}
}

func dsObject(d *appsv1.DaemonSet) *check.Object {
	if d == nil {
		return nil
	}
	out := &check.DaemonSet{
		Strategy: string(d.Spec.UpdateStrategy.Type), Template: templateID(&d.Spec.Template),
		NodeSelector: d.Spec.Template.Spec.NodeSelector, Deleted: d.DeletionTimestamp != nil,
	}
	for _, t := range d.Spec.Template.Spec.Tolerations {
		out.Tolerations = append(out.Tolerations, check.Toleration{
			Key: t.Key, Operator: string(t.Operator), Value: t.Value, Effect: string(t.Effect),
		})
	}
	return &check.Object{UID: string(d.UID), Annotations: d.Annotations, DaemonSet: out}
}

func revisionObject(r *appsv1.ControllerRevision) *check.Object {
	if r == nil {
		return nil
	}
	return &check.Object{UID: string(r.UID), Labels: r.Labels, Annotations: r.Annotations, Revision: &check.Revision{
		OwnerUID: string(r.OwnerReferences[0].UID), Number: r.Revision,
		Hash: r.Labels[appsv1.DefaultDaemonSetUniqueLabelKey], Template: revisionID(r),
	}}
}

func leaseObject(l *lease) *check.Object {
	if l == nil {
		return nil
	}
	return &check.Object{UID: l.uid, Lease: &check.Lease{
		Holder: l.holder, Epoch: l.epoch, Renewed: l.seen, Run: l.run, Takeover: l.takeover,
	}}
}
