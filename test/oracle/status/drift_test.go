package status

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/retry"

	"github.com/kubectl-ds/kubectl-ds/pkg/coverage"
	"github.com/kubectl-ds/kubectl-ds/test/cluster"
)

// small is one DaemonSet on three nodes of its own, all well.
type small struct {
	t       *testing.T
	cluster *cluster.Cluster
	client  kubernetes.Interface
	ns      string
	world   *world
}

func newSmall(t *testing.T, ns string) *small {
	t.Helper()
	c, client := controlPlane(t)
	s := &small{t: t, cluster: c, client: client, ns: ns, world: &world{t: t, client: client}}
	if err := c.CreateNamespace(t.Context(), ns, nil); err != nil {
		t.Fatal(err)
	}
	for _, n := range s.nodes() {
		s.putNode(n)
	}
	d := &appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "agent"}}
	d.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": "agent"}}
	d.Spec.UpdateStrategy.Type = appsv1.OnDeleteDaemonSetStrategyType
	d.Spec.Template.Labels = map[string]string{"app": "agent"}
	d.Spec.Template.Spec = corev1.PodSpec{
		SchedulerName: nobody, NodeSelector: map[string]string{poolLabel: ns},
		Containers: []corev1.Container{{Name: "agent", Image: "registry.example/agent:1"}},
	}
	if _, err := client.AppsV1().DaemonSets(ns).Create(t.Context(), d, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Minute, func(ctx context.Context) error {
		state, err := read(ctx, client, ns)
		if err != nil {
			return err
		}
		for i := range state.pods {
			if !isReady(&state.pods[i]) {
				s.world.inOrder(func() { s.world.keepWell(&state.pods[i]) })
			}
		}
		s.world.flush(ctx)
		return s.agrees(ctx, coverage.Counts{Desired: 3, Current: 3, Ready: 3, Updated: 3, Available: 3})
	})
	return s
}

func (s *small) nodes() []string { return []string{s.ns + "-1", s.ns + "-2", s.ns + "-3"} }

func (s *small) putNode(name string, taints ...corev1.Taint) {
	s.t.Helper()
	labels := map[string]string{cluster.LostNodeLabel: "true", poolLabel: s.ns}
	if err := s.world.putNode(s.t.Context(), name, labels, taints); err != nil {
		s.t.Fatal(err)
	}
}

// analyze looks at the DaemonSet now.
func (s *small) analyze(ctx context.Context) (*coverage.DaemonSetResult, error) {
	state, err := read(ctx, s.client, s.ns)
	if err != nil {
		return nil, err
	}
	if len(state.DaemonSets) != 1 {
		return nil, fmt.Errorf("%d DaemonSets", len(state.DaemonSets))
	}
	return &coverage.Analyze(&state.Snapshot, coverage.Options{Now: time.Now()}).DaemonSets[0], nil
}

// agrees says whether status and counts are both as wanted, without drift.
func (s *small) agrees(ctx context.Context, want coverage.Counts) error {
	d, err := s.analyze(ctx)
	if err != nil {
		return err
	}
	if got := reported(d.DaemonSet); got != want || d.Counts != want || len(d.Drift) > 0 {
		return fmt.Errorf("status is %+v and the counts are %+v with drift %+v, want %+v", got, d.Counts, d.Drift, want)
	}
	return nil
}

// staleFor is how long a status must keep still to count as stale: many
// times what a sync takes.
const staleFor = 3 * time.Second

// drifts waits until the counts are want and holds for a while that status
// keeps its old numbers, and that the report says which fields differ and why.
func (s *small) drifts(status, want coverage.Counts, fields []string, because string) {
	s.t.Helper()
	check := func(ctx context.Context) error {
		d, err := s.analyze(ctx)
		if err != nil {
			return err
		}
		if got := reported(d.DaemonSet); got != status || d.Counts != want {
			return fmt.Errorf("status is %+v, want it stale at %+v; the counts are %+v, want %+v", got, status, d.Counts, want)
		}
		var got []string
		for _, x := range d.Drift {
			got = append(got, fmt.Sprintf("%s %d->%d", x.Field, x.Reported, x.Recomputed))
			if !strings.Contains(x.Because, because) {
				return fmt.Errorf("%s differs because %q, want %q", x.Field, x.Because, because)
			}
		}
		if !slices.Equal(got, fields) {
			return fmt.Errorf("drift is %q, want %q", got, fields)
		}
		return nil
	}
	eventually(s.t, 30*time.Second, check)
	began := time.Now()
	eventually(s.t, 30*time.Second, func(ctx context.Context) error {
		if err := check(ctx); err != nil {
			s.t.Fatalf("status was not stale for long: %v", err)
		}
		if time.Since(began) < staleFor {
			return fmt.Errorf("watched for %s only", staleFor)
		}
		return nil
	})
}

