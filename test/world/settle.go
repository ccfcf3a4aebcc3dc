package world

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// stuckAfter is how long after its grace a pod counts as stuck, and a little.
const stuckAfter = 31 * time.Second

// Settle waits until every gap has the shape in which it is to be seen: events
// are written, the scheduler has judged each pending pod, and the pod that
// cannot end has passed its grace.
func (w *World) Settle(ctx context.Context) error {
	return w.until(ctx, 2*time.Minute, "the gaps to take shape", func() (bool, error) {
		pods, err := w.client.CoreV1().Pods("").List(ctx, metav1.ListOptions{})
		if err != nil {
			return false, err
		}
		for i := range pods.Items {
			p := &pods.Items[i]
			if p.DeletionTimestamp != nil && len(p.Finalizers) > 0 && time.Since(p.DeletionTimestamp.Time) < stuckAfter {
				return false, nil
			}
			if p.Spec.NodeName == "" && !judged(p) {
				return false, nil
			}
		}
		return w.refused(ctx)
	})
}

// judged reports whether the scheduler has said why it does not bind the pod.
func judged(p *corev1.Pod) bool {
	return slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && c.Message != ""
	})
}

// refused reports whether the controller has said why it cannot create pods.
func (w *World) refused(ctx context.Context) (bool, error) {
	for _, d := range []struct{ namespace, name string }{{"security", "falco"}, {"monitoring", "node-problem-detector"}} {
		events, err := w.client.CoreV1().Events(d.namespace).List(ctx, metav1.ListOptions{
			FieldSelector: "involvedObject.kind=DaemonSet,reason=FailedCreate,involvedObject.name=" + d.name,
		})
		if err != nil {
			return false, err
		}
		if len(events.Items) == 0 {
			return false, nil
		}
	}
	return true, nil
}

// Covered waits until a DaemonSet has a ready pod on a node.
func (w *World) Covered(ctx context.Context, namespace, name, node string) error {
	return w.until(ctx, time.Minute, fmt.Sprintf("%s/%s to be ready on %s", namespace, name, node), func() (bool, error) {
		pods, err := w.client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{
			LabelSelector: "app=" + name, FieldSelector: "spec.nodeName=" + node,
		})
		if err != nil {
			return false, err
		}
		return slices.ContainsFunc(pods.Items, func(p corev1.Pod) bool {
			return slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
				return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
			})
		}), nil
	})
}

func (w *World) until(ctx context.Context, limit time.Duration, what string, done func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := done()
		if ok || err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", what, ctx.Err())
		case <-tick.C:
		}
	}
}
