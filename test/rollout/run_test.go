package rollout

import (
	"maps"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	core "github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/test/cluster/simnode"
)

// fast are flags that most tests begin with.
func fast(image string, more ...string) []string {
	return append([]string{"--image", agent + "=" + image, "--max-unavailable", "2", "--soak", "2s", "--node-timeout", "30s"}, more...)
}

var twoAtATime = verdict{budget: 2, soak: 2 * time.Second}

func TestTwelveNodesGetTheNewVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 12, worldOptions{daemonSet: func(ds *appsv1.DaemonSet) {
		// Something other than the default, to see that it comes back whole.
		ds.Spec.UpdateStrategy = appsv1.DaemonSetUpdateStrategy{
			Type:          appsv1.RollingUpdateDaemonSetStrategyType,
			RollingUpdate: &appsv1.RollingUpdateDaemonSet{MaxUnavailable: new(intstr.FromString("30%")), MaxSurge: new(intstr.FromInt32(0))},
		}
	}})
	r := w.run(t, 0, "start", fast(newImage)...)
	w.all(t, newImage, 12)
	done := nodesOf(r.events, core.EventNodeDone)
	slices.Sort(done)
	if done = slices.Compact(done); len(done) != 12 {
		t.Errorf("the journal tells of %d nodes that were done: %v", len(done), done)
	}
	if !strings.Contains(r.stdout, w.name+"/"+agent) || !strings.Contains(r.stdout, contextName) {
		t.Errorf("neither the DaemonSet nor the context is named:\n%s", r.stdout)
	}
	w.judge(t, twoAtATime)
	w.nothingLeft(t)
}

func TestTheNextRunFindsNothingToDo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3, worldOptions{})
	w.run(t, 0, "start", fast(newImage)...)
	was := uids(t, w)
	r := w.run(t, 0, "start", fast(newImage)...)
	if !strings.Contains(r.stdout, "Nothing to do") {
		t.Errorf("the plan does not say that there is nothing to do:\n%s", r.stdout)
	}
	if is := uids(t, w); !maps.Equal(was, is) {
		t.Errorf("pods were replaced although they are current: %v, %v", was, is)
	}
	w.judge(t, twoAtATime)
	w.nothingLeft(t)
}

func uids(t *testing.T, w *world) map[string]string {
	t.Helper()
	out := map[string]string{}
	for node, p := range w.pods(t) {
		out[node] = string(p.UID)
	}
	return out
}

func TestARestartReplacesEveryPodOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 4, worldOptions{})
	was := uids(t, w)
	w.run(t, 0, "start", "--restart", "--max-unavailable", "2", "--soak", "2s")
	for node, uid := range uids(t, w) {
		if was[node] == uid {
			t.Errorf("the pod on %s is the one from before", node)
		}
	}
	w.all(t, oldImage, 4)
	w.judge(t, twoAtATime)
	w.nothingLeft(t)
}

func TestAFailingImageStopsAtTheCanaryAndIsUndone(t *testing.T) {
	t.Parallel()
	for _, start := range []string{simnode.CrashLoop, simnode.ImagePull, simnode.NeverReady} {
		t.Run(start, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 12, worldOptions{})
			r := w.run(t, 1, "start", fast(simnode.Image(start, "2"), "--waves", "1,100%", "--node-timeout", "8s")...)
			if got := w.images(t); got[oldImage] != 11 || len(got) != 1 {
				t.Errorf("ready pods by image are %v, want 11 old ones", got)
			}
			if failed := nodesOf(r.events, core.EventNodeFailed); len(failed) != 1 || !strings.Contains(r.stdout+r.stderr, failed[0]) {
				t.Errorf("failed nodes are %v, the screen says\n%s%s", failed, r.stdout, r.stderr)
			}
			if ds := w.daemonSet(t.Context(), t); ds.Spec.UpdateStrategy.Type != appsv1.OnDeleteDaemonSetStrategyType {
				t.Errorf("the strategy is %s: the others would roll", ds.Spec.UpdateStrategy.Type)
			}
			w.judge(t, twoAtATime)

			w.run(t, 0, "undo")
			w.settled(t, simnode.Ready(12))
			w.all(t, oldImage, 12)
			w.judge(t, twoAtATime)
			w.nothingLeft(t)
		})
	}
}

func TestOnFailureUndoGoesBackByItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 6, worldOptions{})
	r := w.run(t, 1, "start", fast(simnode.Image(simnode.CrashLoop, "2"), "--on-failure", "undo", "--node-timeout", "8s")...)
	if r.count(core.EventUndoing) != 1 {
		t.Errorf("%d times Undoing in the journal, want once", r.count(core.EventUndoing))
	}
	w.settled(t, simnode.Ready(6))
	w.all(t, oldImage, 6)
	w.judge(t, twoAtATime)
	w.nothingLeft(t)
}