func (s *small) change(change func(*appsv1.DaemonSet)) {
	s.t.Helper()
	if err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		d, err := s.client.AppsV1().DaemonSets(s.ns).Get(s.t.Context(), "agent", metav1.GetOptions{})
		if err != nil {
			return err
		}
		change(d)
		_, err = s.client.AppsV1().DaemonSets(s.ns).Update(s.t.Context(), d, metav1.UpdateOptions{})
		return err
	}); err != nil {
		s.t.Fatal(err)
	}
}

var allWell = coverage.Counts{Desired: 3, Current: 3, Ready: 3, Updated: 3, Available: 3}

// A NoSchedule taint under a running pod wakes no sync while nothing else is
// misscheduled (shouldEnqueue of the node handler).
func TestStatusMissesATaintUnderARunningPod(t *testing.T) {
	s := newSmall(t, "drift-taint")
	s.putNode(s.nodes()[0], corev1.Taint{Key: "dedicated", Value: "gpu", Effect: corev1.TaintEffectNoSchedule})
	now := coverage.Counts{Desired: 2, Current: 2, Ready: 2, Updated: 2, Available: 2, Misscheduled: 1}
	s.drifts(allWell, now, []string{
		"desiredNumberScheduled 3->2", "currentNumberScheduled 3->2", "numberMisscheduled 0->1",
		"numberReady 3->2", "updatedNumberScheduled 3->2", "numberAvailable 3->2",
	}, "taint dedicated")
	s.change(func(d *appsv1.DaemonSet) { d.Annotations[touchAnnotation] = "1" })
	eventually(t, time.Minute, func(ctx context.Context) error { return s.agrees(ctx, now) })
	// With one misscheduled pod the next taint is noticed at once.
	s.putNode(s.nodes()[1], corev1.Taint{Key: "dedicated", Value: "gpu", Effect: corev1.TaintEffectNoSchedule})
	eventually(t, time.Minute, func(ctx context.Context) error {
		return s.agrees(ctx, coverage.Counts{Desired: 1, Current: 1, Ready: 1, Updated: 1, Available: 1, Misscheduled: 2})
	})
}

// A taint that status has counted is not why another number is old.
func TestATaintThatStatusKnowsIsNotBlamed(t *testing.T) {
	s := newSmall(t, "drift-known")
	s.putNode(s.nodes()[0], corev1.Taint{Key: "dedicated", Value: "gpu", Effect: corev1.TaintEffectNoSchedule})
	s.change(func(d *appsv1.DaemonSet) { d.Annotations[touchAnnotation] = "1" })
	before := coverage.Counts{Desired: 2, Current: 2, Ready: 2, Updated: 2, Available: 2, Misscheduled: 1}
	eventually(t, time.Minute, func(ctx context.Context) error { return s.agrees(ctx, before) })
	resume := s.pause()
	state, err := read(t.Context(), s.client, s.ns)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(state.pods, func(p corev1.Pod) bool { return p.Spec.NodeName == s.nodes()[1] })
	s.world.patchStatus(&state.pods[i], condition(corev1.PodRunning, corev1.ConditionFalse, metav1.Now()))
	s.world.flush(t.Context())
	now := before
	now.Ready, now.Available = 1, 1
	s.drifts(before, now, []string{"numberReady 2->1", "numberAvailable 2->1"}, "a change of a node or pod that woke no sync")
	resume()
	eventually(t, time.Minute, func(ctx context.Context) error { return s.agrees(ctx, now) })
}

// pause stops the controllers until the function that it returns is called.
func (s *small) pause() (resume func()) {
	s.t.Helper()
	if err := s.cluster.Pause(cluster.ControllerManager); err != nil {
		s.t.Fatal(err)
	}
	resume = sync.OnceFunc(func() {
		if err := s.cluster.Resume(cluster.ControllerManager); err != nil {
			s.t.Error(err)
		}
	})
	s.t.Cleanup(resume)
	return resume
}

