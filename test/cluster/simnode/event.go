package simnode

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// KubeletEvent is an event about a pod, as the kubelet of its node writes it.
type KubeletEvent struct {
	Type      string // corev1.EventTypeNormal or EventTypeWarning
	Reason    string // BackOff, Failed, FailedMount, Unhealthy, ...
	Message   string
	Container string // empty where the event is about the pod
	Count     int32  // 0 means 1
}

// EmitKubeletEvent writes the event.
func EmitKubeletEvent(ctx context.Context, client kubernetes.Interface, pod *corev1.Pod, event KubeletEvent) error {
	fieldPath := ""
	if event.Container != "" {
		fieldPath = fmt.Sprintf("spec.containers{%s}", event.Container)
	}
	return EmitEvent(ctx, client, &corev1.Event{
		InvolvedObject: corev1.ObjectReference{
			APIVersion: "v1", Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name,
			UID: pod.UID, ResourceVersion: pod.ResourceVersion, FieldPath: fieldPath,
		},
		Type: event.Type, Reason: event.Reason, Message: event.Message, Count: event.Count,
		Source:              corev1.EventSource{Component: "kubelet", Host: pod.Spec.NodeName},
		ReportingController: "kubelet", ReportingInstance: pod.Spec.NodeName,
	})
}

// EmitEvent writes any event, and fills in its name, namespace, count and times
// where they are empty.
func EmitEvent(ctx context.Context, client kubernetes.Interface, event *corev1.Event) error {
	event = event.DeepCopy()
	now := metav1.Now()
	if event.Namespace == "" {
		event.Namespace = event.InvolvedObject.Namespace
	}
	if event.Namespace == "" { // of a node, say
		event.Namespace = metav1.NamespaceDefault
	}
	if event.Name == "" && event.GenerateName == "" {
		event.GenerateName = event.InvolvedObject.Name + "."
	}
	if event.Count == 0 {
		event.Count = 1
	}
	if event.FirstTimestamp.IsZero() {
		event.FirstTimestamp = now
	}
	if event.LastTimestamp.IsZero() {
		event.LastTimestamp = now
	}
	if _, err := client.CoreV1().Events(event.Namespace).Create(ctx, event, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("creating event %s about %s %s: %w", event.Reason, event.InvolvedObject.Kind, event.InvolvedObject.Name, err)
	}
	return nil
}
