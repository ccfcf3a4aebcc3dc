package world

import (
	"context"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-ds/kubectl-ds/test/cluster"
	"github.com/kubectl-ds/kubectl-ds/test/cluster/simnode"
)

func quantity(s string) resource.Quantity { return resource.MustParse(s) }

// breakPods lets pods fail in the ways in which kubelets report them.
func (w *World) breakPods(ctx context.Context, _ *cluster.Cluster) error {
	w.say("and then things break")
	steps := []func(context.Context) error{
		w.stuckTermination, w.failedUpdate, w.oomKilled, w.initFails, w.probeFails,
		w.imageMissing, w.mountFails, w.configMissing, w.privilegesRevoked,
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// stuckTermination comes first: a pod counts as stuck 30 s after its grace.
func (w *World) stuckTermination(ctx context.Context) error {
	p, err := w.PodOn(ctx, "monitoring", "node-exporter", "general-4", "")
	if err != nil {
		return err
	}
	patch := []byte(`{"metadata":{"finalizers":["example.com/unmount"]}}`)
	if _, err := w.client.CoreV1().Pods(p.Namespace).Patch(ctx, p.Name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		return fmt.Errorf("adding a finalizer to %s: %w", p.Name, err)
	}
	return w.client.CoreV1().Pods(p.Namespace).Delete(ctx, p.Name, metav1.DeleteOptions{GracePeriodSeconds: new(int64)})
}

// failedUpdate brings a version without an arm64 image to two nodes of an
// OnDelete DaemonSet; all others stay outdated.
func (w *World) failedUpdate(ctx context.Context) error {
	patch := []byte(`{"spec":{"template":{"spec":{"containers":[{"name":"vector","image":"registry.example/vector:0.49.0"}]}}}}`)
	if _, err := w.client.AppsV1().DaemonSets("logging").Patch(ctx, "vector", types.StrategicMergePatchType, patch, metav1.PatchOptions{}); err != nil {
		return fmt.Errorf("changing the image of vector: %w", err)
	}
	if _, err := simnode.WaitDaemonSet(ctx, w.client, "logging", "vector", simnode.Updated(0)); err != nil {
		return err
	}
	for _, node := range []string{"general-1", "arm-1"} {
		old, err := w.PodOn(ctx, "logging", "vector", node, "")
		if err != nil {
			return err
		}
		if err := w.client.CoreV1().Pods("logging").Delete(ctx, old.Name, metav1.DeleteOptions{}); err != nil {
			return fmt.Errorf("deleting pod %s: %w", old.Name, err)
		}
		p, err := w.PodOn(ctx, "logging", "vector", node, old.UID)
		if err != nil {
			return err
		}
		if node != "arm-1" {
			continue
		}
		err = simnode.FailStart(ctx, w.client, p.Namespace, p.Name, "ImagePullBackOff",
			`Back-off pulling image "registry.example/vector:0.49.0": ErrImagePull: no match for platform in manifest: not found`)
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *World) oomKilled(ctx context.Context) error {
	p, err := w.PodOn(ctx, "kube-system", "cilium", "general-2", "")
	if err != nil {
		return err
	}
	return simnode.Crash(ctx, w.client, p.Namespace, p.Name, simnode.CrashReport{ExitCode: 137, Restarts: 7})
}

func (w *World) initFails(ctx context.Context) error {
	p, err := w.PodOn(ctx, "kube-system", "cilium", "arm-3", "")
	if err != nil {
		return err
	}
	return simnode.UpdatePodStatus(ctx, w.client, p.Namespace, p.Name, func(p *corev1.Pod) {
		// A kubelet leaves the phase at Pending; KWOK would take that for a pod
		// that it has yet to start.
		p.Status.InitContainerStatuses = []corev1.ContainerStatus{{
			Name: "mount-bpf-fs", Image: "registry.example/cilium:v1.19.1", RestartCount: 4,
			State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{
				Reason: "CrashLoopBackOff", Message: "back-off 1m20s restarting failed container=mount-bpf-fs"}},
			LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
				ExitCode: 32, Reason: "Error", Message: "mount: /sys/fs/bpf: permission denied", FinishedAt: metav1.Now()}},
		}}
		for i := range p.Status.ContainerStatuses {
			s := &p.Status.ContainerStatuses[i]
			s.Ready, s.State = false, corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "PodInitializing"}}
		}
		for i := range p.Status.Conditions {
			if c := &p.Status.Conditions[i]; c.Type == corev1.PodReady || c.Type == corev1.ContainersReady || c.Type == corev1.PodInitialized {
				c.Status, c.Reason, c.LastTransitionTime = corev1.ConditionFalse, "ContainersNotInitialized", metav1.Now()
			}
		}
	})
}

