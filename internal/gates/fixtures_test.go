package gates

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// world is a cluster of one node, as a test changes it between two questions.
type world struct {
	node   *corev1.Node
	pods   []*corev1.Pod
	sets   []*appsv1.DaemonSet
	events []snapshot.Event
	run    rollout.Run

	refuse string // the resource whose reads fail
	reads  []string
}

var _ Cluster = &world{}

func (w *world) look(ctx context.Context, verb, resource string) error {
	w.reads = append(w.reads, verb+" "+resource)
	if w.refuse == resource {
		return errors.New(verb + " " + resource + ": forbidden: no role grants it")
	}
	return ctx.Err()
}

func (w *world) NodePods(ctx context.Context, node string) ([]snapshot.Pod, error) {
	if err := w.look(ctx, "list", "pods"); err != nil {
		return nil, err
	}
	var in snapshot.Interner
	var out []snapshot.Pod
	for _, p := range w.pods {
		if p.Spec.NodeName == node {
			out = append(out, in.FullPod(p))
		}
	}
	return out, nil
}

func (w *world) WarningEvents(ctx context.Context, namespace, kind, name string) ([]snapshot.Event, error) {
	if err := w.look(ctx, "list", "events"); err != nil {
		return nil, err
	}
	var out []snapshot.Event
	for _, e := range w.events {
		home := e.Namespace
		if home == "" {
			home = metav1.NamespaceDefault
		}
		if home == namespace && e.Kind == kind && e.Name == name {
			out = append(out, e)
		}
	}
	return out, nil
}

func (w *world) OneDaemonSet(ctx context.Context, namespace, name string) (*appsv1.DaemonSet, error) {
	if err := w.look(ctx, "get", "daemonsets"); err != nil {
		return nil, err
	}
	for _, d := range w.sets {
		if d.Namespace == namespace && d.Name == name {
			return d, nil
		}
	}
	return nil, nil
}

// newWorld is node n1 with the pod vector-old of DaemonSet logging/vector and
// a ready pod default/web-1.
func newWorld() *world {
	w := &world{node: &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n1", UID: "uid-n1", Labels: map[string]string{"zone": "a"}}}}
	w.condition(corev1.NodeReady, corev1.ConditionTrue)
	w.condition(corev1.NodeDiskPressure, corev1.ConditionFalse)
	w.sets = []*appsv1.DaemonSet{daemonSet("logging", "vector")}
	w.pods = []*corev1.Pod{pod("logging/vector-old", "DaemonSet/vector"), pod("default/web-1", "ReplicaSet/web")}
	w.run = rollout.Run{Identity: rollout.Identity{Namespace: "logging", Name: "vector", UID: "uid-vector", ID: "run-1"},
		Target: rollout.Revision{Hash: "abc", Number: 8}}
	return w
}

func daemonSet(namespace, name string) *appsv1.DaemonSet {
	return &appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, UID: types.UID("uid-" + name)}}
}

// pod is a ready pod on n1 for a minute, owned by Kind/name.
func pod(ref, owner string) *corev1.Pod {
	ns, name, _ := strings.Cut(ref, "/")
	kind, of, _ := strings.Cut(owner, "/")
	yes := true
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Namespace: ns, Name: name, UID: types.UID("uid-" + name), CreationTimestamp: metav1.NewTime(now.Add(-time.Hour)),
		Labels:          map[string]string{"app": of},
		OwnerReferences: []metav1.OwnerReference{{Kind: kind, Name: of, UID: types.UID("uid-" + of), Controller: &yes}},
	}}
	p.Spec.NodeName = "n1"
	p.Status.Phase = corev1.PodRunning
	p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: metav1.NewTime(now.Add(-time.Minute))}}
	p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "main"}}
	return p
}

func (w *world) condition(t corev1.NodeConditionType, s corev1.ConditionStatus) {
	for i := range w.node.Status.Conditions {
		if c := &w.node.Status.Conditions[i]; c.Type == t {
			c.Status = s
			return
		}
	}
	w.node.Status.Conditions = append(w.node.Status.Conditions, corev1.NodeCondition{Type: t, Status: s, Reason: "Because"})
}

