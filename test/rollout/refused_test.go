package rollout

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kubectl-ds/kubectl-ds/test/cluster/simnode"
)

// TestSurgeIsRefusedAndAccepted: under OnDelete nothing surges.
func TestSurgeIsRefusedAndAccepted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 4, worldOptions{daemonSet: func(ds *appsv1.DaemonSet) {
		ds.Spec.UpdateStrategy = appsv1.DaemonSetUpdateStrategy{
			Type:          appsv1.RollingUpdateDaemonSetStrategyType,
			RollingUpdate: &appsv1.RollingUpdateDaemonSet{MaxSurge: new(intstr.FromInt32(1)), MaxUnavailable: new(intstr.FromInt32(0))},
		}
	}})
	user := w.as(t, "user")
	r := w.run(t, 1, "start", fast(newImage)...)
	if !strings.Contains(r.stdout, "maxSurge 1") || !strings.Contains(r.stdout, "--accept-gap") {
		t.Errorf("the refusal does not name the gap and how to accept it:\n%s", r.stdout)
	}
	w.wroteNothing(t, user)
	w.run(t, 0, "start", fast(newImage, "--accept-gap")...)
	w.all(t, newImage, 4)
	w.judge(t, twoAtATime)
	w.nothingLeft(t)
}

// TestBrokenNodesFillTheCeiling begins where three old pods crash already.
func TestBrokenNodesFillTheCeiling(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 7, worldOptions{})
	broken := []string{w.node(2), w.node(4), w.node(6)}
	for _, n := range broken {
		if err := simnode.Crash(t.Context(), shared.client, w.name, w.pods(t)[n].Name, simnode.CrashReport{Restarts: 12}); err != nil {
			t.Fatal(err)
		}
	}
	user := w.as(t, "user")
	change := []string{"--image", agent + "=" + newImage, "--soak", "2s", "--node-timeout", "30s"}
	r := w.run(t, 1, "start", change...)
	for _, want := range append([]string{"--max-unavailable", "--fence-broken"}, broken...) {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("the refusal does not name %s:\n%s", want, r.stdout)
		}
	}
	w.wroteNothing(t, user)

	w.run(t, 0, "start", append(change, "--fence-broken", "--waves", "100%")...)
	w.all(t, newImage, 7)
	h := w.judge(t, verdict{budget: 1, soak: twoAtATime.soak})
	first := deleted(h)[:3]
	slices.Sort(first)
	if !slices.Equal(first, broken) {
		t.Errorf("the first pods were deleted on %v, want the broken ones, %v", first, broken)
	}
	w.nothingLeft(t)
}

// manifest writes the DaemonSet of a world as a person keeps it, and returns
// the path.
func (w *world) manifest(t *testing.T, image, more string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "agent.yaml")
	if err := os.WriteFile(path, []byte(w.yaml(image, more)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func (w *world) yaml(image, more string) string {
	return fmt.Sprintf(`apiVersion: apps/v1
kind: DaemonSet
metadata: {name: %s, namespace: %s, labels: {app: %[1]s}}
spec:
  selector: {matchLabels: {app: %[1]s}}
%[4]s  template:
    metadata: {labels: {app: %[1]s}}
    spec:
      nodeSelector: {%[5]s: %[2]s}
      containers: [{name: %[1]s, image: %[3]s}]
`, agent, w.name, image, more, worldLabel)
}

// apply is kubectl apply.
func (w *world) apply(t *testing.T, path string) {
	t.Helper()
	r, err := w.kubectl.Run(t.Context(), "apply", "-f", path)
	if err != nil {
		t.Fatal(err)
	}
	if r.Code != 0 {
		t.Fatalf("kubectl apply: exit code %d\n%s%s", r.Code, r.Stdout, r.Stderr)
	}
}

// TestArmRefusesAManifestThatSetsTheStrategy: it would set it back in the same
// write that brings the change.
func TestArmRefusesAManifestThatSetsTheStrategy(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3, worldOptions{})
	w.apply(t, w.manifest(t, oldImage, "  updateStrategy: {type: RollingUpdate}\n"))
	w.before = w.settled(t, simnode.Ready(3))
	user := w.as(t, "user")
	r := w.run(t, 1, "arm", "--yes")
	for _, want := range []string{"updateStrategy.type RollingUpdate", "OnDelete in the manifest", "--allow-owner kubectl"} {
		if !strings.Contains(r.stderr, want) {
			t.Errorf("the refusal does not say %q:\n%s", want, r.stderr)
		}
	}
	w.wroteNothing(t, user)
	w.nothingLeft(t)
}

// TestArmApplyStart holds the DaemonSet, lets kubectl apply bring the change,
// and rolls it out.
func TestArmApplyStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 4, worldOptions{})
	w.apply(t, w.manifest(t, oldImage, ""))
	w.before = w.settled(t, simnode.Updated(4), simnode.Ready(4))
	w.run(t, 0, "arm", "--yes")
	was := uids(t, w)
	w.apply(t, w.manifest(t, newImage, ""))
	ds := w.settled(t)
	if ds.Spec.UpdateStrategy.Type != appsv1.OnDeleteDaemonSetStrategyType || ds.Spec.Template.Spec.Containers[0].Image != newImage {
		t.Fatalf("after kubectl apply: %s, image %s", ds.Spec.UpdateStrategy.Type, ds.Spec.Template.Spec.Containers[0].Image)
	}
	if is := uids(t, w); !maps.Equal(was, is) {
		t.Errorf("pods were replaced although the DaemonSet is armed: %v, %v", was, is)
	}
	r := w.run(t, 1, "disarm", "--yes")
	if said := r.stdout + r.stderr; !strings.Contains(said, "--hand-back") {
		t.Errorf("disarm would roll everything at once and does not say so:\n%s", said)
	}
	w.run(t, 0, "start", "--max-unavailable", "2", "--soak", "2s", "--node-timeout", "30s")
	w.all(t, newImage, 4)
	w.judge(t, twoAtATime)
	w.nothingLeft(t)
}

func TestArmAndDisarmLeaveNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2, worldOptions{})
	was := uids(t, w)
	w.run(t, 0, "arm", "--yes")
	w.run(t, 0, "disarm", "--yes")
	w.nothingLeft(t)
	if is := uids(t, w); !maps.Equal(was, is) {
		t.Errorf("pods were replaced: %v, %v", was, is)
	}
	revisions, err := shared.client.AppsV1().ControllerRevisions(w.name).List(t.Context(), metav1.ListOptions{})
	if err != nil || len(revisions.Items) != 1 {
		t.Errorf("there are %d revisions, %v", len(revisions.Items), err)
	}
}
