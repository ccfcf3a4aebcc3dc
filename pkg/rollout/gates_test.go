package rollout

import (
	"testing"
	"time"
)

// What a gate said before it passed, or at another approach, is no part of
// what it says now.
func TestAGateIsJudgedByTheAnswersOfOneApproach(t *testing.T) {
	type said struct {
		ago time.Duration
		o   GateOutcome
	}
	for _, c := range []struct {
		name    string
		when    When
		answers []said
		want    string
	}{
		{"it holds for a while", BeforeNode, []said{{5 * time.Minute, GateHold}, {20 * time.Second, GateHold}}, "gate g n0#1"},
		{"it holds for longer than a node may take", BeforeNode, []said{{11 * time.Minute, GateHold}, {20 * time.Second, GateHold}}, "save Stopped GateBlocked"},
		{"it held, passed, and holds", BeforeNode, []said{{20 * time.Minute, GateHold}, {15 * time.Minute, GatePass}, {20 * time.Second, GateHold}}, "gate g n0#1"},
		{"it failed, passed, and fails", BeforeNode, []said{{5 * time.Minute, GateFail}, {4 * time.Minute, GatePass}, {20 * time.Second, GateFail}}, "gate g n0#2"},
		{"it fails twice", BeforeNode, []said{{time.Minute, GateFail}, {20 * time.Second, GateFail}}, "save Stopped GateBlocked"},
		{"it held when it was last asked, long ago", BeforeNode, []said{{30 * time.Minute, GateHold}, {15 * time.Minute, GateHold}}, "gate g n0#1"},
		{"it failed when it was last asked, long ago", BeforeNode, []said{{30 * time.Minute, GateFail}, {15 * time.Minute, GateFail}}, "gate g n0#1"},
		{"it passed after this soak", AfterNode, []said{{500 * time.Millisecond, GatePass}}, "save Running"},
		{"it passed after a soak that broke since", AfterNode, []said{{5 * time.Second, GatePass}}, "gate g n0#1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(1)
			gate(w, c.when)
			w.pol.Gates[0].Retries = 1
			if c.when == AfterNode {
				w.fly(0)
				w.replace(0, 11*time.Second)
			}
			key := GateKey{Gate: "g", Node: "n0", Wave: 1}
			for _, a := range c.answers {
				w.obs.NoteGate(key, a.o, "why", t0.Add(-a.ago))
			}
			w.obs = Observe(w.obs, w.pol, w.run, w.view(), t0)
			if got := words(w.decide(t)); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// What the server refused is asked for again when the node is tried again.
func TestARefusalIsForgottenWithItsTry(t *testing.T) {
	w := newWorld(1)
	cordoned(w, true)
	w.obs.Refused["web-1"] = Refusal{Node: "n0", Permanent: true, Reason: "two budgets"}
	w.obs = Observe(w.obs, w.pol, w.run, w.view(), t0)
	if got := words(w.decide(t)); got != "save Stopped NodeFailed failed:n0" {
		t.Errorf("refused: %s", got)
	}
	flight := w.run.InFlight
	w.run.InFlight = nil
	w.obs = Observe(w.obs, w.pol, w.run, w.view(), t0)
	w.run.InFlight = flight
	w.obs = Observe(w.obs, w.pol, w.run, w.view(), t0)
	if got := words(w.decide(t)); got != "evict web-1" {
		t.Errorf("tried again: %s", got)
	}
}
