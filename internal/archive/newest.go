package archive

import (
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// newest is the newest timestamp in a capture, which stands for the time it
// was taken where that is not said. A deletionTimestamp does not count: it
// lies in the future while the grace runs.
type newest struct{ time.Time }

func (n *newest) at(t metav1.Time) { n.time(t.Time) }

func (n *newest) time(t time.Time) {
	if t.After(n.Time) {
		n.Time = t
	}
}

func (n *newest) node(o *corev1.Node) {
	n.at(o.CreationTimestamp)
	for i := range o.Status.Conditions {
		n.at(o.Status.Conditions[i].LastHeartbeatTime)
		n.at(o.Status.Conditions[i].LastTransitionTime)
	}
	for i := range o.Spec.Taints {
		if t := o.Spec.Taints[i].TimeAdded; t != nil {
			n.at(*t)
		}
	}
}

func (n *newest) daemonSet(o *appsv1.DaemonSet) {
	n.at(o.CreationTimestamp)
	for i := range o.Status.Conditions {
		n.at(o.Status.Conditions[i].LastTransitionTime)
	}
}

func (n *newest) pod(o *corev1.Pod) {
	n.at(o.CreationTimestamp)
	if o.Status.StartTime != nil {
		n.at(*o.Status.StartTime)
	}
	for i := range o.Status.Conditions {
		n.at(o.Status.Conditions[i].LastTransitionTime)
	}
	for _, list := range [][]corev1.ContainerStatus{o.Status.InitContainerStatuses, o.Status.ContainerStatuses} {
		for i := range list {
			n.state(&list[i].State)
			n.state(&list[i].LastTerminationState)
		}
	}
}

func (n *newest) state(s *corev1.ContainerState) {
	if s.Running != nil {
		n.at(s.Running.StartedAt)
	}
	if s.Terminated != nil {
		n.at(s.Terminated.StartedAt)
		n.at(s.Terminated.FinishedAt)
	}
}

func (n *newest) event(o *corev1.Event) {
	n.at(o.CreationTimestamp)
	n.at(o.FirstTimestamp)
	n.at(o.LastTimestamp)
	n.time(o.EventTime.Time)
	if o.Series != nil {
		n.time(o.Series.LastObservedTime.Time)
	}
}
