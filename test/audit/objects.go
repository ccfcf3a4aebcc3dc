package audit

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit/sim/check"
)

// Names that the rollout writes, spelled out as in package check: a judge must
// not learn them from what it judges.
const (
	runKey     = "kubectl-ds.github.io/run"
	intentsKey = "kubectl-ds.github.io/intents"
)

// decode makes the checker's object of the server's.
func (e *entry) decode(body json.RawMessage) error {
	var err error
	switch e.kind {
	case "Pod":
		err = e.pod(body)
	case "Node":
		err = e.node(body)
	case "DaemonSet":
		err = e.daemonSet(body)
	case "ControllerRevision":
		err = e.revision(body)
	case "Lease":
		err = e.leaseObject(body)
	}
	return err
}

func object(m *metav1.ObjectMeta) *check.Object {
	return &check.Object{UID: string(m.UID), Labels: m.Labels, Annotations: m.Annotations}
}

func ownerUID(m *metav1.ObjectMeta) string {
	if ref := metav1.GetControllerOf(m); ref != nil {
		return string(ref.UID)
	}
	return ""
}

func (e *entry) pod(body json.RawMessage) error {
	var p corev1.Pod
	if err := json.Unmarshal(body, &p); err != nil {
		return err
	}
	out := &check.Pod{
		Node: p.Spec.NodeName, OwnerUID: ownerUID(&p.ObjectMeta), Deleted: p.DeletionTimestamp != nil,
		Terminal: p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed,
	}
	if out.Node == "" {
		out.Node = pinned(&p)
	}
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady {
			out.Ready = c.Status == corev1.ConditionTrue
		}
	}
	for i := range p.Status.ContainerStatuses {
		out.Restarts += int(p.Status.ContainerStatuses[i].RestartCount)
	}
	e.object = object(&p.ObjectMeta)
	e.object.Annotations = nil
	e.object.Pod = out
	return nil
}

// pinned is the node that the DaemonSet controller made the pod for.
func pinned(p *corev1.Pod) string {
	if p.Spec.Affinity == nil || p.Spec.Affinity.NodeAffinity == nil || p.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return ""
	}
	for _, term := range p.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms {
		for _, f := range term.MatchFields {
			if f.Key == metav1.ObjectNameField && len(f.Values) == 1 {
				return f.Values[0]
			}
		}
	}
	return ""
}

func (e *entry) node(body json.RawMessage) error {
	var n corev1.Node
	if err := json.Unmarshal(body, &n); err != nil {
		return err
	}
	out := &check.Node{Unschedulable: n.Spec.Unschedulable, Ready: string(corev1.ConditionUnknown)}
	for i := range n.Status.Conditions {
		if c := &n.Status.Conditions[i]; c.Type == corev1.NodeReady {
			out.Ready = string(c.Status)
		}
	}
	for _, t := range n.Spec.Taints {
		out.Taints = append(out.Taints, check.Taint{Key: t.Key, Value: t.Value, Effect: string(t.Effect)})
	}
	e.object = object(&n.ObjectMeta)
	e.object.Node = out
	return nil
}

func (e *entry) daemonSet(body json.RawMessage) error {
	var d appsv1.DaemonSet
	if err := json.Unmarshal(body, &d); err != nil {
		return err
	}
	template, err := templateID(&d.Spec.Template)
	if err != nil {
		return err
	}
	out := &check.DaemonSet{
		Strategy: string(d.Spec.UpdateStrategy.Type), Template: template,
		NodeSelector: d.Spec.Template.Spec.NodeSelector, Deleted: d.DeletionTimestamp != nil,
	}
	for _, t := range d.Spec.Template.Spec.Tolerations {
		out.Tolerations = append(out.Tolerations, check.Toleration{
			Key: t.Key, Operator: string(t.Operator), Value: t.Value, Effect: string(t.Effect),
		})
	}
	e.object = object(&d.ObjectMeta)
	e.object.DaemonSet = out
	return nil
}

func (e *entry) revision(body json.RawMessage) error {
	var r struct {
		Metadata metav1.ObjectMeta `json:"metadata"`
		Revision int64             `json:"revision"`
		Data     struct {
			Spec struct {
				Template corev1.PodTemplateSpec `json:"template"`
			} `json:"spec"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &r); err != nil {
		return err
	}
	template, err := templateID(&r.Data.Spec.Template)
	if err != nil {
		return err
	}
	e.object = object(&r.Metadata)
	e.object.Revision = &check.Revision{
		OwnerUID: ownerUID(&r.Metadata), Number: r.Revision, Template: template,
		Hash: r.Metadata.Labels[appsv1.DefaultDaemonSetUniqueLabelKey],
	}
	return nil
}

// templateID is the same for a DaemonSet and for the revision of its template:
// both went through the same types.
func templateID(t *corev1.PodTemplateSpec) (string, error) {
	b, err := json.Marshal(t)
	if err != nil {
		return "", fmt.Errorf("encoding a template: %w", err)
	}
	sum := sha256.Sum256(b)
	return fmt.Sprintf("%x", sum[:8]), nil
}

func (e *entry) leaseObject(body json.RawMessage) error {
	var l coordinationv1.Lease
	if err := json.Unmarshal(body, &l); err != nil {
		return err
	}
	out := &check.Lease{Run: l.Annotations[runKey]}
	if l.Spec.HolderIdentity != nil {
		out.Holder = *l.Spec.HolderIdentity
	}
	if l.Spec.LeaseTransitions != nil {
		out.Epoch = int64(*l.Spec.LeaseTransitions)
	}
	if l.Spec.RenewTime != nil {
		e.lease.renewTime = l.Spec.RenewTime.Time.String()
	}
	e.lease.intents = l.Annotations[intentsKey]
	e.object = object(&l.ObjectMeta)
	e.object.Annotations = nil // large, and judged as Lease.Run
	e.object.Lease = out
	return nil
}