func (w *World) probeFails(ctx context.Context) error {
	p, err := w.PodOn(ctx, "datadog", "datadog-agent", "arm-2", "")
	if err != nil {
		return err
	}
	if err := simnode.SetReady(ctx, w.client, p.Namespace, p.Name, false); err != nil {
		return err
	}
	return simnode.EmitKubeletEvent(ctx, w.client, p, simnode.KubeletEvent{
		Type: corev1.EventTypeWarning, Reason: "Unhealthy", Container: "agent", Count: 12,
		Message: "Readiness probe failed: HTTP probe failed with statuscode: 503",
	})
}

func (w *World) imageMissing(ctx context.Context) error {
	p, err := w.PodOn(ctx, "gpu-operator", "nvidia-device-plugin", "gpu-2", "")
	if err != nil {
		return err
	}
	return simnode.FailImagePull(ctx, w.client, p.Namespace, p.Name, "")
}

func (w *World) mountFails(ctx context.Context) error {
	p, err := w.PodOn(ctx, "storage", "fsx-csi-node", "general-1", "")
	if err != nil {
		return err
	}
	if err := simnode.FailStart(ctx, w.client, p.Namespace, p.Name, "ContainerCreating", ""); err != nil {
		return err
	}
	return simnode.EmitKubeletEvent(ctx, w.client, p, simnode.KubeletEvent{
		Type: corev1.EventTypeWarning, Reason: "FailedMount", Count: 5,
		Message: `MountVolume.SetUp failed for volume "config" : configmap "fsx-config" not found`,
	})
}

func (w *World) configMissing(ctx context.Context) error {
	p, err := w.PodOn(ctx, "maintenance", "kured", "general-4", "")
	if err != nil {
		return err
	}
	return simnode.FailStart(ctx, w.client, p.Namespace, p.Name, "CreateContainerConfigError", `couldn't find key webhook in Secret maintenance/kured`)
}

// privilegesRevoked lets the namespace enforce a Pod Security level under a
// privileged DaemonSet, and two of its pods go: none can come back.
func (w *World) privilegesRevoked(ctx context.Context) error {
	patch := []byte(`{"metadata":{"labels":{"pod-security.kubernetes.io/enforce":"baseline"}}}`)
	if _, err := w.client.CoreV1().Namespaces().Patch(ctx, "security", types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		return fmt.Errorf("labelling namespace security: %w", err)
	}
	for _, node := range []string{"general-3", "arm-1"} {
		p, err := w.PodOn(ctx, "security", "falco", node, "")
		if err != nil {
			return err
		}
		if err := w.client.CoreV1().Pods(p.Namespace).Delete(ctx, p.Name, metav1.DeleteOptions{GracePeriodSeconds: new(int64)}); err != nil {
			return fmt.Errorf("deleting pod %s: %w", p.Name, err)
		}
	}
	return nil
}

// breakNodes taints a node under its pods, and loses another.
func (w *World) breakNodes(ctx context.Context, _ *cluster.Cluster) error {
	n, err := w.client.CoreV1().Nodes().Get(ctx, Dedicated, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("reading node %s: %w", Dedicated, err)
	}
	taints, err := json.Marshal(append(n.Spec.Taints, corev1.Taint{Key: "dedicated", Value: "batch", Effect: corev1.TaintEffectNoSchedule}))
	if err != nil {
		return err
	}
	patch := fmt.Appendf(nil, `{"spec":{"taints":%s}}`, taints)
	if _, err := w.client.CoreV1().Nodes().Patch(ctx, Dedicated, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		return fmt.Errorf("tainting node %s: %w", Dedicated, err)
	}
	return simnode.Lose(ctx, w.client, LostNode)
}
