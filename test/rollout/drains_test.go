package rollout

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit/sim/check"
	core "github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// web makes other pods on the nodes of a world and waits until they are ready.
func (w *world) web(t *testing.T, replicas int32, change func(*corev1.PodSpec)) {
	t.Helper()
	labels := map[string]string{"app": "web"}
	web := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.name, Name: "web"},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{
					NodeSelector: map[string]string{worldLabel: w.name},
					Containers:   []corev1.Container{{Name: "web", Image: "registry.example/web:1"}},
				},
			},
		},
	}
	if change != nil {
		change(&web.Spec.Template.Spec)
	}
	if _, err := shared.client.AppsV1().Deployments(w.name).Create(t.Context(), web, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the other pods to be ready", func() bool {
		d, err := shared.client.AppsV1().Deployments(w.name).Get(t.Context(), "web", metav1.GetOptions{})
		return err == nil && d.Status.ReadyReplicas == replicas
	})
}

// budget makes a PodDisruptionBudget for them and waits until it counts them.
func (w *world) budget(t *testing.T, name string, minAvailable int32) {
	t.Helper()
	budgets := shared.client.PolicyV1().PodDisruptionBudgets(w.name)
	b := &policyv1.PodDisruptionBudget{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.name, Name: name},
		Spec: policyv1.PodDisruptionBudgetSpec{
			MinAvailable: new(intstr.FromInt32(minAvailable)), Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}},
		},
	}
	if _, err := budgets.Create(t.Context(), b, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the budget to count the pods", func() bool {
		b, err := budgets.Get(t.Context(), name, metav1.GetOptions{})
		return err == nil && b.Status.DisruptionsAllowed > 0
	})
}

// bare makes a pod without a controller on each node of a world, the name of
// which comes after those of the others.
func (w *world) bare(t *testing.T, nodes int, app string) {
	t.Helper()
	for i := range nodes {
		p := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: w.name, Name: fmt.Sprintf("zz-%s-%d", app, i), Labels: map[string]string{"app": app}},
			Spec:       corev1.PodSpec{NodeName: w.node(i), Containers: []corev1.Container{{Name: app, Image: "registry.example/" + app + ":1"}}},
		}
		if _, err := shared.client.CoreV1().Pods(w.name).Create(t.Context(), p, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the pods without a controller to run", func() bool {
		list, err := shared.client.CoreV1().Pods(w.name).List(t.Context(), metav1.ListOptions{LabelSelector: "app=" + app})
		return err == nil && len(list.Items) == nodes && !slices.ContainsFunc(list.Items, func(p corev1.Pod) bool { return p.Status.Phase != corev1.PodRunning })
	})
}

// spread puts one of the other pods on each node.
func spread(s *corev1.PodSpec) {
	s.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{
		MaxSkew: 1, TopologyKey: corev1.LabelHostname, WhenUnsatisfiable: corev1.ScheduleAnyway,
		LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}},
	}}
}

// evictions are those of the runs.
func evictions(h *check.History) int {
	n := 0
	for i := range h.Writes {
		if x := &h.Writes[i]; x.Ours && x.Verb == "evict" {
			n++
		}
	}
	return n
}

func TestANodeIsDrainedWithinItsBudget(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3, worldOptions{})
	w.web(t, 3, nil)
	w.budget(t, "web", 2)
	w.run(t, 0, "start", fast(newImage, "--drain")...)
	w.all(t, newImage, 3)
	if n := evictions(w.judge(t, twoAtATime)); n < 3 {
		t.Errorf("%d pods were evicted, want at least those 3", n)
	}
	w.nothingLeft(t)
}

// TestNothingIsEvictedBesideAPodThatRefuses: as with kubectl drain, one pod
// that may not be evicted keeps all others where they are.
func TestNothingIsEvictedBesideAPodThatRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2, worldOptions{})
	w.web(t, 2, spread)
	w.bare(t, 2, "bare")
	r := w.run(t, 1, "start", fast(newImage, "--drain")...)
	failed := nodesOf(r.events, core.EventNodeFailed)
	if len(failed) != 1 || !strings.Contains(r.stdout, "/zz-bare-") || !strings.Contains(r.stdout, "--force") {
		t.Fatalf("failed nodes are %v, the screen says\n%s", failed, r.stdout)
	}
	h := w.judge(t, twoAtATime)
	if n := evictions(h); n != 0 || len(deleted(h)) != 0 || r.count(core.EventPodEvicted) != 0 {
		t.Errorf("%d pods were evicted, and pods were deleted on %v", n, deleted(h))
	}
	w.run(t, 1, "abort")
	r = w.run(t, 0, "start", "--drain", "--force", "--max-unavailable", "2", "--soak", "2s", "--node-timeout", "30s")
	w.all(t, newImage, 2)
	n := evictions(w.judge(t, verdict{budget: 2, soak: twoAtATime.soak, reported: map[string]bool{"": true}}))
	if told := r.count(core.EventPodEvicted); n < 4 || told != n {
		t.Errorf("%d pods were evicted after that, want at least those 4, and %d were told", n, told)
	}
	w.nothingLeft(t)
}

