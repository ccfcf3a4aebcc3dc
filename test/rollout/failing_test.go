package rollout

import (
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"

	core "github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/test/cluster/simnode"
)

// TestOnFailureHoldPutsTheTemplateBack and touches no pod: what joins or is
// evicted starts on what works.
func TestOnFailureHoldPutsTheTemplateBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 5, worldOptions{})
	bad := simnode.Image(simnode.CrashLoop, "2")
	r := w.run(t, 1, "start", fast(bad, "--on-failure", "hold", "--node-timeout", "8s")...)
	ds := w.daemonSet(t.Context(), t)
	if ds.Spec.Template.Spec.Containers[0].Image != oldImage || ds.Spec.UpdateStrategy.Type != appsv1.OnDeleteDaemonSetStrategyType {
		t.Errorf("after the hold: %s, image %s", ds.Spec.UpdateStrategy.Type, ds.Spec.Template.Spec.Containers[0].Image)
	}
	failed := nodesOf(r.events, core.EventNodeFailed)
	if len(failed) != 1 || !strings.Contains(r.stdout, failed[0]) {
		t.Fatalf("failed nodes are %v:\n%s", failed, r.stdout)
	}
	if got := w.pods(t)[failed[0]]; got.Spec.Containers[0].Image != bad {
		t.Errorf("the pod on %s runs %s: it was touched", failed[0], got.Spec.Containers[0].Image)
	}
	if h := w.judge(t, twoAtATime); !slices.Equal(deleted(h), failed) {
		t.Errorf("pods were deleted on %v, want on %v alone", deleted(h), failed)
	}
	w.run(t, 0, "undo")
	w.all(t, oldImage, 5)
	w.judge(t, twoAtATime)
	w.nothingLeft(t)
}

// TestOnFailureAbortKeepsTheTemplate and ends the run.
func TestOnFailureAbortKeepsTheTemplate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 5, worldOptions{})
	bad := simnode.Image(simnode.ImagePull, "2")
	r := w.run(t, 1, "start", fast(bad, "--on-failure", "abort", "--node-timeout", "8s")...)
	ds := w.daemonSet(t.Context(), t)
	if ds.Spec.Template.Spec.Containers[0].Image != bad || ds.Spec.UpdateStrategy.Type != appsv1.OnDeleteDaemonSetStrategyType {
		t.Errorf("after the abort: %s, image %s", ds.Spec.UpdateStrategy.Type, ds.Spec.Template.Spec.Containers[0].Image)
	}
	failed := nodesOf(r.events, core.EventNodeFailed)
	if len(failed) != 1 || !strings.Contains(r.stdout, failed[0]) || !w.noLease(t.Context(), t) {
		t.Fatalf("failed nodes are %v:\n%s", failed, r.stdout)
	}
	left := map[string]bool{"": true, failed[0]: true}
	w.judge(t, verdict{budget: 2, soak: twoAtATime.soak, reported: left})
	// Without a run, undo starts one to the revision before.
	w.run(t, 0, "undo", "--max-unavailable", "2", "--soak", "2s", "--node-timeout", "30s")
	w.all(t, oldImage, 5)
	w.judge(t, twoAtATime)
	w.nothingLeft(t)
}

func TestANodeThatFailsIsMendedAndTheRunGoesOn(t *testing.T) {
	t.Parallel()
	const bad = 4
	w := newWorld(t, 8, worldOptions{})
	image := simnode.Image(simnode.NeverReady, "2")
	w.patch(t, `{"spec":{"updateStrategy":{"type":"OnDelete","rollingUpdate":null},"template":{"metadata":{"annotations":{"`+
		simnode.NodesAnnotation+`":"`+w.node(bad)+`"}},"spec":{"containers":[{"name":"`+agent+`","image":"`+image+`"}]}}}}`)
	w.before = w.settled(t)
	r := w.run(t, 1, "start", "--max-unavailable", "2", "--soak", "2s", "--node-timeout", "8s")
	if failed := nodesOf(r.events, core.EventNodeFailed); !slices.Equal(failed, []string{w.node(bad)}) {
		t.Fatalf("failed nodes are %v", failed)
	}
	if err := simnode.SetReady(t.Context(), shared.client, w.name, w.pods(t)[w.node(bad)].Name, true); err != nil {
		t.Fatal(err)
	}
	w.run(t, 0, "retry", w.node(bad))
	w.run(t, 0, "resume")
	w.all(t, image, 8)
	w.judge(t, twoAtATime)
	w.nothingLeft(t)
}
