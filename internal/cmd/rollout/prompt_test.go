package rollout

import (
	"bytes"
	"strings"
	"testing"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// What a person is asked never stands in what a program reads: -o json and a
// terminal go together.
func TestPromptsAreOnStandardError(t *testing.T) {
	s, _ := sessionOf(t, newHoldServer(t), paused("7f3k", nil))
	for _, answer := range []string{"train\n", "prod\n", ""} {
		var out, errOut bytes.Buffer
		s.app.streams.In, s.app.streams.Out, s.app.streams.ErrOut = strings.NewReader(answer), &out, &errOut
		agreed, err := s.app.confirm(t.Context(), s.at, "Really.")
		if err != nil || agreed != (answer == "train\n") {
			t.Errorf("%q: %v, %v", answer, agreed, err)
		}
		if out.Len() != 0 || !strings.HasPrefix(errOut.String(), "Really.\nType the context") {
			t.Errorf("%q: standard output %q, standard error %q", answer, out.String(), errOut.String())
		}
	}
}

// The question repeats the last line of the plan above it: a ceiling is not what
// may be replaced at a time where nodes are down already, or fewer may be in
// flight.
func TestTheQuestionOfStartHasTheNumbersOfThePlan(t *testing.T) {
	s, _ := sessionOf(t, newHoldServer(t), paused("7f3k", nil))
	for want, p := range map[string]*rollout.Plan{
		"delete 190 pods of logging/agent, at most 3 at a time, on train.": {Updates: 190, Ceiling: 4, Parallel: 4, Down: []string{"n1"}},
		"delete 10 pods of logging/agent, at most 1 at a time, on train.":  {Updates: 10, Ceiling: 4, Parallel: 1},
		"delete 2 pods of logging/agent, at most 2 at a time, on train.":   {Updates: 2, Ceiling: 9, Parallel: 9},
	} {
		var errOut bytes.Buffer
		s.app.streams.In, s.app.streams.ErrOut = strings.NewReader("\n"), &errOut
		o := &startOptions{app: s.app}
		if ok, err := o.agreed(t.Context(), s.at, &planned{Plan: p}); ok || err != nil || !strings.Contains(errOut.String(), want) {
			t.Errorf("%v, %v, %q has no %q", ok, err, errOut.String(), want)
		}
	}
}
