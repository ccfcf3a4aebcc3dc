package rollout

import (
	"bytes"
	"strings"
	"testing"
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
