package testkit

import (
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-ds/kubectl-ds/pkg/eligibility"
)

// PodBuilder builds a pod.
type PodBuilder struct{ pod corev1.Pod }

// Pod begins a pod of nobody that runs and is ready for a day.
func Pod(namespace, name, node string) *PodBuilder {
	b := &PodBuilder{}
	b.pod.Namespace, b.pod.Name, b.pod.UID = namespace, name, types.UID("pod-"+namespace+"-"+name)
	b.pod.CreationTimestamp = Ago(24 * time.Hour)
	b.pod.Spec.NodeName = node
	b.pod.Spec.Containers = []corev1.Container{{Name: "app", Image: "registry.example/app:1"}}
	b.pod.Status.Phase = corev1.PodRunning
	return b.condition(corev1.PodReady, corev1.ConditionTrue, "", "", 23*time.Hour)
}

// PodOf begins a pod as the controller makes it for the node: of the current
// revision, pinned and bound, with the controller's tolerations.
func PodOf(d *appsv1.DaemonSet, node string) *PodBuilder {
	b := Pod(d.Namespace, d.Name+"-"+node, node)
	b.pod.Spec = *d.Spec.Template.Spec.DeepCopy()
	b.pod.Spec.Tolerations, _ = eligibility.Tolerations(&d.Spec.Template.Spec)
	b.pod.Spec.NodeName = node
	b.pod.Spec.Affinity = pinTo(node)
	b.pod.OwnerReferences = []metav1.OwnerReference{ownerRef(d)}
	b.pod.Labels = map[string]string{}
	for k, v := range d.Spec.Template.Labels {
		b.pod.Labels[k] = v
	}
	b.pod.Labels["pod-template-generation"] = d.Annotations[appsv1.DeprecatedTemplateGeneration]
	return b.Hash(Hash)
}

func pinTo(node string) *corev1.Affinity {
	return &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{
		NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchFields: []corev1.NodeSelectorRequirement{
			{Key: metav1.ObjectNameField, Operator: corev1.NodeSelectorOpIn, Values: []string{node}},
		}}},
	}}}
}

// Change changes the pod by hand.
func (b *PodBuilder) Change(f func(*corev1.Pod)) *PodBuilder {
	f(&b.pod)
	return b
}

// Named gives the pod another name and UID.
func (b *PodBuilder) Named(name string) *PodBuilder {
	b.pod.Name, b.pod.UID = name, types.UID("pod-"+b.pod.Namespace+"-"+name)
	return b
}

// Hash sets the revision; one that is not the current one is of an older
// template generation as well.
func (b *PodBuilder) Hash(hash string) *PodBuilder {
	b.pod.Labels[appsv1.DefaultDaemonSetUniqueLabelKey] = hash
	if hash != Hash {
		b.pod.Labels["pod-template-generation"] = "0"
	}
	return b
}

// Created sets how old the pod is.
func (b *PodBuilder) Created(before time.Duration) *PodBuilder {
	b.pod.CreationTimestamp = Ago(before)
	return b
}

// Orphan takes the owner away.
func (b *PodBuilder) Orphan() *PodBuilder {
	b.pod.OwnerReferences = nil
	return b
}

// OwnedBy sets another controlling owner.
func (b *PodBuilder) OwnedBy(kind, name string) *PodBuilder {
	yes := true
	b.pod.OwnerReferences = []metav1.OwnerReference{{Kind: kind, Name: name, UID: types.UID(kind + "-" + name), Controller: &yes}}
	return b
}

// Requests sets what the first container asks, as Resources reads it.
func (b *PodBuilder) Requests(nameQuantity ...string) *PodBuilder {
	b.pod.Spec.Containers[0].Resources.Requests = Resources(nameQuantity...)
	return b
}

// Priority sets the pod's priority.
func (b *PodBuilder) Priority(p int32) *PodBuilder {
	b.pod.Spec.Priority = &p
	return b
}

// Pending makes the pod wait for its node, with the scheduler's words; none
// means that no scheduler has looked at it.
func (b *PodBuilder) Pending(words string) *PodBuilder {
	b.pod.Spec.NodeName = ""
	b.pod.Status = corev1.PodStatus{Phase: corev1.PodPending}
	if words == "" {
		return b
	}
	return b.condition(corev1.PodScheduled, corev1.ConditionFalse, corev1.PodReasonUnschedulable, words, 4*time.Minute)
}

// NotReady makes the pod run and not be ready.
func (b *PodBuilder) NotReady(since time.Duration) *PodBuilder {
	return b.condition(corev1.PodReady, corev1.ConditionFalse, "ContainersNotReady", "", since)
}

// ReadyFor sets since when the pod is ready.
func (b *PodBuilder) ReadyFor(d time.Duration) *PodBuilder {
	return b.condition(corev1.PodReady, corev1.ConditionTrue, "", "", d)
}

// Waiting makes the first container wait for this reason.
func (b *PodBuilder) Waiting(reason, message string) *PodBuilder {
	b.NotReady(time.Hour)
	s := b.container()
	s.State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}
	return b
}

// Crashing makes the first container end again and again.
func (b *PodBuilder) Crashing(exitCode int32, reason string, restarts int32) *PodBuilder {
	b.Waiting("CrashLoopBackOff", "back-off 5m0s restarting failed container")
	s := b.container()
	s.RestartCount = restarts
	s.LastTerminationState = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
		ExitCode: exitCode, Reason: reason, FinishedAt: Ago(2 * time.Minute),
	}}
	return b
}

func (b *PodBuilder) container() *corev1.ContainerStatus {
	if len(b.pod.Status.ContainerStatuses) == 0 {
		c := &b.pod.Spec.Containers[0]
		b.pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: c.Name, Image: c.Image}}
	}
	return &b.pod.Status.ContainerStatuses[0]
}

// Failed makes the pod one that ended for good, for this reason.
func (b *PodBuilder) Failed(reason, message string) *PodBuilder {
	b.pod.Status = corev1.PodStatus{Phase: corev1.PodFailed, Reason: reason, Message: message}
	return b
}

// Terminating sets when the grace ends or ended: negative is still to come.
func (b *PodBuilder) Terminating(graceEnded time.Duration, finalizers ...string) *PodBuilder {
	t := Ago(graceEnded)
	b.pod.DeletionTimestamp, b.pod.Finalizers = &t, finalizers
	return b
}

func (b *PodBuilder) condition(t corev1.PodConditionType, status corev1.ConditionStatus, reason, message string, since time.Duration) *PodBuilder {
	c := corev1.PodCondition{Type: t, Status: status, Reason: reason, Message: message, LastTransitionTime: Ago(since)}
	for i := range b.pod.Status.Conditions {
		if b.pod.Status.Conditions[i].Type == t {
			b.pod.Status.Conditions[i] = c
			return b
		}
	}
	b.pod.Status.Conditions = append(b.pod.Status.Conditions, c)
	return b
}

// Build returns the pod; each call another copy.
func (b *PodBuilder) Build() *corev1.Pod { return b.pod.DeepCopy() }