func (w *world) pod(name string) *corev1.Pod {
	for _, p := range w.pods {
		if p.Name == name {
			return p
		}
	}
	panic("no pod " + name)
}

func (w *world) remove(name string) {
	p := w.pod(name)
	for i := range w.pods {
		if w.pods[i] == p {
			w.pods = append(w.pods[:i:i], w.pods[i+1:]...)
			return
		}
	}
}

func (w *world) add(p *corev1.Pod) { w.pods = append(w.pods, p) }

// replace is what the rollout does.
func (w *world) replace() {
	w.run.InFlight = []rollout.Flight{{Node: "n1", PodUID: "uid-vector-old"}}
	w.remove("vector-old")
	w.add(pod("logging/vector-new", "DaemonSet/vector"))
}

func notReady(p *corev1.Pod) *corev1.Pod {
	p.Status.Conditions[0].Status = corev1.ConditionFalse
	return p
}

func deleted(p *corev1.Pod) *corev1.Pod {
	t := metav1.NewTime(now)
	p.DeletionTimestamp = &t
	return p
}

func (w *world) view(complete bool) *rollout.View {
	s := &snapshot.Snapshot{Source: snapshot.Source{Context: "prod"}, Nodes: []*corev1.Node{w.node.DeepCopy()}}
	for _, d := range w.sets {
		if d.Name == "vector" {
			s.DaemonSets = append(s.DaemonSets, d)
		}
	}
	if complete {
		s.AllPods = true
	}
	var in snapshot.Interner
	for _, p := range w.pods {
		if complete || p.Namespace == "logging" {
			s.Pods = append(s.Pods, in.Pod(p))
		}
	}
	s.Sort()
	return rollout.NewView(s, "logging", "vector")
}

// ask asks the gate g once, as the world is now.
func (w *world) ask(t testing.TB, r *Runner, when rollout.When) Answer {
	t.Helper()
	return r.Ask(t.Context(), w.question(when))
}

func (w *world) question(when rollout.When) Question {
	q := Question{Run: &w.run, View: w.view(false), Now: now,
		Action: rollout.RunGate{Gate: "g", When: when, Node: "n1", Wave: 2, Attempt: 1}}
	if when != rollout.BeforeWave {
		q.Node = q.View.Node("n1")
	} else {
		q.Action.Node = ""
	}
	return q
}

// one is a policy with the gate g.
func one(g rollout.Gate) *rollout.Policy {
	g.Name = "g"
	if g.When == "" {
		g.When = rollout.AfterNode
	}
	return &rollout.Policy{Gates: []rollout.Gate{g}}
}

func probeOf(p rollout.Probe) *rollout.Policy { return one(rollout.Gate{Probe: p}) }

func celOf(expr string) *rollout.Policy { return probeOf(rollout.Probe{CEL: expr}) }

func newRunner(t testing.TB, p *rollout.Policy, c Cluster, o Options) *Runner {
	t.Helper()
	r, err := New(p, c, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func check(t testing.TB, got Answer, outcome rollout.GateOutcome, words string) {
	t.Helper()
	if got.Outcome != outcome || !strings.Contains(got.Reason, words) {
		t.Errorf("%s %q, want %s ...%s...", got.Outcome, got.Reason, outcome, words)
	}
}

func timeout(d time.Duration) *metav1.Duration { return &metav1.Duration{Duration: d} }

func event(kind, namespace, name, reason string, count int32) snapshot.Event {
	e := snapshot.Event{Kind: kind, Namespace: namespace, Name: name, UID: types.UID("uid-" + name), Reason: reason,
		Message: fmt.Sprintf("%s of %s", reason, name), Count: count, Last: snapshot.Time(now.Unix())}
	if kind == "Node" {
		e.UID = types.UID(name) // as the kubelet writes it
	}
	return e
}