// A pod that is bound and ending counts before the one that is to replace it.
// Where it lacks the label that the plugin lists pods by, no sum of pods tells
// that one was not read: only which of them is counted as updated.
func TestAnEndingPodWithoutItsLabelsStandsFirst(t *testing.T) {
	s := newSmall(t, "drift-first")
	// Only with surge does the controller make a pod beside one that is ending.
	s.change(func(d *appsv1.DaemonSet) {
		d.Spec.UpdateStrategy = appsv1.DaemonSetUpdateStrategy{
			Type:          appsv1.RollingUpdateDaemonSetStrategyType,
			RollingUpdate: &appsv1.RollingUpdateDaemonSet{MaxUnavailable: new(intstr.FromInt32(0)), MaxSurge: new(intstr.FromInt32(1))},
		}
	})
	d, err := s.client.AppsV1().DaemonSets(s.ns).Get(t.Context(), "agent", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	fourth := s.ns + "-4"
	s.putNode(fourth)
	pods := s.client.CoreV1().Pods(s.ns)
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "first", Labels: map[string]string{"app": "agent"}, Finalizers: []string{holdFinalizer},
		OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(d, appsv1.SchemeGroupVersion.WithKind("DaemonSet"))}}}
	p.Spec = corev1.PodSpec{NodeName: fourth, SchedulerName: nobody, Containers: []corev1.Container{{Name: "agent", Image: image(0)}}}
	if p, err = pods.Create(t.Context(), p, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	s.world.inOrder(func() {
		s.world.patchStatus(p, condition(corev1.PodRunning, corev1.ConditionTrue, metav1.Now()))
		s.world.later(func(ctx context.Context) error { return pods.Delete(ctx, p.Name, metav1.DeleteOptions{}) })
	})
	s.world.flush(t.Context())
	reader := newReader(t, s.cluster)
	want := coverage.Counts{Desired: 4, Current: 4, Ready: 4, Updated: 3, Available: 4}
	eventually(t, time.Minute, func(ctx context.Context) error {
		if err := s.agrees(ctx, want); err != nil {
			return err
		}
		state, err := read(ctx, s.client, s.ns)
		if err != nil {
			return err
		}
		if len(state.pods) != 5 {
			return fmt.Errorf("%d pods, want the replacement as well", len(state.pods))
		}
		said, err := plugin(ctx, reader)
		if err != nil {
			return err
		}
		if got := said[d.UID]; got.Counts != want || len(got.Drift) > 0 {
			return fmt.Errorf("the plugin counts %+v with drift %+v, want %+v", got.Counts, got.Drift, want)
		}
		return nil
	})
}

// While the controller does not run, or lags, status is of an older generation.
func TestStatusIsOfAnOlderGeneration(t *testing.T) {
	s := newSmall(t, "drift-generation")
	resume := s.pause()
	s.change(func(d *appsv1.DaemonSet) { d.Spec.Template.Spec.Containers[0].Image = "registry.example/agent:2" })
	now := allWell
	now.Updated = 0
	s.drifts(allWell, now, []string{"updatedNumberScheduled 3->0"}, "the controller has observed generation 1 of 2")
	resume()
	eventually(t, time.Minute, func(ctx context.Context) error { return s.agrees(ctx, now) })
}

// Once a DaemonSet is being deleted its status is written no more.
func TestStatusOfADeletedDaemonSetIsFrozen(t *testing.T) {
	s := newSmall(t, "drift-deleted")
	s.change(func(d *appsv1.DaemonSet) { d.Finalizers = append(d.Finalizers, holdFinalizer) })
	background := metav1.DeletePropagationBackground
	if err := s.client.AppsV1().DaemonSets(s.ns).Delete(t.Context(), "agent", metav1.DeleteOptions{PropagationPolicy: &background}); err != nil {
		t.Fatal(err)
	}
	state, err := read(t.Context(), s.client, s.ns)
	if err != nil {
		t.Fatal(err)
	}
	s.world.patchStatus(&state.pods[0], condition(corev1.PodRunning, corev1.ConditionFalse, metav1.Now()))
	s.world.flush(t.Context())
	now := allWell
	now.Ready, now.Available = 2, 2
	s.drifts(allWell, now, []string{"numberReady 3->2", "numberAvailable 3->2"}, "being deleted")
	if _, err := s.client.AppsV1().DaemonSets(s.ns).Patch(t.Context(), "agent", types.MergePatchType,
		[]byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
}
