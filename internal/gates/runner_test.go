package gates

import (
	"context"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/internal/testkit/apiserver"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

var _ Cluster = &kube.Reader{}

func TestEveryErrorNamesItsGate(t *testing.T) {
	p := &rollout.Policy{Gates: []rollout.Gate{
		{Name: "a", When: rollout.AfterNode},
		{Name: "b", When: rollout.AfterNode, Probe: rollout.Probe{Pods: "app in ("}},
		{Name: "c", When: rollout.AfterNode, Probe: rollout.Probe{DaemonSet: "cni"}},
		{Name: "d", When: rollout.BeforeNode, Probe: rollout.Probe{Builtin: rollout.GateWarnings}},
		{Name: "e", When: rollout.BeforeWave, Probe: rollout.Probe{Builtin: rollout.GateConditions}},
		{Name: "f", When: rollout.AfterNode, Probe: rollout.Probe{Builtin: "other"}},
		{Name: "g", When: rollout.AfterNode, Probe: rollout.Probe{Pods: "app=web"}},
	}}
	_, err := New(p, newWorld(), Options{})
	if err == nil {
		t.Fatal("no error")
	}
	lines := strings.Split(err.Error(), "\n")
	want := []string{
		`gate "a": it has nothing to ask`,
		`gate "b": pods: `,
		`gate "c": daemonSet: "cni" is not namespace/name`,
		`gate "d": events looks at what is new since the pod was replaced; ask it afterNode`,
		`gate "e": it looks at one node, and before a wave there is none`,
		`gate "f": it has nothing to ask`,
	}
	if len(lines) != len(want) {
		t.Fatalf("%d lines: %s", len(lines), err)
	}
	for i := range want {
		if !strings.HasPrefix(lines[i], want[i]) {
			t.Errorf("%s, want %s", lines[i], want[i])
		}
	}
}

func TestAGateThatIsNotThere(t *testing.T) {
	w := newWorld()
	r := newRunner(t, &rollout.Policy{}, w, Options{})
	check(t, w.ask(t, r, rollout.AfterNode), rollout.GateError, `the policy in use has no gate "g"`)
}

func TestANodeThatIsNotThere(t *testing.T) {
	for _, p := range []rollout.Probe{{Pods: "a"}, {DaemonSet: "a/b"}, {Builtin: rollout.GateCollateral},
		{Builtin: rollout.GateWarnings}, {Builtin: rollout.GateConditions}} {
		w := newWorld()
		q := w.question(rollout.AfterNode)
		q.Node = nil
		check(t, newRunner(t, probeOf(p), w, Options{}).Ask(t.Context(), q), rollout.GateError, "there is no node to look at")
	}
}

// bomb is a cluster that panics.
type bomb struct{ *world }

func (bomb) NodePods(context.Context, string) ([]snapshot.Pod, error) { panic("boom\n\x1b[2J") }

func TestAPanicIsAnErrorOfTheGate(t *testing.T) {
	w := newWorld()
	r := newRunner(t, probeOf(rollout.Probe{Pods: "app=web"}), bomb{w}, Options{})
	want := Answer{rollout.GateError, "a defect of this program: boom [2J"}
	if got := w.ask(t, r, rollout.AfterNode); got != want {
		t.Errorf("%+v", got)
	}
}

func TestARefusedReadNamesVerbAndResource(t *testing.T) {
	s := apiserver.New(t)
	s.Fault(apiserver.Fault{Status: 403})
	c, err := kube.NewReader(s.Config())
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld()
	for words, p := range map[string]rollout.Probe{
		"cannot look: list pods: ":                            {Pods: "app=web"},
		"cannot look: get daemonsets kube-system/cni: ":       {DaemonSet: "kube-system/cni"},
		"cannot look: list events in namespace logging: ":     {Builtin: rollout.GateWarnings},
		"cannot look: list pods: pods is forbidden: User \"j": {Builtin: rollout.GateCollateral},
	} {
		check(t, w.ask(t, newRunner(t, probeOf(p), c, Options{}), rollout.AfterNode), rollout.GateError, words)
	}
}

// The driver asks many nodes at a time, and notes and forgets others.
func TestManyQuestionsAtATime(t *testing.T) {
	w := newWorld()
	view := w.view(true) // nothing is read from the world
	r := newRunner(t, builtin(rollout.GateConditions), w, Options{})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			r.Begin(t.Context(), view.Node("n1"))
			q := Question{Run: &rollout.Run{}, View: view, Node: view.Node("n1"), Now: now, Action: rollout.RunGate{Gate: "g", When: rollout.AfterNode}}
			if a := r.Ask(t.Context(), q); a.Outcome != rollout.GatePass {
				t.Errorf("%+v", a)
			}
			r.Forget("n1")
		})
	}
	wg.Wait()
	if w.node.Status.Conditions[0].Status != corev1.ConditionTrue {
		t.Error("the node was changed")
	}
}

func TestTheSumOfGates(t *testing.T) {
	if got := Sum(&rollout.Policy{}); got != "" {
		t.Error(got)
	}
	p := celOf("node.a < 1 && true")
	first := Sum(p)
	if len(first) != 64 || Sum(p.DeepCopy()) != first {
		t.Error(first)
	}
	if Sum(p.WithDefaults(rollout.Context{Nodes: 7})) != first {
		t.Error("written-out defaults change the sum")
	}
	p.MaxParallel = 3
	if Sum(p) != first {
		t.Error("what is not a gate changes the sum")
	}
	seen := map[string]string{first: "as it was"}
	for name, change := range map[string]func(*rollout.Gate){
		"expression": func(g *rollout.Gate) { g.CEL = "true" },
		"name":       func(g *rollout.Gate) { g.Name = "h" },
		"moment":     func(g *rollout.Gate) { g.When = rollout.BeforeNode },
		"retries":    func(g *rollout.Gate) { g.Retries = 2 },
		"command":    func(g *rollout.Gate) { g.CEL, g.Exec = "", []string{"a", "b"} },
		"arguments":  func(g *rollout.Gate) { g.CEL, g.Exec = "", []string{"a b"} },
		"removed":    func(g *rollout.Gate) { *g = rollout.Gate{} },
	} {
		q := p.DeepCopy()
		change(&q.Gates[0])
		s := Sum(q)
		if was, ok := seen[s]; ok {
			t.Errorf("%s has the sum of %s", name, was)
		}
		seen[s] = name
	}
	if p.Gates[0].Timeout != nil {
		t.Error("the policy was changed")
	}
}
