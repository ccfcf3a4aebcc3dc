package rollout

import "testing"

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
