package rollout

import (
	"testing"
	"time"
)

// An approval counts only for the place where the run waits: nobody lets pass
// what nobody has seen.
func TestApprovalsAreOfThePlaceThatWaits(t *testing.T) {
	canary := Cause{Code: PauseApproval, Wave: 1}
	node := Cause{Code: PauseApproval, Wave: 1, Node: "n0"}
	for _, c := range []struct {
		name    string
		phase   Phase
		because *Cause
		wave    int
		node    string
		refused string
	}{
		{"the canary that waits", Paused, &canary, 1, "", ""},
		{"the node that waits", Paused, &node, 1, "n0", ""},
		{"a later wave while the canary waits", Paused, &canary, 2, "", "it waits for the approval of wave 1, not of wave 2"},
		{"a node while the canary waits", Paused, &canary, 1, "n1", "it waits for the approval of a wave, not of a node"},
		{"a wave while a node waits", Paused, &node, 1, "", "it waits for the approval of node n0"},
		{"while the canary still soaks", Running, nil, 1, "", notAwaited},
		{"of a run that was paused by hand", Paused, &Cause{Code: PauseAsked}, 1, "", notAwaited},
		{"of a run that has stopped", Stopped, &Cause{Code: StopFailed, Wave: 1}, 1, "", notAwaited},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(3)
			w.run.Waves = []int{1, 2, 3}
			w.pol.PauseAfter = PauseWave
			w.run.Phase, w.run.Because = c.phase, c.because
			w.ints = []Intent{{ID: "i1", Run: "r1", Verb: VerbApprove, Target: "h2", Wave: c.wave, Node: c.node}}
			if got := w.run.Refuses(w.ints[0]); got != c.refused {
				t.Errorf("refused: %q, want %q", got, c.refused)
			}
			s, ok := w.decide(t).Act.(*SaveRun)
			if !ok {
				t.Fatal("it is not taken")
			}
			if took := len(s.Run.Approvals) == 1; took != (c.refused == "") {
				t.Errorf("approvals %+v", s.Run.Approvals)
			}
			if c.refused == "" && s.Run.Phase != Running {
				t.Errorf("the run is %s after it", s.Run.Phase)
			}
		})
	}
}

// Another wave than the one that was approved waits for its own approval.
func TestAnApprovalIsOfOneWave(t *testing.T) {
	w := newWorld(3)
	w.run.Waves = []int{1, 2, 3}
	w.pol.PauseAfter = PauseWave
	w.run.Approvals = []Approval{{Run: "r1", Target: "h2", Wave: 2}}
	w.updated(0)
	if got := words(w.decide(t)); got != "save Paused ApprovalAsked" {
		t.Errorf("an approval of wave 2 let the run go past wave 1: %s", got)
	}
}

// Where no node of the first wave was replaced, nobody has seen the new
// version: what follows waits for an approval, whatever PauseAfter says.
func TestAFirstWaveThatWasPassedByIsApproved(t *testing.T) {
	gone := func(w *world) { w.s.Nodes = w.s.Nodes[1:]; w.drop(0) }
	for _, c := range []struct {
		name string
		set  func(*world)
		want string
	}{
		{"its node has left the cluster", gone, "save Paused ApprovalAsked"},
		{"its pod would not come back", func(w *world) { w.taint(0) }, "save Paused ApprovalAsked"},
		{"another run has held its node for too long", func(w *world) {
			w.mark(0, Mark{Run: "r9", Epoch: 1})
			w.obs.Nodes["n0"] = NodeSeen{Stuck: t0.Add(-time.Hour)}
		}, "save Paused ApprovalAsked"},
		{"that is approved", func(w *world) {
			gone(w)
			w.run.Approvals = []Approval{{Run: "r1", Target: "h2", Wave: 1}}
		}, "save Running fly:n1"},
		{"a person skipped its node", func(w *world) { w.taint(0); w.run.Skipped = []string{"n0"} }, "save Running fly:n1"},
		{"its node was begun, and released with its old pod", func(w *world) { w.taint(0); w.run.Touched = []int{0} }, "save Paused ApprovalAsked"},
		{"its node left before it was proven", func(w *world) {
			w.fly(0)
			gone(w)
		}, "save Paused ApprovalAsked"},
		{"its node was replaced, and left since", func(w *world) { gone(w); w.run.Touched = []int{0} }, "save Running fly:n1"},
		{"its node runs the target", func(w *world) { w.p(0).Labels[hashLabel] = "h2" }, "save Running fly:n1"},
		{"it is the way back", func(w *world) {
			gone(w)
			w.run.Undo, w.run.Phase, w.run.Touched = &Undo{Pinned: true, TouchPods: true}, Undoing, []int{1}
		}, "save Undoing fly:n1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(3)
			w.run.Waves, w.pol.PauseAfter = []int{1, 3}, PauseNone
			c.set(w)
			if got := words(w.decide(t)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}
