package status

import (
	"context"
	"fmt"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

const (
	// holdFinalizer keeps a pod Terminating.
	holdFinalizer = "example.com/hold"
	foreignOwner  = "foreign"
)

// changePods draws what happens to the pods that are there: what a kubelet
// reports, what an eviction or a hand does, and what is left behind.
func (w *world) changePods(s *state) {
	for i := range s.pods {
		change := w.changePod
		if calm(s.pods[i].Labels["app"]) {
			change = w.keepWell
		}
		w.inOrder(func() { change(&s.pods[i]) })
	}
	w.flush(w.t.Context())
}

// calm names the DaemonSets, one in five, that nobody touches: in a world where
// everything breaks nothing would ever be well.
func calm(app string) bool { return strings.HasSuffix(app, "1") || strings.HasSuffix(app, "6") }

// keepWell does what scheduler and kubelet do on a good day.
func (w *world) keepWell(p *corev1.Pod) {
	if p.DeletionTimestamp != nil {
		w.end(p)
		return
	}
	if p.Spec.NodeName == "" {
		w.bind(p)
	}
	w.patchStatus(p, condition(corev1.PodRunning, corev1.ConditionTrue, metav1.NewTime(time.Now().Add(-2*hour*time.Second))))
}

func condition(phase corev1.PodPhase, ready corev1.ConditionStatus, since metav1.Time) map[string]any {
	return map[string]any{"phase": phase, "conditions": []map[string]any{{"type": corev1.PodReady, "status": ready, "lastTransitionTime": since}}}
}

func (w *world) changePod(p *corev1.Pod) {
	if p.DeletionTimestamp != nil {
		if chance(w.r, 50) {
			w.end(p)
		}
		return
	}
	if p.Spec.NodeName == "" && chance(w.r, 75) {
		w.bind(p)
	}
	w.report(p)
	if chance(w.r, 12) {
		w.patch(p, map[string]any{"finalizers": []string{holdFinalizer}})
	}
	if chance(w.r, 4) {
		w.patch(p, map[string]any{"labels": map[string]any{"app": "lost"}})
	}
	if chance(w.r, 3) {
		w.patch(p, map[string]any{"ownerReferences": []any{}})
	}
	if chance(w.r, 10) {
		w.later(func(ctx context.Context) error {
			return w.client.CoreV1().Pods(p.Namespace).Delete(ctx, p.Name, metav1.DeleteOptions{})
		})
	}
}

// end is what a kubelet does at the end of a deletion, and who holds a
// finalizer.
func (w *world) end(p *corev1.Pod) {
	w.later(func(ctx context.Context) error {
		pods := w.client.CoreV1().Pods(p.Namespace)
		if _, err := pods.Patch(ctx, p.Name, types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{}); err != nil {
			return err
		}
		return pods.Delete(ctx, p.Name, metav1.DeleteOptions{GracePeriodSeconds: ptr.To[int64](0)})
	})
}

// bind is what the scheduler does; a pod without a pin stays unbound.
func (w *world) bind(p *corev1.Pod) {
	target := snapshot.TargetNode(p)
	if target == "" {
		return
	}
	w.later(func(ctx context.Context) error {
		return w.client.CoreV1().Pods(p.Namespace).Bind(ctx, &corev1.Binding{
			ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Name: p.Name, UID: p.UID},
			Target:     corev1.ObjectReference{Kind: "Node", Name: target},
		}, metav1.CreateOptions{})
	})
}

// report is what a kubelet writes into status. A pod that has ended stays so.
func (w *world) report(p *corev1.Pod) {
	if p.Status.Phase == corev1.PodFailed || p.Status.Phase == corev1.PodSucceeded {
		return
	}
	ready, phase := corev1.ConditionFalse, corev1.PodRunning
	switch n := w.r.IntN(100); {
	case n < 60:
		ready = corev1.ConditionTrue
	case n < 75:
	case n < 80:
		phase = corev1.PodPending
	case n < 83:
		ready, phase = corev1.ConditionTrue, corev1.PodPending // nonsense, and counted
	case n < 88:
		phase = corev1.PodFailed
	case n < 91:
		phase = corev1.PodSucceeded
	default:
		return
	}
	since := metav1.NewTime(time.Now().Add(-oneOf(w.r, 5*time.Minute, 2*time.Hour, 2*time.Hour)))
	if chance(w.r, 5) {
		since = metav1.Time{} // ready since nobody knows when
	}
	w.patchStatus(p, condition(phase, ready, since))
}

// plant creates pods that the controller did not make: orphans, strangers,
// doubles, pods without a place, and pods of nodes that are gone.
func (w *world) plant(s *state) {
	for _, d := range s.DaemonSets {
		if calm(d.Spec.Template.Labels["app"]) {
			continue
		}
		for range w.r.IntN(3) {
			w.plantOne(d)
		}
	}
	w.flush(w.t.Context())
}

func (w *world) plantOne(d *appsv1.DaemonSet) {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: d.Namespace, GenerateName: d.Name + "-planted-", Labels: map[string]string{}}}
	for k, v := range d.Spec.Template.Labels {
		p.Labels[k] = v
	}
	if chance(w.r, 50) {
		// As if the current template had made it.
		p.Labels["pod-template-generation"] = d.Annotations[appsv1.DeprecatedTemplateGeneration]
	}
	p.Spec = corev1.PodSpec{SchedulerName: nobody, Containers: []corev1.Container{{Name: "agent", Image: "registry.example/agent:0"}}}
	switch node := oneOf(w.r, oneOf(w.r, w.nodes...), oneOf(w.r, w.nodes...), goneNode); w.r.IntN(3) {
	case 0:
		p.Spec.NodeName = node
	case 1:
		p.Spec.Affinity = pinned(node)
	}
	switch n := w.r.IntN(100); {
	case n < 50:
		p.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(d, appsv1.SchemeGroupVersion.WithKind("DaemonSet"))}
	case n < 60:
		w.plantForeign(p)
		return
	}
	ending := chance(w.r, 35)
	if ending || chance(w.r, 20) {
		p.Finalizers = []string{holdFinalizer}
	}
	w.later(func(ctx context.Context) error {
		pods := w.client.CoreV1().Pods(p.Namespace)
		made, err := pods.Create(ctx, p, metav1.CreateOptions{})
		if err != nil || !ending {
			return err
		}
		return pods.Delete(ctx, made.Name, metav1.DeleteOptions{})
	})
}

// plantForeign creates a pod that looks like the DaemonSet's and belongs to
// something else.
func (w *world) plantForeign(p *corev1.Pod) {
	w.later(func(ctx context.Context) error {
		owner, err := w.client.CoreV1().ConfigMaps(p.Namespace).Get(ctx, foreignOwner, metav1.GetOptions{})
		if err != nil {
			return fmt.Errorf("the foreign owner: %w", err)
		}
		p.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(owner, corev1.SchemeGroupVersion.WithKind("ConfigMap"))}
		_, err = w.client.CoreV1().Pods(p.Namespace).Create(ctx, p, metav1.CreateOptions{})
		return err
	})
}

// pinned is how the DaemonSet controller pins a pod to a node.
func pinned(node string) *corev1.Affinity {
	return &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{
		NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchFields: []corev1.NodeSelectorRequirement{
			{Key: metav1.ObjectNameField, Operator: corev1.NodeSelectorOpIn, Values: []string{node}}}}},
	}}}
}
