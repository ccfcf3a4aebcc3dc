package simnode

import (
	"context"
	"fmt"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// Condition of a DaemonSet to wait for, with the words for it.
type Condition struct {
	What string
	Met  func(*appsv1.DaemonSet) bool
}

// Desired is met when the controller wants exactly n pods.
func Desired(n int) Condition {
	return Condition{fmt.Sprintf("%d desired", n), func(ds *appsv1.DaemonSet) bool {
		return ds.Status.DesiredNumberScheduled == int32(n)
	}}
}

// Scheduled is met when the controller wants n pods and they all exist.
func Scheduled(n int) Condition {
	return Condition{fmt.Sprintf("%d scheduled", n), func(ds *appsv1.DaemonSet) bool {
		return ds.Status.DesiredNumberScheduled == int32(n) && ds.Status.CurrentNumberScheduled == int32(n)
	}}
}

// Ready is met when n pods are ready.
func Ready(n int) Condition {
	return Condition{fmt.Sprintf("%d ready", n), func(ds *appsv1.DaemonSet) bool {
		return ds.Status.NumberReady == int32(n)
	}}
}

// Updated is met when n nodes have a pod of the newest template.
func Updated(n int) Condition {
	return Condition{fmt.Sprintf("%d updated", n), func(ds *appsv1.DaemonSet) bool {
		return ds.Status.UpdatedNumberScheduled == int32(n)
	}}
}

// WaitDaemonSet waits until the controller has seen the DaemonSet's last change
// and all conditions hold at once, and returns it. It gives up at ctx's deadline,
// or after a minute where that has none: give large worlds a deadline.
func WaitDaemonSet(ctx context.Context, client kubernetes.Interface, namespace, name string, conditions ...Condition) (*appsv1.DaemonSet, error) {
	limit := time.Minute
	if _, own := ctx.Deadline(); own {
		limit = 24 * time.Hour
	}
	ctx, cancel := withDeadline(ctx, limit)
	defer cancel()
	var last *appsv1.DaemonSet
	err := poll(ctx, func() (bool, error) {
		ds, err := client.AppsV1().DaemonSets(namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		last = ds
		if ds.Status.ObservedGeneration < ds.Generation {
			return false, nil
		}
		for _, c := range conditions {
			if !c.Met(ds) {
				return false, nil
			}
		}
		return true, nil
	})
	if err == nil {
		return last, nil
	}
	if last == nil {
		return nil, fmt.Errorf("waiting for daemonset %s/%s: %w", namespace, name, err)
	}
	words := make([]string, len(conditions))
	for i, c := range conditions {
		words[i] = c.What
	}
	s := last.Status
	return last, fmt.Errorf("waiting for daemonset %s/%s to have %s: %w (generation %d observed of %d, desired %d, scheduled %d, ready %d, updated %d)",
		namespace, name, strings.Join(words, ", "), err, s.ObservedGeneration, last.Generation,
		s.DesiredNumberScheduled, s.CurrentNumberScheduled, s.NumberReady, s.UpdatedNumberScheduled)
}
