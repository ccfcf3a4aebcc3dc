package rollout

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// typedIn runs a command as it was typed.
func typedIn(t *testing.T, cmd *cobra.Command, err error, args ...string) error {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	cmd.SetArgs(append([]string{"agent"}, args...))
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	return cmd.ExecuteContext(t.Context())
}

// A living driver is asked to do what it is left to, once somebody has said yes.
func TestAbortAndUndoOfALivingRunAsk(t *testing.T) {
	const asked = "PUT leases/ds-rollout.agent"
	started := paused("7f3k", func(r *rollout.Run) { r.Phase, r.Because, r.Touched = rollout.Running, nil, []int{0} })
	for _, c := range []struct {
		name, verb string
		answers    string
		args       []string
		code       int
		says       string
		sent       string
	}{
		{"yes", "abort", "train\n", nil, 0, "Run 7f3k of logging/agent on train is driven by jane on host, which is asked to abort it. The run ends; the template is kept", asked},
		{"no", "abort", "no\n", nil, 0, "nothing was changed", ""},
		{"undo, yes", "undo", "train\n", nil, 0, "which is asked to undo it. The template goes back to revision 1, and with it the nodes that were touched: 1.", asked},
		{"undo, no", "undo", "\n", nil, 0, "nothing was changed", ""},
		{"nobody to ask", "undo", "", nil, cli.Usage, "say --yes", ""},
		{"said before", "undo", "", []string{"--yes"}, 0, "undo is asked for; jane drives it", asked},
		{"gates", "undo", "train\n", []string{"--gate-exec", "true"}, cli.Usage, "does what is asked with its own gates: leave out --gate-exec", ""},
		{"a stream", "undo", "train\n", []string{"-o", "json", "--yes"}, 0, "--output has no effect\nRun 7f3k", asked},
		{"a journal of abort", "abort", "train\n", []string{"--journal", filepath.Join(t.TempDir(), "events")}, 0, "--journal has no effect\n", asked},
		{"a ceiling", "undo", "train\n", []string{"--max-unavailable", "2"}, cli.Usage, "run 7f3k turns round with the policy that it was started with: leave out --max-unavailable", ""},
		{"a policy of abort", "abort", "train\n", []string{"--gate", "none"}, cli.Usage, "unknown flag: --gate", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newHoldServer(t)
			s.holds(storedRun(t, started), drivenBy)
			h := s.at(c.answers)
			var cmd *cobra.Command
			var err error
			if c.verb == "undo" {
				cmd, err = newUndoCommand(h.hold.app)
			} else {
				cmd, err = (&goOnSpec{verb: rollout.VerbAbort}).command(h.hold.app)
			}
			err = typedIn(t, cmd, err, c.args...)
			ends(t, h, err, c.code, c.says)
			if s.sent() != c.sent {
				t.Errorf("sent %q, want %q", s.sent(), c.sent)
			}
		})
	}
}

// What somebody said yes to for one run is not asked of another one.
func TestWhatALivingDriverIsAskedIsOfTheRunThatWasShown(t *testing.T) {
	s := newHoldServer(t)
	s.holds(storedRun(t, paused("7f3k", nil)), drivenBy)
	h := s.at("train\n")
	a := h.hold.app
	a.streams.In = &whoeverTypes{first: func() {
		s.holds(storedRun(t, paused("s5cw", nil)), func(l *kube.Lease) { drivenBy(l) })
	}, line: strings.NewReader("train\n")}
	ends(t, h, newGoOn(t, a, rollout.VerbAbort).run(t.Context()), cli.Locked, "run 7f3k of logging/agent is not there any more, and run s5cw is")
	if s.sent() != "" {
		t.Errorf("sent %s", s.sent())
	}
}

// A ceiling that undo would not use is refused where nobody drives, too.
func TestUndoOfARunKeepsItsPolicy(t *testing.T) {
	s := newHoldServer(t)
	s.holds(storedRun(t, paused("7f3k", nil)), nil)
	h := s.at("train\n")
	cmd, err := newUndoCommand(h.hold.app)
	ends(t, h, typedIn(t, cmd, err, "--soak", "5s", "--waves", "1,100%"), cli.Usage, "leave out --soak, --waves")
}
