package present

import (
	"bytes"
	"strings"
	"testing"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// What the last screen of a run advises has to work: a template that fails is
// not handed to the controller, and a run that has failed nodes is not all done.
func TestTheLastScreenAdvisesWhatWorks(t *testing.T) {
	failed := rollout.Left{Node: "n1", What: rollout.LeftFailedPod, Reason: "CrashLoop, its pod was not available within 5s"}
	onDelete := rollout.Left{Node: "n2", What: rollout.LeftStrategy, Reason: "old pods remain"}
	for _, c := range []struct {
		name     string
		outcome  rollout.Outcome
		left     []rollout.Left
		failing  int
		owner    string
		has, not []string
	}{
		{"aborted after a crash", rollout.OutcomeAborted, []rollout.Left{failed, onDelete}, 1, "",
			[]string{"ds-rollout undo -n kube-system cilium", "CrashLoop, its pod was not available within 5s", "once what is named is mended: kubectl ds-rollout start", ", 1 failed, and no more"}, []string{"--hand-back"}},
		{"aborted, and what fails was not named yet", rollout.OutcomeAborted, []rollout.Left{onDelete}, 1, "", []string{"ds-rollout undo"}, []string{"--hand-back"}},
		{"aborted, and well", rollout.OutcomeAborted, []rollout.Left{onDelete}, 0, "", []string{"ds-rollout start", "--hand-back"}, []string{"ds-rollout undo", "mended"}},
		{"undo is refused to somebody else's template", rollout.OutcomeAborted, []rollout.Left{failed, onDelete}, 1, "argocd", nil, []string{"ds-rollout undo", "--hand-back"}},
		{"done beside a node that a gate failed", rollout.OutcomeDone, []rollout.Left{failed}, 0, "",
			[]string{"11 of 12 nodes run revision 42, 1 failed.", "ds-rollout undo", "a failed pod on 1 node (n1)"}, []string{"all 12", "--hand-back"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			st := statusAt("15:40:00")
			st.Phase, st.Outcome = rollout.Ended, c.outcome
			r := &rollout.Run{From: from41, Target: to42, TemplateOwner: c.owner, Original: "RollingUpdate"}
			r.Members = make([]rollout.Member, 12)
			v := &EndedView{
				Context: "x", Status: st, Run: r, CommandFlags: testFlags, Done: &rollout.Done{Outcome: c.outcome, Nodes: 11, Left: c.left, Exit: 1},
				Counts: []rollout.RevisionCount{{Number: 42, Hash: to42.Hash, Pods: 3, Available: 3 - c.failing, Failing: c.failing}},
			}
			out := string(rendered(t, func(b *bytes.Buffer) error { return WriteEnded(b, v, Options{}) }))
			for _, want := range c.has {
				if !strings.Contains(out, want) {
					t.Errorf("no %q in\n%s", want, out)
				}
			}
			for _, not := range c.not {
				if strings.Contains(out, not) {
					t.Errorf("%q in\n%s", not, out)
				}
			}
		})
	}
}

// A run that hold has stopped offers what is left to do, and says that the
// template is back.
func TestTheScreenAfterHold(t *testing.T) {
	st := statusAt("15:40:00")
	st.Phase, st.Held, st.Drifted = rollout.Stopped, true, true
	st.From.Number = 43
	why := rollout.Cause{Code: rollout.StopFailed, Node: "n1", Message: "no"}
	st.Because = &why
	v := &StoppedView{Context: "x", Status: st, Stop: &rollout.Stop{Because: why, Resumable: true}, Choices: []rollout.Choice{{Verb: rollout.VerbUndo, Pods: 1}}, CommandFlags: testFlags}
	out := string(rendered(t, func(b *bytes.Buffer) error { return WriteStopped(b, v, Options{}) }))
	for _, want := range []string{"hold put that of 43 back", "starts on 43, which hold put back", "1 pod back to 43 too; the template is back already", "ds-rollout abort"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if strings.Contains(out, "ds-rollout resume") {
		t.Errorf("resume is offered, which stops again:\n%s", out)
	}
}
