package rollout

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	core "github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/test/cluster/simnode"
)

const setBack = `{"spec":{"updateStrategy":{"type":"RollingUpdate"}}}`

// slow keeps the built-in update from being done before anybody looks.
func slow(ds *appsv1.DaemonSet) { ds.Spec.MinReadySeconds = 2 }

func TestAStrategyThatIsSetBackIsTakenAgainOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 8, worldOptions{daemonSet: slow})
	p := w.start(t, "start", fast(newImage)...)
	p.until(t, "a node to be done", is(core.EventNodeDone))
	w.patch(t, setBack)
	r := p.wait(t, 4)
	if ds := w.daemonSet(t.Context(), t); ds.Spec.UpdateStrategy.Type != appsv1.OnDeleteDaemonSetStrategyType {
		t.Errorf("the strategy is %s", ds.Spec.UpdateStrategy.Type)
	}
	if r.count(core.EventDrift) == 0 || !strings.Contains(r.stdout, "kubectl-patch") {
		t.Errorf("nobody says who set the strategy back:\n%s", r.stdout)
	}
	w.judge(t, twoAtATime)
	w.run(t, 0, "resume")
	w.all(t, newImage, 8)
	w.judge(t, twoAtATime)
	w.nothingLeft(t)
}

func TestAStrategyThatIsSetBackTwiceStops(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 8, worldOptions{daemonSet: slow})
	p := w.start(t, "start", fast(newImage)...)
	p.until(t, "a node to be done", is(core.EventNodeDone))
	w.patch(t, setBack)
	p.wait(t, 4)
	p = w.start(t, "resume")
	p.until(t, "a pod to be deleted", is(core.EventPodDeleted))
	w.patch(t, setBack)
	r := p.wait(t, 1)
	if !strings.Contains(r.stdout, "kubectl-patch") {
		t.Errorf("nobody says who set the strategy back:\n%s", r.stdout)
	}
	h := w.judge(t, twoAtATime)
	arms := 0
	for i := range h.Writes {
		if x := &h.Writes[i]; x.Ours && x.Kind == "DaemonSet" && x.Post != nil && x.Post.DaemonSet.Strategy == "OnDelete" {
			arms++
		}
	}
	if arms != 2 {
		t.Errorf("the strategy was taken %d times, want at the start and once again", arms)
	}
	// Whoever insists gets the built-in update, and nothing of the run stays.
	w.run(t, 1, "abort")
	w.settled(t, simnode.Updated(8), simnode.Ready(8))
	w.all(t, newImage, 8)
	w.judge(t, twoAtATime)
	w.nothingLeft(t)
}

func TestASecondChangeOfTheTemplatePauses(t *testing.T) {
	t.Parallel()
	const newest = "registry.example/agent:3"
	w := newWorld(t, 8, worldOptions{})
	p := w.start(t, "start", fast(newImage)...)
	p.until(t, "a node to be done", is(core.EventNodeDone))
	w.patch(t, `{"spec":{"template":{"spec":{"containers":[{"name":"agent","image":"`+newest+`"}]}}}}`)
	r := p.wait(t, 4)
	if r.count(core.EventDrift) == 0 {
		t.Error("the journal does not tell of the drift")
	}
	w.judge(t, twoAtATime)
	// The run is about a template that is not there any more: it ends, and the
	// next one takes all nodes to the newest.
	w.run(t, 1, "abort")
	w.run(t, 0, "start", "--max-unavailable", "2", "--soak", "2s", "--node-timeout", "30s")
	w.all(t, newest, 8)
	w.judge(t, verdict{budget: 2, soak: twoAtATime.soak, reported: map[string]bool{"": true}})
	w.nothingLeft(t)
}

func count(events []event, fits func(*event) bool) int {
	n := 0
	for i := range events {
		if fits(&events[i]) {
			n++
		}
	}
	return n
}

// TestTheDaemonSetIsMadeAgainMidRun: the run is about one object, and touches
// no other of that name.
func TestTheDaemonSetIsMadeAgainMidRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 8, worldOptions{})
	p := w.start(t, "start", fast(newImage, "--cordon", "--soak", "3s")...)
	p.until(t, "a node to be done", is(core.EventNodeDone))
	// Both nodes of the second wave soak, so that no delete is under way.
	eventually(t, "two nodes of the second wave to be in flight", func() bool {
		return count(p.events(t), func(e *event) bool { return e.Type == core.EventPodReady && e.Wave == 2 }) == 2
	})
	old := w.daemonSet(t.Context(), t)
	sets := shared.client.AppsV1().DaemonSets(w.name)
	if err := sets.Delete(t.Context(), agent, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	again := w.before.DeepCopy()
	again.ObjectMeta = metav1.ObjectMeta{Namespace: w.name, Name: agent, Labels: old.Labels}
	again, err := sets.Create(t.Context(), again, metav1.CreateOptions{FieldManager: "kubectl-create"})
	if err != nil {
		t.Fatal(err)
	}
	r := p.wait(t, 1)
	if !strings.Contains(r.stdout+r.stderr, "made again") {
		t.Errorf("nobody says why it ended:\n%s%s", r.stdout, r.stderr)
	}
	w.settled(t, simnode.Updated(8), simnode.Ready(8))
	h := w.judge(t, twoAtATime)
	for i := range h.Writes {
		x := &h.Writes[i]
		if x.Ours && x.Pre != nil && (x.Pre.UID == string(again.UID) || x.Pre.Pod != nil && x.Pre.Pod.OwnerUID == string(again.UID)) {
			t.Errorf("the run wrote to what is not its own: %s %s %s", x.Verb, x.Kind, x.Name)
		}
	}
	eventually(t, "the lease to go with the DaemonSet that it was about", func() bool { return w.noLease(t.Context(), t) })
	w.nothingLeft(t)
}

func TestTwoDriversAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 6, worldOptions{})
	p := w.start(t, "start", fast(newImage)...)
	p.until(t, "a node to be in flight", is(core.EventNodeStarted))
	w.run(t, 5, "resume")
	w.run(t, 5, "start", fast(newImage)...)
	p.wait(t, 0)
	w.all(t, newImage, 6)
	w.judge(t, twoAtATime)
	w.nothingLeft(t)
}

func TestNodesJoinAndLeave(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 8, worldOptions{})
	p := w.start(t, "start", fast(newImage)...)
	p.until(t, "a node to be done", is(core.EventNodeDone))
	if err := simnode.Create(t.Context(), shared.client, simnode.Node{Name: w.node(8), Labels: map[string]string{worldLabel: w.name}}); err != nil {
		t.Fatal(err)
	}
	if err := shared.client.CoreV1().Nodes().Delete(t.Context(), w.node(7), metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	r := p.wait(t, 0)
	if got := nodesOf(r.events, core.EventNodeJoined); len(got) != 1 || got[0] != w.node(8) {
		t.Errorf("nodes that joined are %v", got)
	}
	if got := nodesOf(r.events, core.EventNodeGone); len(got) != 1 || got[0] != w.node(7) {
		t.Errorf("nodes that are gone are %v", got)
	}
	w.judge(t, twoAtATime)
	w.nothingLeft(t)
}
