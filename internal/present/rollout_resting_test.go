package present

import (
	"bytes"
	"strings"
	"testing"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// Resume alone pauses again while somebody's template is there: neither the
// screen of the pause nor the next terminal may offer just that. Where it is
// put back, or where none is pinned yet, resume is what goes on.
func TestTheWaysOnFromATemplateThatSomebodyChanged(t *testing.T) {
	const back, anew, undo = "put it back, then kubectl ds-rollout resume", "start a new run, after kubectl ds-rollout abort", "back to 41: kubectl ds-rollout undo"
	for name, c := range map[string]struct {
		set        func(st *rollout.Status)
		want, miss []string
	}{
		"it is there": {func(st *rollout.Status) { st.Drifted = true },
			[]string{back, anew, undo, "To go on: with the template that the run began with"}, []string{"To go on: kubectl"}},
		"it was put back": {func(*rollout.Status) {},
			[]string{"To go on: kubectl ds-rollout resume"}, []string{"put it back", "new one"}},
		"none is pinned": {func(st *rollout.Status) { st.Target = rollout.Revision{} },
			[]string{"with the template as it is now: kubectl ds-rollout resume", "starts on the template as it is now"}, []string{"put it back", "starts on -"}},
	} {
		st := driven().Status
		st.Phase, st.Because, st.From.Number = rollout.Paused, &rollout.Cause{Code: rollout.PauseTemplate, Message: "as it was said."}, 41
		st.Target = rollout.Revision{Hash: "h42", Number: 42}
		c.set(st)
		out := string(rendered(t, func(b *bytes.Buffer) error {
			if err := WritePaused(b, &PausedView{Context: "x", Status: st}, Options{}); err != nil {
				return err
			}
			return WriteStatus(b, &StatusView{Context: "x", Status: st, Lock: Lock{Free: true}}, Options{})
		}))
		for _, want := range append(c.want, "as it was said. Nobody drives it. To go on: ") {
			if !strings.Contains(out, want) {
				t.Errorf("%s: no %q in\n%s", name, want, out)
			}
		}
		for _, miss := range c.miss {
			if strings.Contains(out, miss) {
				t.Errorf("%s: %q in\n%s", name, miss, out)
			}
		}
	}
}

func TestAnAbortSaysWhichTemplateItKeeps(t *testing.T) {
	for want, set := range map[string]func(st *rollout.Status){
		"kept at revision 42: a node":                                   func(*rollout.Status) {},
		"kept as it is now, which is not the target of the run: a node": func(st *rollout.Status) { st.Drifted = true },
		"kept as it is now: a node":                                     func(st *rollout.Status) { st.Target = rollout.Revision{} },
		"kept at revision 41, which hold put back: a node":              func(st *rollout.Status) { st.Drifted, st.Held = true, true },
	} {
		st := driven().Status
		st.Target, st.From = rollout.Revision{Hash: "h42", Number: 42}, rollout.Revision{Hash: "h41", Number: 41}
		set(st)
		v := &EndedView{Context: "x", Status: st, Done: &rollout.Done{Outcome: rollout.OutcomeAborted}}
		out := string(rendered(t, func(b *bytes.Buffer) error { return WriteEnded(b, v, Options{}) }))
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

func TestStatusNamesWhatKeepsAWaveFromBeginning(t *testing.T) {
	st := driven().Status
	st.Blocked = []rollout.Cause{{Code: rollout.WaitHeld, Node: "n1", Message: "run r9"}, {Code: rollout.WaitNode, Node: "n2"}}
	out := string(rendered(t, func(b *bytes.Buffer) error {
		return WriteStatus(b, &StatusView{Context: "x", Status: st, Lock: Lock{Holder: "jane", Renewed: st.At}}, Options{})
	}))
	if want := "waits      another run holds a cordon on n1: run r9, and for 1 more\n"; !strings.Contains(out, want) {
		t.Errorf("no %q in\n%s", want, out)
	}
}

func TestACanaryThatWasPassedByIsNotCalledDone(t *testing.T) {
	got := Because(rollout.Cause{Code: rollout.PauseApproval, Wave: 1, Message: "passed by, since no node of it could be replaced (n0)"})
	if want := "canary passed by, since no node of it could be replaced (n0), approval asked"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// With no place free a run begins all the same, with nodes that are down.
func TestAPlanWithoutAFreePlaceDoesNotSayNoneAtATime(t *testing.T) {
	v := planView(t, newFleet(afternoon), &rollout.Policy{}, rollout.PlanInput{})
	v.Plan.Checks, v.Plan.Parallel, v.Plan.Ceiling, v.Plan.Down = nil, 1, 1, []string{v.Plan.Nodes[0].Node, v.Plan.Nodes[1].Node}
	v.Plan.Nodes[0].Down, v.Plan.Nodes[1].Down = true, true
	out := string(rendered(t, func(b *bytes.Buffer) error { return WritePlan(b, v, Options{}) }))
	if want := "at most 1 at a time. No place is free, so one that works waits until nodes that are down are mended."; !strings.Contains(out, want) {
		t.Errorf("no %q in\n%s", want, out)
	}
}
