package rollout

import (
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	core "github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/test/cluster/simnode"
)

// tolerating are the DaemonSets of these tests: one that loses a node's
// eligibility with the node, and one that tolerates everything, as agents do.
var tolerating = map[string]func(*appsv1.DaemonSet){
	"default tolerations": nil,
	"tolerates all": func(ds *appsv1.DaemonSet) {
		ds.Spec.Template.Spec.Tolerations = []corev1.Toleration{{Operator: corev1.TolerationOpExists}}
	},
}

// TestANodeIsLostAfterItWasTouched loses the node whose new pod was to be
// proven: that stops the run, and the node is named.
func TestANodeIsLostAfterItWasTouched(t *testing.T) {
	t.Parallel()
	for name, change := range tolerating {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 5, worldOptions{daemonSet: change})
			p := w.start(t, "start", fast(newImage, "--soak", "4s")...)
			begun := p.until(t, "a pod to be ready", is(core.EventPodReady))
			if err := simnode.Lose(t.Context(), shared.client, begun.Node); err != nil {
				t.Fatal(err)
			}
			r := p.wait(t, 1)
			if failed := nodesOf(r.events, core.EventNodeFailed); !slices.Equal(failed, []string{begun.Node}) || !strings.Contains(r.stdout, begun.Node) {
				t.Errorf("failed nodes are %v, want %s:\n%s", failed, begun.Node, r.stdout)
			}
			v := verdict{budget: 2, soak: 4 * time.Second}
			if h := w.judge(t, v); len(deleted(h)) != 1 {
				t.Errorf("pods were deleted on %v, want the canary alone", deleted(h))
			}
			if err := simnode.Return(t.Context(), shared.client, begun.Node); err != nil {
				t.Fatal(err)
			}
			w.run(t, 0, "retry", begun.Node)
			w.run(t, 0, "resume")
			w.all(t, newImage, 5)
			w.judge(t, v)
			w.nothingLeft(t)
		})
	}
}

// TestANodeIsLostBeforeItsTurn leaves it alone, goes on with the others below
// the ceiling that it fills by one, and does not give the strategy back.
func TestANodeIsLostBeforeItsTurn(t *testing.T) {
	t.Parallel()
	for name, change := range tolerating {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 5, worldOptions{daemonSet: change})
			lost := w.node(4)
			p := w.start(t, "start", fast(newImage)...)
			p.until(t, "a pod to be deleted", is(core.EventPodDeleted))
			if err := simnode.Lose(t.Context(), shared.client, lost); err != nil {
				t.Fatal(err)
			}
			r := p.wait(t, 1)
			if !strings.Contains(r.stdout, lost) {
				t.Errorf("%s is not named:\n%s", lost, r.stdout)
			}
			h := w.judge(t, verdict{budget: 2, soak: twoAtATime.soak, reported: map[string]bool{"": true}})
			if got := deleted(h); len(got) != 4 || slices.Contains(got, lost) {
				t.Errorf("pods were deleted on %v, want all nodes but %s", got, lost)
			}
			if err := simnode.Return(t.Context(), shared.client, lost); err != nil {
				t.Fatal(err)
			}
			w.run(t, 0, "start", "--max-unavailable", "2", "--soak", "2s")
			w.all(t, newImage, 5)
			w.judge(t, twoAtATime)
			w.nothingLeft(t)
		})
	}
}
