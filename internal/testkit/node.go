package testkit

import (
	"maps"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// NodeBuilder builds a node.
type NodeBuilder struct{ node corev1.Node }

// Node begins a ready linux/amd64 node that joined 41 days ago, with 4 CPUs,
// 16Gi and room for 110 pods.
func Node(name string) *NodeBuilder {
	b := &NodeBuilder{}
	b.node.Name, b.node.UID = name, types.UID("node-"+name)
	b.node.CreationTimestamp = Ago(41 * 24 * time.Hour)
	b.node.Labels = map[string]string{corev1.LabelHostname: name, corev1.LabelOSStable: "linux", corev1.LabelArchStable: "amd64"}
	b.node.Status.Allocatable = Resources("cpu", "4", "memory", "16Gi", "pods", "110")
	return b.Ready(corev1.ConditionTrue, "KubeletReady", "kubelet is posting ready status", 24*time.Hour)
}

// Label adds labels, each key=value.
func (b *NodeBuilder) Label(keyValues ...string) *NodeBuilder {
	maps.Copy(b.node.Labels, pairs(keyValues))
	return b
}

// NoLabels takes all labels away.
func (b *NodeBuilder) NoLabels() *NodeBuilder {
	b.node.Labels = map[string]string{}
	return b
}

// Taint adds taints, each key[=value]:Effect.
func (b *NodeBuilder) Taint(taints ...string) *NodeBuilder {
	for _, t := range taints {
		b.node.Spec.Taints = append(b.node.Spec.Taints, TaintOf(t))
	}
	return b
}

// Joined sets how long ago the node was created.
func (b *NodeBuilder) Joined(before time.Duration) *NodeBuilder {
	b.node.CreationTimestamp = Ago(before)
	return b
}

// Allocatable sets what the node has in all, as Resources reads it.
func (b *NodeBuilder) Allocatable(nameQuantity ...string) *NodeBuilder {
	maps.Copy(b.node.Status.Allocatable, Resources(nameQuantity...))
	return b
}

// Ready sets the condition Ready, and since when it is so.
func (b *NodeBuilder) Ready(status corev1.ConditionStatus, reason, message string, since time.Duration) *NodeBuilder {
	return b.Condition(corev1.NodeReady, status, reason, message, since)
}

// Condition sets one condition.
func (b *NodeBuilder) Condition(t corev1.NodeConditionType, status corev1.ConditionStatus, reason, message string, since time.Duration) *NodeBuilder {
	c := corev1.NodeCondition{Type: t, Status: status, Reason: reason, Message: message, LastTransitionTime: Ago(since)}
	for i := range b.node.Status.Conditions {
		if b.node.Status.Conditions[i].Type == t {
			b.node.Status.Conditions[i] = c
			return b
		}
	}
	b.node.Status.Conditions = append(b.node.Status.Conditions, c)
	return b
}

// Lost makes the node one that nobody reports for, with the taints that the
// node lifecycle controller gives it.
func (b *NodeBuilder) Lost(since time.Duration) *NodeBuilder {
	return b.Ready(corev1.ConditionUnknown, "NodeStatusUnknown", "Kubelet stopped posting node status.", since).
		Taint(corev1.TaintNodeUnreachable+":NoSchedule", corev1.TaintNodeUnreachable+":NoExecute")
}

// NotReady makes the node one whose kubelet reports trouble, with the taints
// that the node lifecycle controller gives it.
func (b *NodeBuilder) NotReady(message string, since time.Duration) *NodeBuilder {
	return b.Ready(corev1.ConditionFalse, "KubeletNotReady", message, since).
		Taint(corev1.TaintNodeNotReady+":NoSchedule", corev1.TaintNodeNotReady+":NoExecute")
}

// Cordoned makes the node unschedulable, with its taint.
func (b *NodeBuilder) Cordoned() *NodeBuilder {
	b.node.Spec.Unschedulable = true
	return b.Taint(corev1.TaintNodeUnschedulable + ":NoSchedule")
}

// Deleted sets how long ago somebody deleted the node, which a finalizer holds.
func (b *NodeBuilder) Deleted(before time.Duration) *NodeBuilder {
	t := metav1.NewTime(Now.Add(-before))
	b.node.DeletionTimestamp, b.node.Finalizers = &t, []string{"karpenter.sh/termination"}
	return b
}

// Build returns the node; each call another copy.
func (b *NodeBuilder) Build() *corev1.Node { return b.node.DeepCopy() }