func TestACanaryWaitsForApproval(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 12, worldOptions{})
	r := w.run(t, 4, "start", fast(newImage, "--waves", "2,100%", "--pause-after", "canary")...)
	if got := w.images(t); got[newImage] != 2 || got[oldImage] != 10 {
		t.Fatalf("ready pods by image are %v after the canary, want 2 new ones", got)
	}
	if !strings.Contains(r.stdout, "approve") || r.count(core.EventPaused) != 1 {
		t.Errorf("the screen does not say how to go on:\n%s", r.stdout)
	}
	w.run(t, 4, "resume") // nobody has approved
	w.run(t, 0, "approve")
	w.run(t, 0, "resume")
	w.all(t, newImage, 12)
	w.judge(t, twoAtATime)
	w.nothingLeft(t)
}

// TestAnApprovalBeforeTheCanaryIsDoneIsRefused: nobody lets pass what nobody has
// seen.
func TestAnApprovalBeforeTheCanaryIsDoneIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 6, worldOptions{})
	p := w.start(t, "start", fast(newImage, "--waves", "1,100%", "--pause-after", "canary", "--soak", "4s")...)
	p.until(t, "the canary to be available", is(core.EventPodReady))
	w.run(t, 2, "approve")
	p.wait(t, 4)
	w.run(t, 2, "approve", "--wave", "2")
	w.run(t, 0, "approve")
	w.run(t, 0, "resume")
	w.all(t, newImage, 6)
	w.judge(t, verdict{budget: 2, soak: 4 * time.Second})
	w.nothingLeft(t)
}

func TestAnAbortKeepsTheTemplateAndSaysWhatIsLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 8, worldOptions{})
	p := w.start(t, "start", fast(newImage, "--waves", "1,100%")...)
	p.until(t, "a node to be done", is(core.EventNodeDone))
	w.start(t, "abort").wait(t, 0)
	r := p.wait(t, 1)
	got := w.images(t)
	if got[newImage] == 0 || got[oldImage] == 0 || got[newImage]+got[oldImage] != 8 {
		t.Errorf("ready pods by image are %v after the abort", got)
	}
	// Old pods are left, so that the strategy is not given back: the built-in
	// update would begin to replace them immediately.
	ds := w.daemonSet(t.Context(), t)
	if ds.Spec.UpdateStrategy.Type != appsv1.OnDeleteDaemonSetStrategyType || ds.Spec.Template.Spec.Containers[0].Image != newImage {
		t.Errorf("after the abort: %s, image %s", ds.Spec.UpdateStrategy.Type, ds.Spec.Template.Spec.Containers[0].Image)
	}
	if !strings.Contains(r.stdout+r.stderr, "OnDelete") {
		t.Errorf("nobody says that the strategy stays:\n%s%s", r.stdout, r.stderr)
	}
	if !w.noLease(t.Context(), t) {
		t.Error("the lease is still there")
	}
	w.judge(t, verdict{budget: 2, soak: 2 * time.Second, reported: map[string]bool{"": true}})
}

func TestAPauseFromAnotherTerminal(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 8, worldOptions{})
	p := w.start(t, "start", fast(newImage)...)
	p.until(t, "a node to be done", is(core.EventNodeDone))
	w.run(t, 0, "pause")
	p.wait(t, 4)
	if got := w.images(t); got[newImage]+got[oldImage] != 8 || got[oldImage] == 0 {
		t.Errorf("ready pods by image are %v in the pause", got)
	}
	w.judge(t, twoAtATime)
	w.run(t, 0, "resume")
	w.all(t, newImage, 8)
	w.judge(t, twoAtATime)
	w.nothingLeft(t)
}

func TestAnInterruptLandsWhatIsInFlight(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 6, worldOptions{})
			p := w.start(t, "start", fast(newImage)...)
			p.until(t, "a pod to be deleted", is(core.EventPodDeleted))
			p.signal(t, sig)
			r := p.wait(t, 130)
			if !strings.Contains(r.stdout+r.stderr, "resume") {
				t.Errorf("the screen does not say how to go on:\n%s%s", r.stdout, r.stderr)
			}
			if got := w.images(t); got[newImage]+got[oldImage] != 6 {
				t.Errorf("ready pods by image are %v after the interrupt, want all 6 nodes", got)
			}
			w.run(t, 0, "resume")
			w.all(t, newImage, 6)
			w.judge(t, twoAtATime)
			w.nothingLeft(t)
		})
	}
}

func TestAPodThatTakesAWhileIsWaitedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3, worldOptions{})
	image := simnode.Image(simnode.SlowReady, "2")
	w.run(t, 0, "start", fast(image)...)
	w.all(t, image, 3)
	w.judge(t, twoAtATime)
	w.nothingLeft(t)
}
