package gates

import (
	"testing"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

func TestNewWarningEvents(t *testing.T) {
	for _, tc := range []struct {
		name    string
		after   func(*world)
		outcome rollout.GateOutcome
		words   string
	}{
		{"none", nil, rollout.GatePass, "no new Warning event on the pod or the node"},
		{"on the new pod", func(w *world) { w.events = append(w.events, event("Pod", "logging", "vector-new", "BackOff", 4)) },
			rollout.GateFail, "1 new Warning event: pod vector-new BackOff x4 (BackOff of vector-new)"},
		{"on the new pod, of the scheduler, which is through with it", func(w *world) {
			w.events = append(w.events, event("Pod", "logging", "vector-new", "FailedScheduling", 2))
		}, rollout.GatePass, "no new Warning event"},
		{"on the old pod", func(w *world) {
			w.events = append(w.events, event("Pod", "logging", "vector-old", "FailedKillPod", 1))
		}, rollout.GatePass, "no new Warning event"},
		{"on another pod", func(w *world) { w.events = append(w.events, event("Pod", "default", "web-1", "BackOff", 1)) },
			rollout.GatePass, "no new Warning event"},
		{"on a namesake of the new pod", func(w *world) {
			e := event("Pod", "logging", "vector-new", "BackOff", 1)
			e.UID = "another"
			w.events = append(w.events, e)
		}, rollout.GatePass, "no new Warning event"},
		{"a new one on the node", func(w *world) { w.events = append(w.events, event("Node", "", "n1", "SystemOOM", 1)) },
			rollout.GateFail, "1 new Warning event: node n1 SystemOOM (SystemOOM of n1)"},
		{"an old one on the node once more", func(w *world) { w.events[0].Count++ }, rollout.GateFail, "node n1 Rebooted x3"},
		{"an old one on the node that is newer by time alone", func(w *world) { w.events[0].Last++ }, rollout.GateFail, "node n1 Rebooted x2"},
		{"on another node", func(w *world) { w.events = append(w.events, event("Node", "", "n2", "SystemOOM", 1)) },
			rollout.GatePass, "no new Warning event"},
		{"many: the pod's first", func(w *world) {
			for _, reason := range []string{"A", "B", "C"} {
				w.events = append(w.events, event("Node", "", "n1", reason, 1))
			}
			w.events = append(w.events, event("Pod", "logging", "vector-new", "Z", 1))
		}, rollout.GateFail, "4 new Warning events: pod vector-new Z (Z of vector-new), node n1 A (A of n1), node n1 B (B of n1) +1"},
		{"no new pod", func(w *world) { w.remove("vector-new") }, rollout.GateHold, "no new pod on the node"},
		{"no right to look", func(w *world) { w.refuse = "events" }, rollout.GateError, "cannot look: list events: forbidden"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld()
			w.events = append(w.events, event("Node", "", "n1", "Rebooted", 2))
			r := newRunner(t, builtin(rollout.GateWarnings), w, Options{})
			r.Begin(t.Context(), w.view(false).Node("n1"))
			w.replace()
			if tc.after != nil {
				tc.after(w)
			}
			check(t, w.ask(t, r, rollout.AfterNode), tc.outcome, tc.words)
		})
	}
}

func TestEventsWithoutABaselineBecomeIt(t *testing.T) {
	for _, refused := range []bool{false, true} {
		w := newWorld()
		w.events = append(w.events, event("Node", "", "n1", "Rebooted", 2))
		r := newRunner(t, builtin(rollout.GateWarnings), w, Options{})
		words := "those on the node not compared (no baseline: this process did not see"
		if refused {
			w.refuse = "events"
			r.Begin(t.Context(), w.view(false).Node("n1"))
			w.refuse, words = "", "those on the node not compared (no baseline, it could not be read: list events"
		}
		w.replace()
		check(t, w.ask(t, r, rollout.AfterNode), rollout.GatePass, words)
		check(t, w.ask(t, r, rollout.AfterNode), rollout.GatePass, "no new Warning event on the pod or the node")
		w.events[0].Count++
		check(t, w.ask(t, r, rollout.AfterNode), rollout.GateFail, "node n1 Rebooted x3")
		w.events = append(w.events, event("Pod", "logging", "vector-new", "BackOff", 1))
		check(t, w.ask(t, newRunner(t, builtin(rollout.GateWarnings), w, Options{}), rollout.AfterNode), rollout.GateFail, "pod vector-new BackOff")
	}
}

// What was reported of the first try does not fail the next one.
func TestEventsUntilANodeIsTriedAgainAreNotNew(t *testing.T) {
	w := newWorld()
	r := newRunner(t, builtin(rollout.GateWarnings), w, Options{})
	r.Begin(t.Context(), w.view(false).Node("n1"))
	w.replace()
	w.events = append(w.events, event("Node", "", "n1", "Rebooted", 1))
	check(t, w.ask(t, r, rollout.AfterNode), rollout.GateFail, "node n1 Rebooted")
	r.Again(t.Context(), w.view(false).Node("n1"))
	check(t, w.ask(t, r, rollout.AfterNode), rollout.GatePass, "no new Warning event on the pod or the node")
	w.events[0].Count++
	check(t, w.ask(t, r, rollout.AfterNode), rollout.GateFail, "node n1 Rebooted x2")
}
