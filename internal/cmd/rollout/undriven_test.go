package rollout

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// sessionOf is a session whose run is stored, and that saw the DaemonSet as it was
// before.
func sessionOf(t *testing.T, s *holdServer, change func(*rollout.Run)) (*session, *held) {
	t.Helper()
	before := s.daemonSet().DeepCopy()
	s.holds(storedRun(t, change), func(l *kube.Lease) { l.Holder = "jane@here_1_x" })
	h := s.at("train\n")
	o := newGoOn(t, h.hold.app, rollout.VerbResume, "--gate-exec", "./check 'a b'", "--gate", "none")
	at, err := h.hold.app.connect("agent", false)
	if err != nil {
		t.Fatal(err)
	}
	lease, run, err := at.find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return &session{app: h.hold.app, at: at, ds: before, lease: lease, run: run, output: o.output}, h
}

// "Nothing was changed" is said where it is so, by what is there now.
func TestTheEndByAnErrorSaysWhatStands(t *testing.T) {
	failed := errors.New("leases: forbidden")
	gated := func(r *rollout.Run) { r.GatesSHA256, r.Change = "x", true }
	again := "resume -n logging agent --gate none --gate-exec './check '\\''a b'\\'''"
	for _, c := range []struct {
		name  string
		run   func(*rollout.Run)
		armed string
		fault func(string, int) int
		kept  bool
		want  []string
	}{
		{"untouched", gated, "", nil, false, []string{"leases: forbidden; nothing was changed"}},
		{"untouched, and the Lease stays", gated, "", func(w string, _ int) int {
			if strings.HasPrefix(w, "DELETE") {
				return http.StatusForbidden
			}
			return 0
		}, true, []string{"nothing was changed, and the Lease of the run could not be deleted", again, "recover -n logging agent"}},
		{"armed", gated, "7f3k", nil, true, []string{"the DaemonSet is armed by the run: updateStrategy is OnDelete, it was RollingUpdate, and the new template is there; no pod was deleted; go on with: ", again, "; or clean up: kubectl ds-rollout recover -n logging agent"}},
		{"under way", paused("7f3k", gated), "7f3k", nil, true, []string{"the run stays as it is, go on with: ", again}},
	} {
		t.Run(c.name, func(t *testing.T) {
			srv := newHoldServer(t)
			s, _ := sessionOf(t, srv, c.run)
			if c.armed != "" {
				srv.armed(c.armed)
			}
			srv.fault = c.fault
			err := s.undriven(t.Context(), failed)
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("got  %v\nwant %s", err, w)
				}
			}
			if srv.hasLease() != c.kept || c.kept && srv.leaseNow().holder != "" {
				t.Errorf("the Lease: %+v", srv.leaseNow())
			}
		})
	}
}

// A DaemonSet that was armed by hand before is not the run's.
func TestAnArmByHandIsNoChangeOfTheRun(t *testing.T) {
	srv := newHoldServer(t)
	srv.armed(rollout.ArmedByHand)
	s, _ := sessionOf(t, srv, nil)
	if err := s.undriven(t.Context(), errors.New("x")); !strings.HasSuffix(err.Error(), "nothing was changed") || srv.hasLease() {
		t.Error(err)
	}
	srv = newHoldServer(t)
	s, _ = sessionOf(t, srv, nil)
	srv.setDaemonSet(func(d *appsv1.DaemonSet) { d.UID = "other" })
	if err := s.undriven(t.Context(), errors.New("x")); !srv.hasLease() {
		t.Error(err)
	}
}

// silent is a terminal at which nobody types.
type silent struct{ asked chan struct{} }

func (s silent) Read([]byte) (int, error) {
	close(s.asked)
	select {}
}

// An interrupt at a prompt, or the second one of a run, ends at once with 130.
func TestAnInterruptEndsAtOnce(t *testing.T) {
	srv := newHoldServer(t)
	s, h := sessionOf(t, srv, paused("7f3k", nil))
	ask := func(do func(context.Context) error) error {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		in := silent{make(chan struct{})}
		s.app.streams.In = in
		go func() { <-in.asked; cancel() }()
		return do(ctx)
	}
	for name, do := range map[string]func(context.Context) error{
		"confirm": func(ctx context.Context) error { _, err := s.app.confirm(ctx, s.at, "Really."); return err },
		"choose":  func(ctx context.Context) error { _, err := s.choose(ctx, nil); return err },
	} {
		if err := ask(do); cli.CodeOf(t.Context(), err) != cli.Interrupted || !strings.HasPrefix(err.Error(), "interrupted; ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.undriven(over, over.Err()); cli.CodeOf(t.Context(), err) != cli.Interrupted || !strings.Contains(err.Error(), "go on with: kubectl ds-rollout resume -n logging agent") {
		t.Error(err)
	}
	// What was typed before the interrupt does not count, either.
	s.app.streams.In = io.MultiReader(strings.NewReader("train\n"))
	if ok, err := s.app.confirm(over, s.at, ""); ok || cli.CodeOf(t.Context(), err) != cli.Interrupted {
		t.Error(ok, err)
	}
	if srv.sent() != "" {
		t.Errorf("sent %s after\n%s", srv.sent(), h.out.String())
	}
}
