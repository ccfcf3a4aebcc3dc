package rollout

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

// A gate is asked again every few seconds: whoever looks in that moment is
// told of the gate, too, and of what it said last.
func TestStatusNamesTheGateThatANodeWaitsFor(t *testing.T) {
	const said = "hold: others/api is not back"
	for what, ago := range map[string]time.Duration{"between two questions": 2 * time.Second, "as it is asked again": time.Hour} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(1)
			w.pol.Gates = []Gate{{Name: "g", When: AfterNode, Probe: Probe{Exec: []string{"x"}}}}
			w.fly(0)
			w.replace(0, 2*time.Hour)
			w.obs.Gates[GateKey{Gate: "g", Node: "n0", Wave: 1}] = GateSeen{Outcome: GateHold, Reason: "others/api is not back", At: t0.Add(-ago), First: t0}
			s := StatusOf(w.pol, w.run, w.view(), w.obs, t0)
			if f := s.Flights[0]; f.Code != WaitGate || f.Gate != "g" || f.Said != said {
				t.Errorf("got %s, gate %q said %q", f.Code, f.Gate, f.Said)
			}
			if e := ProgressEvent(s, nil); e.Code != WaitGate || e.Gate != "g" || e.Node != "n0" || e.Message != said {
				t.Errorf("the heartbeat tells of %s, gate %q of %q: %q", e.Code, e.Gate, e.Node, e.Message)
			}
		})
	}
}

// Who looks on has heard no answer, so it does not know which gate it is.
func TestOutsideTellsOfGatesWithoutAName(t *testing.T) {
	w := newWorld(1)
	w.pol.Gates = []Gate{{Name: "g", When: AfterNode, Probe: Probe{Exec: []string{"x"}}}}
	w.fly(0)
	w.replace(0, 0)
	s := StatusOf(w.pol, w.run, w.view(), Outside(w.pol, w.run, w.view(), t0), t0)
	if f := s.Flights[0]; f.Code != WaitGate || f.Gate != "" || f.Said != "" {
		t.Errorf("got %s, gate %q said %q", f.Code, f.Gate, f.Said)
	}
}

// Where the driver died, or was refused, before it deleted the pod, nothing
// holds the node up but that.
func TestStatusOfANodeThatIsStillAsItWas(t *testing.T) {
	w := newWorld(1)
	w.fly(0)
	s := StatusOf(w.pol, w.run, w.view(), Outside(w.pol, w.run, w.view(), t0), t0)
	if f := s.Flights[0]; f.Code != WaitStep || f.Pod != podName(0, 1) {
		t.Errorf("got %s with pod %s", f.Code, f.Pod)
	}
}

// A run that does not rest and starts nothing is no riddle for the next
// terminal.
func TestStatusSaysWhatKeepsAWaveFromBeginning(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(*world)
		want []Cause
	}{
		{"another run has cordoned its node", func(w *world) { w.mark(0, Mark{Run: "r9", Epoch: 1}) }, []Cause{{Code: WaitHeld, Node: "n0", Message: "run r9"}}},
		{"its node is not Ready", func(w *world) { w.notReady(0, corev1.ConditionFalse) }, []Cause{{Code: WaitNode, Node: "n0"}}},
		{"nothing", func(*world) {}, nil},
		{"a node is in flight", func(w *world) { w.mark(0, Mark{Run: "r9", Epoch: 1}); w.run.Waves = []int{2}; w.fly(1) }, nil},
		{"it rests", func(w *world) { w.mark(0, Mark{Run: "r9", Epoch: 1}); w.run.Phase = Paused }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(2)
			w.run.Waves = []int{1, 2}
			c.set(w)
			got := StatusOf(w.pol, w.run, w.view(), Outside(w.pol, w.run, w.view(), t0), t0).Blocked
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