// TestJobsAreWaitedForWithoutACordon: nothing else is asked for around a node.
func TestJobsAreWaitedForWithoutACordon(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2, worldOptions{})
	w.bare(t, 2, "job")
	r := w.run(t, 1, "start", fast(newImage, "--wait-for-jobs", "app=job", "--wait-for-jobs-timeout", "5s")...)
	failed := nodesOf(r.events, core.EventNodeFailed)
	if len(failed) != 1 || !strings.Contains(r.stdout, "/zz-job-") {
		t.Fatalf("failed nodes are %v, the screen says\n%s", failed, r.stdout)
	}
	if d := deleted(w.judge(t, twoAtATime)); len(d) != 0 {
		t.Errorf("pods were deleted beside a job, on %v", d)
	}
	if n := w.nodeObject(t, failed[0]); n.Spec.Unschedulable {
		t.Errorf("node %s is cordoned, which nobody asked for", n.Name)
	}
	if err := shared.client.CoreV1().Pods(w.name).DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "app=job"}); err != nil {
		t.Fatal(err)
	}
	w.run(t, 0, "retry", failed[0])
	w.run(t, 0, "resume")
	w.all(t, newImage, 2)
	w.judge(t, twoAtATime)
	w.nothingLeft(t)
}

// TestTwoBudgetsForOnePodStopADrain: the server answers such an eviction with
// 500, for ever.
func TestTwoBudgetsForOnePodStopADrain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3, worldOptions{})
	w.web(t, 3, nil)
	w.budget(t, "web", 1)
	w.budget(t, "web-too", 1)
	r := w.run(t, 1, "start", fast(newImage, "--drain")...)
	failed := nodesOf(r.events, core.EventNodeFailed)
	if len(failed) != 1 || !strings.Contains(r.stdout, "more than one PodDisruptionBudget") || !strings.Contains(r.stdout, failed[0]) {
		t.Fatalf("failed nodes are %v, the screen says\n%s", failed, r.stdout)
	}
	h := w.judge(t, twoAtATime)
	if n := evictions(h); n != 0 || len(deleted(h)) != 0 {
		t.Errorf("%d pods were evicted, and pods were deleted on %v", n, deleted(h))
	}
	if err := shared.client.PolicyV1().PodDisruptionBudgets(w.name).Delete(t.Context(), "web-too", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	w.run(t, 0, "retry", failed[0])
	w.run(t, 0, "resume")
	w.all(t, newImage, 3)
	if n := evictions(w.judge(t, twoAtATime)); n < 3 {
		t.Errorf("%d pods were evicted after that, want at least those 3", n)
	}
	w.nothingLeft(t)
}

func TestLocalDataIsNotDrainedWithoutAWord(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2, worldOptions{})
	w.web(t, 2, func(s *corev1.PodSpec) {
		s.Volumes = []corev1.Volume{{Name: "cache", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}}
		spread(s)
	})
	r := w.run(t, 1, "start", fast(newImage, "--drain")...)
	failed := nodesOf(r.events, core.EventNodeFailed)
	if len(failed) != 1 || !strings.Contains(r.stdout, "emptyDir") || !strings.Contains(r.stdout, failed[0]) {
		t.Fatalf("failed nodes are %v, the screen says\n%s", failed, r.stdout)
	}
	h := w.judge(t, twoAtATime)
	if n := evictions(h); n != 0 || len(deleted(h)) != 0 {
		t.Errorf("%d pods were evicted, and pods were deleted on %v", n, deleted(h))
	}
	w.run(t, 1, "abort")
	w.run(t, 0, "start", "--drain", "--delete-emptydir-data", "--max-unavailable", "2", "--soak", "2s", "--node-timeout", "30s")
	w.all(t, newImage, 2)
	if n := evictions(w.judge(t, verdict{budget: 2, soak: twoAtATime.soak, reported: map[string]bool{"": true}})); n < 2 {
		t.Errorf("%d pods were evicted after that, want at least those 2", n)
	}
	w.nothingLeft(t)
}
