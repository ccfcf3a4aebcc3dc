package simnode

import (
	"context"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-ds/kubectl-ds/test/cluster"
)

// Silence takes the nodes away from KWOK: no more heartbeats, no lease renewals,
// nobody to run or end their pods. The node-lifecycle controller notices after
// cluster.Options.NodeMonitorGracePeriod, sets Ready=Unknown and the pods' Ready
// condition to False, and taints the node. That is the real course of events,
// and as slow; WaitLost waits for it.
func Silence(ctx context.Context, client kubernetes.Interface, names ...string) error {
	return setLostLabel(ctx, client, `"true"`, names)
}

// WaitLost waits until the nodes are Ready=Unknown and carry both unreachable
// taints.
func WaitLost(ctx context.Context, client kubernetes.Interface, names ...string) error {
	return waitNodes(ctx, client, "lost", names, func(node *corev1.Node) bool {
		effects := 0
		for _, t := range node.Spec.Taints {
			if t.Key == corev1.TaintNodeUnreachable {
				effects++
			}
		}
		return readyStatus(node) == corev1.ConditionUnknown && effects == 2
	})
}

// Lose makes the nodes lost at once: it silences them, writes Ready=Unknown in
// the controller's stead, and waits for the taints. Unlike after Silence, pods
// that were Ready stay Ready in their status: the controller marks them only on
// a change that it makes itself. Use it for that case, or call MarkPodsNotReady.
func Lose(ctx context.Context, client kubernetes.Interface, names ...string) error {
	if err := Silence(ctx, client, names...); err != nil {
		return err
	}
	err := each(len(names), func(i int) error {
		return updateNodeStatus(ctx, client, names[i], func(node *corev1.Node) { setUnknown(node, metav1.Now()) })
	})
	if err != nil {
		return err
	}
	return WaitLost(ctx, client, names...)
}

// Return gives the nodes back to KWOK and waits until they are Ready. Pods that
// were deleted meanwhile are then ended, as by a kubelet that comes back.
func Return(ctx context.Context, client kubernetes.Interface, names ...string) error {
	if err := setLostLabel(ctx, client, "null", names); err != nil {
		return err
	}
	return WaitReady(ctx, client, names...)
}

// SetNodeReady writes the Ready condition of a node that nobody manages any
// more: call Silence first, or KWOK writes it back.
func SetNodeReady(ctx context.Context, client kubernetes.Interface, name string, status corev1.ConditionStatus, reason, message string) error {
	return updateNodeStatus(ctx, client, name, func(node *corev1.Node) {
		now := metav1.Now()
		setCondition(node, corev1.NodeCondition{
			Type: corev1.NodeReady, Status: status, Reason: reason, Message: message,
			LastHeartbeatTime: now, LastTransitionTime: now,
		})
	})
}

// MarkPodsNotReady does to the pods of a lost node what the node-lifecycle
// controller does: Ready becomes False.
func MarkPodsNotReady(ctx context.Context, client kubernetes.Interface, node string) error {
	pods, err := client.CoreV1().Pods("").List(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName=" + node})
	if err != nil {
		return fmt.Errorf("listing pods of node %s: %w", node, err)
	}
	return each(len(pods.Items), func(i int) error {
		pod := &pods.Items[i]
		return UpdatePodStatus(ctx, client, pod.Namespace, pod.Name, func(pod *corev1.Pod) {
			setPodCondition(pod, corev1.PodReady, corev1.ConditionFalse, "", "")
		})
	})
}

func setLostLabel(ctx context.Context, client kubernetes.Interface, value string, names []string) error {
	patch := fmt.Appendf(nil, `{"metadata":{"labels":{%q:%s}}}`, cluster.LostNodeLabel, value)
	return each(len(names), func(i int) error {
		_, err := client.CoreV1().Nodes().Patch(ctx, names[i], types.MergePatchType, patch, metav1.PatchOptions{})
		if err != nil {
			return fmt.Errorf("labelling node %s: %w", names[i], err)
		}
		return nil
	})
}

// updateNodeStatus patches conditions by their type, so that what others write
// at the same time stays.
func updateNodeStatus(ctx context.Context, client kubernetes.Interface, name string, change func(*corev1.Node)) error {
	var node corev1.Node
	change(&node)
	patch, err := json.Marshal(map[string]any{"status": map[string]any{"conditions": node.Status.Conditions}})
	if err != nil {
		return fmt.Errorf("patching the status of node %s: %w", name, err)
	}
	if _, err := client.CoreV1().Nodes().PatchStatus(ctx, name, patch); err != nil {
		return fmt.Errorf("patching the status of node %s: %w", name, err)
	}
	return nil
}

// setUnknown writes what the node-lifecycle controller writes when a kubelet
// stopped reporting.
func setUnknown(node *corev1.Node, now metav1.Time) {
	for _, kind := range []corev1.NodeConditionType{
		corev1.NodeReady, corev1.NodeMemoryPressure, corev1.NodeDiskPressure, corev1.NodePIDPressure,
	} {
		setCondition(node, corev1.NodeCondition{
			Type: kind, Status: corev1.ConditionUnknown,
			Reason: "NodeStatusUnknown", Message: "Kubelet stopped posting node status.",
			LastTransitionTime: now,
		})
	}
}

func setCondition(node *corev1.Node, condition corev1.NodeCondition) {
	for i := range node.Status.Conditions {
		if node.Status.Conditions[i].Type == condition.Type {
			node.Status.Conditions[i] = condition
			return
		}
	}
	node.Status.Conditions = append(node.Status.Conditions, condition)
}
