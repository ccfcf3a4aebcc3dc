package rollout

import (
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	core "github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// TestATaintArrivesMidRun is the trap of OnDelete: a pod on a node with a new
// NoSchedule taint runs on, and would not come back. The built-in update would
// delete it, too.
func TestATaintArrivesMidRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 8, worldOptions{})
	p := w.start(t, "start", fast(newImage)...)
	p.until(t, "a node to be done", is(core.EventNodeDone))
	tainted := []string{w.node(5), w.node(6), w.node(7)}
	w.taint(t, &corev1.Taint{Key: "sim.local/reserved", Value: "batch", Effect: corev1.TaintEffectNoSchedule}, tainted...)
	r := p.wait(t, 1)
	h := w.judge(t, verdict{budget: 2, soak: twoAtATime.soak, reported: map[string]bool{"": true}})
	if got := untouched(h, tainted); !slices.Equal(got, tainted) {
		t.Errorf("only on %v of %v no pod was deleted", got, tainted)
	}
	for _, n := range tainted {
		if !strings.Contains(r.stdout, n) {
			t.Errorf("%s is not named:\n%s", n, r.stdout)
		}
	}
	if got := w.images(t); got[oldImage] != 3 || got[newImage] != 5 {
		t.Errorf("ready pods by image are %v, want 3 old and 5 new ones", got)
	}
	if ds := w.daemonSet(t.Context(), t); ds.Spec.UpdateStrategy.Type != appsv1.OnDeleteDaemonSetStrategyType {
		t.Errorf("the strategy is %s: the built-in update deletes pods that do not come back", ds.Spec.UpdateStrategy.Type)
	}

	// When the taint is gone, a run without a change brings the rest.
	w.taint(t, nil, tainted...)
	w.run(t, 0, "start", "--max-unavailable", "2", "--soak", "2s")
	w.all(t, newImage, 8)
	w.judge(t, twoAtATime)
	w.nothingLeft(t)
}
