package rollout

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	core "github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/test/cluster/simnode"
	"github.com/kubectl-ds/kubectl-ds/test/faultproxy"
)

// spoil makes the stored run one that nobody can read.
func spoil(string) string { return "bm90IGEgcnVu" }

// TestRecoverCleansUpAfterARunThatCannotBeRead: every node runs the target, and
// cordon, strategy and Lease are taken back without the state.
func TestRecoverCleansUpAfterARunThatCannotBeRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3, worldOptions{})
	proxy, _ := w.proxied(t, 1)
	last := proxy.Add(faultproxy.Rule{Verb: "patch", Path: "/nodes/", Skip: 5, Count: 1, Fault: held})
	p := w.start(t, "start", fast(newImage, "--cordon")...)
	eventually(t, "the driver to be about to give the last node back", func() bool { return last.Hits() > 0 })
	p.kill()
	p.wait(t, -1)
	w.rewrite(t, spoil)
	r := w.run(t, 2, "resume")
	if !strings.Contains(r.stderr, "recover") {
		t.Errorf("resume does not name the way out:\n%s", r.stderr)
	}
	r = w.run(t, 0, "recover", "--yes")
	if !strings.Contains(r.stdout, "nothing of a run is left") {
		t.Errorf("recover does not say that all is clean:\n%s", r.stdout)
	}
	w.all(t, newImage, 3)
	w.nothingLeft(t)
}

// TestRecoverKeepsWhatAPersonUncordoned: a node that was cordoned before the
// run, and that somebody uncordons when the run is lost. Without a Lease status
// still tells of it, and names what cleans up.
func TestRecoverKeepsWhatAPersonUncordoned(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2, worldOptions{node: func(_ int, n *simnode.Node) { n.Unschedulable = true }})
	p := w.start(t, "start", fast(newImage, "--cordon")...)
	name := p.until(t, "a pod to be deleted", is(core.EventPodDeleted)).Node
	p.kill()
	p.wait(t, -1)
	if w.nodeObject(t, name).Annotations[core.MarkAnnotation] == "" {
		t.Fatalf("node %s carries no mark: the driver was too fast for this test", name)
	}
	r := w.run(t, 0, "status")
	if !strings.Contains(r.stdout, "cordoned") || !strings.Contains(r.stdout, name) {
		t.Errorf("the status of a dead run does not tell of its cordon:\n%s", r.stdout)
	}
	if err := shared.client.CoordinationV1().Leases(w.name).Delete(t.Context(), core.LeaseName(agent), metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	r = w.run(t, 0, "status")
	if !strings.Contains(r.stdout, "cordoned") || !strings.Contains(r.stdout, name) || !strings.Contains(r.stdout, "ds-rollout recover -n "+w.name) {
		t.Errorf("the status does not tell of the cordon that is left, and of recover:\n%s", r.stdout)
	}
	patch := []byte(`{"spec":{"unschedulable":null}}`)
	if _, err := shared.client.CoreV1().Nodes().Patch(t.Context(), name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: "kubectl-uncordon"}); err != nil {
		t.Fatal(err)
	}
	w.cordoned[name] = false
	w.run(t, 1, "recover", "--yes")
	w.run(t, 0, "start", "--max-unavailable", "2", "--soak", "2s", "--node-timeout", "30s")
	w.all(t, newImage, 2)
	w.run(t, 0, "disarm", "--yes")
	w.nothingLeft(t)
}

// TestRecoverNamesWhatItCannotGiveBack: with old pods the strategy stays, and
// a run without a change brings the rest.
func TestRecoverNamesWhatItCannotGiveBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 4, worldOptions{})
	p := w.start(t, "start", fast(newImage, "--cordon")...)
	p.until(t, "a node to be done", is(core.EventNodeDone))
	p.until(t, "a node of the second wave to be in flight", func(e *event) bool { return e.Type == core.EventPodDeleted && e.Wave == 2 })
	p.kill()
	p.wait(t, -1)
	w.rewrite(t, spoil)
	r := w.run(t, 1, "recover", "--yes")
	if !strings.Contains(r.stdout, "OnDelete") || !onDelete(t, w) {
		t.Errorf("the strategy is given back, or nobody says that it is not:\n%s", r.stdout)
	}
	if !w.noLease(t.Context(), t) {
		t.Error("the lease is still there")
	}
	for i := range 4 {
		n := w.nodeObject(t, w.node(i))
		w.clean(t, "node "+n.Name, n.Annotations)
		if n.Spec.Unschedulable {
			t.Errorf("node %s stays cordoned", n.Name)
		}
	}
	w.run(t, 0, "start", "--max-unavailable", "2", "--soak", "2s", "--node-timeout", "30s")
	w.all(t, newImage, 4)
	w.run(t, 0, "disarm", "--yes")
	w.nothingLeft(t)
}
