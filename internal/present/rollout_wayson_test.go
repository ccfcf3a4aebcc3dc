package present

import (
	"bytes"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

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

// A closed window is named wherever a run waits for it, and before it starts.
func TestAClosedWindowIsNamed(t *testing.T) {
	opens := metav1.NewTime(at("22:00:00"))
	st := statusAt("15:40:00")
	st.Waits = &rollout.Cause{Code: rollout.WaitWindow, Since: &opens}
	plan := planView(t, newFleet(afternoon), &rollout.Policy{Timing: rollout.Timing{Windows: []string{"Mon-Fri 22:00-23:00 UTC"}}}, rollout.PlanInput{})
	plan.Opens = opens.Time
	event := rollout.Event{Type: rollout.EventPaused, At: st.At, Run: "7f3k", Code: rollout.WaitWindow, Message: "it opens at 2026-11-23T22:00:00Z"}
	for _, c := range []struct {
		name  string
		write func(b *bytes.Buffer) error
		want  []string
	}{
		{"paused", func(b *bytes.Buffer) error {
			return WritePaused(b, &PausedView{Context: "x", Status: st, CommandFlags: testFlags}, Options{})
		}, []string{"PAUSED  run 7f3k of kube-system/cilium on x: outside the window, it opens at 2026-11-23T22:00:00Z.", "from 2026-11-23T22:00:00Z on: kubectl ds-rollout resume"}},
		{"status", func(b *bytes.Buffer) error {
			return WriteStatus(b, &StatusView{Context: "x", Status: st, Lock: Lock{Free: true}}, Options{})
		}, []string{"run 7f3k PAUSED", "Outside the window, it opens at 2026-11-23T22:00:00Z. Nobody drives it. To go on: kubectl ds-rollout resume"}},
		{"status while it is driven", func(b *bytes.Buffer) error {
			return WriteStatus(b, &StatusView{Context: "x", Status: st, Lock: Lock{Holder: "jane", Renewed: st.At}}, Options{})
		}, []string{"Outside the window, it opens at 2026-11-23T22:00:00Z. Driven by jane"}},
		{"plan", func(b *bytes.Buffer) error { return WritePlan(b, plan, Options{}) },
			[]string{"window     Mon-Fri 22:00-23:00 UTC: closed now, it opens at 2026-11-23T22:00:00Z"}},
		{"lines", func(b *bytes.Buffer) error { NewLines(b, streamOptions()).Event(event); return nil },
			[]string{`because="outside the window, it opens at 2026-11-23T22:00:00Z"`}},
		{"json", func(b *bytes.Buffer) error { NewNDJSON(b, streamOptions()).Event(event); return nil },
			[]string{`"because":"outside the window, it opens at 2026-11-23T22:00:00Z"`, `"code":"WindowClosed"`}},
	} {
		out := string(rendered(t, c.write))
		for _, want := range c.want {
			if !strings.Contains(out, want) {
				t.Errorf("%s: no %q in\n%s", c.name, want, out)
			}
		}
	}
}

// The help of the live view is whole at 80 columns, whatever is not possible now.
func TestHelpFitsEighty(t *testing.T) {
	for _, k := range keyHelp {
		if n := width("Ctrl-C" + gap + "retry node" + gap + "(not now) " + k.help); n > 80 {
			t.Errorf("%s takes %d columns", k.key, n)
		}
	}
}

// A key that the table allows and that there is no node for here says what does it.
func TestSkipSaysWhatDoesIt(t *testing.T) {
	m := newLiveModel(LiveOptions{StreamOptions: streamOptions()}, &inbox{}, func(Command) {})
	st := statusAt("15:40:00")
	st.Phase, st.Because = rollout.Paused, &rollout.Cause{Code: rollout.PauseAsked}
	m.st.status = st
	m.plainKey("s")
	if !strings.Contains(m.notice, "kubectl ds-rollout skip") {
		t.Errorf("notice %q", m.notice)
	}
}
