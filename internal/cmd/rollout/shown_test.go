package rollout

import (
	"io"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/internal/testkit"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// whoeverTypes does something before the answer is typed.
type whoeverTypes struct {
	first func()
	line  io.Reader
}

func (w *whoeverTypes) Read(b []byte) (int, error) {
	if w.first != nil {
		w.first()
		w.first = nil
	}
	return w.line.Read(b)
}

func paused(id string, change func(*rollout.Run)) func(*rollout.Run) {
	return func(r *rollout.Run) {
		r.ID, r.Phase, r.Because = id, rollout.Paused, &rollout.Cause{Code: rollout.PauseAsked}
		r.Target, r.From = rollout.Revision{Name: "agent-" + testkit.Hash, Hash: testkit.Hash, Number: 2}, rollout.Revision{Hash: "old", Number: 1}
		if change != nil {
			change(r)
		}
	}
}

// A yes to one run is no yes to the one that is there by then.
func TestAPromptIsAboutTheRunThatItShows(t *testing.T) {
	for _, c := range []struct {
		name string
		verb rollout.Verb
		then func(*rollout.Run)
		want string
	}{
		{"resume, another run", rollout.VerbResume, paused("s5cw", nil), "run 7f3k of logging/agent is not there any more, and run s5cw is, which is Paused: it was not touched; see it: kubectl ds-rollout status -n logging agent"},
		{"undo, another run", rollout.VerbUndo, paused("s5cw", func(r *rollout.Run) { r.By = "joe" }), "run s5cw of joe is, which is Paused: it was not touched"},
		{"takeover, another run", rollout.VerbTakeover, paused("s5cw", nil), "run s5cw is"},
		{"the same id, of another start", rollout.VerbResume, paused("7f3k", func(r *rollout.Run) { r.Started.Time = r.Started.AddDate(0, 0, 1) }), "is not there any more"},
		{"the same id, of another DaemonSet", rollout.VerbResume, paused("7f3k", func(r *rollout.Run) { r.UID = "other" }), "is not there any more"},
		{"it stopped meanwhile", rollout.VerbAbort, paused("7f3k", func(r *rollout.Run) { r.Phase, r.Because = rollout.Stopped, &rollout.Cause{Code: rollout.StopGate} }), "run 7f3k was Paused when it was shown, and is Stopped now: it was not touched"},
		{"other gates than those that were checked", rollout.VerbResume, paused("7f3k", func(r *rollout.Run) { r.GatesSHA256 = "x" }), "started with other gates"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newHoldServer(t)
			s.armed("7f3k")
			s.setOld()
			s.holds(storedRun(t, paused("7f3k", nil)), nil)
			h := s.at("train\n")
			a := h.hold.app
			a.streams.In = &whoeverTypes{first: func() { s.holds(storedRun(t, c.then), func(l *kube.Lease) { l.Epoch = 9 }) }, line: strings.NewReader("train\n")}
			o := newGoOn(t, a, c.verb)
			err := o.run(t.Context())
			want := cli.Locked
			if strings.Contains(c.want, "gates") {
				want = cli.Usage
			}
			if cli.CodeOf(t.Context(), err) != want || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
			if !strings.Contains(h.out.String(), "Run 7f3k of logging/agent") || s.sent() != "" || s.leaseNow().epoch != 9 {
				t.Errorf("sent %q, epoch %d after\n%s", s.sent(), s.leaseNow().epoch, h.out.String())
			}
		})
	}
}

func newGoOn(t *testing.T, a *app, verb rollout.Verb, args ...string) *goOnOptions {
	t.Helper()
	o := &goOnOptions{app: a, verb: verb, target: "agent"}
	spec := goOnSpec{verb: verb}
	cmd, err := spec.commandOf(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	return o
}

// An undo that would cost pods at once is refused before anything is taken.
func TestAnUndoThatWouldCostPodsIsRefused(t *testing.T) {
	s := newHoldServer(t)
	s.armed("7f3k")
	s.setOld(func(t *corev1.PodTemplateSpec) { t.Spec.NodeSelector = map[string]string{"foo": "bar"} })
	s.holds(storedRun(t, paused("7f3k", nil)), nil)
	h := s.at("train\n")
	err := newGoOn(t, h.hold.app, rollout.VerbUndo).run(t.Context())
	if cli.CodeOf(t.Context(), err) != cli.Failed || !strings.Contains(err.Error(), "cannot undo: the template of revision 1 does not fit ") || !strings.Contains(err.Error(), "foo=bar") {
		t.Errorf("got %v", err)
	}
	if s.sent() != "" {
		t.Errorf("sent %s", s.sent())
	}
}
