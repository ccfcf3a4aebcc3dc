package simnode

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/retry"
)

// UpdatePodStatus changes a pod's status, and tries again where somebody else
// wrote in between.
func UpdatePodStatus(ctx context.Context, client kubernetes.Interface, namespace, name string, change func(*corev1.Pod)) error {
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		pod, err := client.CoreV1().Pods(namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		change(pod)
		_, err = client.CoreV1().Pods(namespace).UpdateStatus(ctx, pod, metav1.UpdateOptions{})
		return err
	})
	if err != nil {
		return fmt.Errorf("updating the status of pod %s/%s: %w", namespace, name, err)
	}
	return nil
}

// CrashReport is how a container crashes. The zero value is exit code 1, after
// five restarts.
type CrashReport struct {
	Container string // empty means every container
	Restarts  int32
	ExitCode  int32
	Reason    string // of the last exit; OOMKilled where ExitCode is 137, else Error
	Message   string // the termination message
}

// Crash puts a pod into CrashLoopBackOff and writes the event a kubelet writes.
func Crash(ctx context.Context, client kubernetes.Interface, namespace, name string, report CrashReport) error {
	if report.Restarts == 0 {
		report.Restarts = 5
	}
	if report.ExitCode == 0 {
		report.ExitCode = 1
	}
	if report.Reason == "" {
		report.Reason = "Error"
		if report.ExitCode == 137 {
			report.Reason = "OOMKilled"
		}
	}
	return fail(ctx, client, namespace, name, report.Container, corev1.PodRunning,
		func(pod *corev1.Pod, status *corev1.ContainerStatus) {
			finished := metav1.Now()
			status.RestartCount = report.Restarts
			status.LastTerminationState = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
				ExitCode: report.ExitCode, Reason: report.Reason, Message: report.Message,
				StartedAt: metav1.NewTime(finished.Add(-2 * time.Second)), FinishedAt: finished,
			}}
			status.State = waiting("CrashLoopBackOff", fmt.Sprintf(
				"back-off 5m0s restarting failed container=%s pod=%s_%s(%s)", status.Name, pod.Name, pod.Namespace, pod.UID))
		},
		KubeletEvent{Type: corev1.EventTypeWarning, Reason: "BackOff", Message: "Back-off restarting failed container", Count: report.Restarts})
}

// FailImagePull puts a pod into ImagePullBackOff, in every container or the one
// named, and writes the events a kubelet writes.
func FailImagePull(ctx context.Context, client kubernetes.Interface, namespace, name, container string) error {
	return fail(ctx, client, namespace, name, container, corev1.PodPending,
		func(_ *corev1.Pod, status *corev1.ContainerStatus) {
			status.RestartCount = 0
			status.LastTerminationState = corev1.ContainerState{}
			status.State = waiting("ImagePullBackOff", fmt.Sprintf(
				"Back-off pulling image %q: ErrImagePull: failed to pull and unpack image %q: not found", status.Image, status.Image))
		},
		KubeletEvent{Type: corev1.EventTypeWarning, Reason: "Failed", Message: "Error: ErrImagePull"},
		KubeletEvent{Type: corev1.EventTypeWarning, Reason: "Failed", Message: "Error: ImagePullBackOff", Count: 3})
}

// FailStart leaves a pod Pending, its containers waiting for the given reason,
// such as CreateContainerConfigError.
func FailStart(ctx context.Context, client kubernetes.Interface, namespace, name, reason, message string) error {
	return fail(ctx, client, namespace, name, "", corev1.PodPending,
		func(_ *corev1.Pod, status *corev1.ContainerStatus) { status.State = waiting(reason, message) },
		KubeletEvent{Type: corev1.EventTypeWarning, Reason: "Failed", Message: "Error: " + message})
}

// SetReady makes a running pod ready, or not ready as by a failing readiness
// probe. The containers run on.
func SetReady(ctx context.Context, client kubernetes.Interface, namespace, name string, ready bool) error {
	return UpdatePodStatus(ctx, client, namespace, name, func(pod *corev1.Pod) {
		statuses(pod)
		for i := range pod.Status.ContainerStatuses {
			status := &pod.Status.ContainerStatuses[i]
			status.Ready = ready
			status.Started = new(true)
			if status.State.Running == nil {
				status.State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.Now()}}
			}
		}
		pod.Status.Phase = corev1.PodRunning
		conditions(pod, ready)
	})
}

// Evict makes a pod Failed as a kubelet does under memory pressure; the
// DaemonSet controller then deletes it and makes another.
func Evict(ctx context.Context, client kubernetes.Interface, namespace, name string) error {
	return UpdatePodStatus(ctx, client, namespace, name, func(pod *corev1.Pod) {
		pod.Status.Phase = corev1.PodFailed
		pod.Status.Reason = "Evicted"
		pod.Status.Message = "The node was low on resource: memory."
		conditions(pod, false)
	})
}

// fail writes the status of chosen containers and the events, in the order in
// which a kubelet would be seen to do it.
func fail(ctx context.Context, client kubernetes.Interface, namespace, name, container string, phase corev1.PodPhase,
	change func(*corev1.Pod, *corev1.ContainerStatus), events ...KubeletEvent,
) error {
	var failed *corev1.Pod
	found := ""
	err := UpdatePodStatus(ctx, client, namespace, name, func(pod *corev1.Pod) {
		statuses(pod)
		for i := range pod.Status.ContainerStatuses {
			status := &pod.Status.ContainerStatuses[i]
			if container != "" && status.Name != container {
				continue
			}
			status.Ready = false
			status.Started = new(false)
			change(pod, status)
			found = status.Name
		}
		pod.Status.Phase = phase
		conditions(pod, false)
		failed = pod
	})
	if err != nil {
		return err
	}
	if found == "" {
		return fmt.Errorf("updating the status of pod %s/%s: it has no container %s", namespace, name, container)
	}
	for _, event := range events {
		event.Container = found
		if err := EmitKubeletEvent(ctx, client, failed, event); err != nil {
			return err
		}
	}
	return nil
}

func waiting(reason, message string) corev1.ContainerState {
	return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}
}

// statuses gives a pod that no kubelet has seen its container statuses.
func statuses(pod *corev1.Pod) {
	if len(pod.Status.ContainerStatuses) > 0 {
		return
	}
	for _, c := range pod.Spec.Containers {
		pod.Status.ContainerStatuses = append(pod.Status.ContainerStatuses, corev1.ContainerStatus{Name: c.Name, Image: c.Image})
	}
}

func conditions(pod *corev1.Pod, ready bool) {
	status, reason, message := corev1.ConditionTrue, "", ""
	if !ready {
		status, reason = corev1.ConditionFalse, "ContainersNotReady"
		message = "containers with unready status"
	}
	setPodCondition(pod, corev1.PodReady, status, reason, message)
	setPodCondition(pod, corev1.ContainersReady, status, reason, message)
}

func setPodCondition(pod *corev1.Pod, kind corev1.PodConditionType, status corev1.ConditionStatus, reason, message string) {
	want := corev1.PodCondition{Type: kind, Status: status, Reason: reason, Message: message, LastTransitionTime: metav1.Now()}
	for i := range pod.Status.Conditions {
		have := &pod.Status.Conditions[i]
		if have.Type != kind {
			continue
		}
		if have.Status == status {
			want.LastTransitionTime = have.LastTransitionTime
		}
		*have = want
		return
	}
	pod.Status.Conditions = append(pod.Status.Conditions, want)
}
