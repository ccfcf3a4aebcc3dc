package rollout

import (
	"context"
	"net/http"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

func armOf(h *held) *armOptions { return &armOptions{holdOptions: h.hold} }

// ends checks an exit code, and words of what was said.
func ends(t *testing.T, h *held, err error, code int, words ...string) {
	t.Helper()
	said := h.out.String() + h.errOut.String()
	if err != nil {
		said += "error: " + err.Error()
	}
	if got := cli.CodeOf(context.Background(), err); got != code {
		t.Errorf("exit code %d, want %d:\n%s", got, code, said)
	}
	for _, w := range words {
		if !strings.Contains(said, w) {
			t.Errorf("%q is not said in:\n%s", w, said)
		}
	}
}

func isArmed(t *testing.T, s *holdServer, run string) {
	t.Helper()
	d := s.daemonSet()
	armed, err := rollout.ArmedOf(d)
	if err != nil || d.Spec.UpdateStrategy.Type != appsv1.OnDeleteDaemonSetStrategyType || armed == nil || armed.Run != run || armed.Original != "RollingUpdate" {
		t.Errorf("not armed by %s: %s %+v %v", run, d.Spec.UpdateStrategy.Type, armed, err)
	}
	if d.Spec.UpdateStrategy.RollingUpdate == nil {
		t.Error("rollingUpdate did not stay, so its type alone does not give it all back")
	}
}

func isFree(t *testing.T, s *holdServer) {
	t.Helper()
	d := s.daemonSet()
	if _, ok := d.Annotations[rollout.ArmAnnotation]; ok || d.Spec.UpdateStrategy.Type != appsv1.RollingUpdateDaemonSetStrategyType {
		t.Errorf("not as before: %s %v", d.Spec.UpdateStrategy.Type, d.Annotations)
	}
}

func TestArmIsOneWrite(t *testing.T) {
	s := newHoldServer(t)
	h := s.at("")
	ends(t, h, armOf(h).run(context.Background()), 0,
		"logging/agent on train is armed: updateStrategy is OnDelete, it was RollingUpdate with maxUnavailable 2\n",
		"kubectl ds-rollout start -n logging agent --kubeconfig ", "kubectl ds-rollout disarm -n logging agent")
	isArmed(t, s, rollout.ArmedByHand)
	if s.sent() != "PATCH daemonsets/agent" {
		t.Errorf("sent %s", s.sent())
	}
	h = s.at("")
	ends(t, h, armOf(h).run(context.Background()), 0, "it is armed already; updateStrategy was RollingUpdate")
	if s.sent() != "PATCH daemonsets/agent" {
		t.Errorf("sent %s", s.sent())
	}
}

func TestArmWhereOthersWriteToo(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault func(string, int) int
		sent  int
		code  int
		armed bool
		words string
	}{
		{"once", func(_ string, nth int) int { return map[int]int{1: http.StatusConflict}[nth] }, 2, 0, true, "is armed: updateStrategy"},
		{"for ever", func(string, int) int { return http.StatusConflict }, 5, 2, false, "(tried 5 times)"},
		{"and the answer was lost", func(string, int) int { return -http.StatusInternalServerError }, 1, 0, true, "is armed: updateStrategy"},
		{"and a permission is missing", func(string, int) int { return http.StatusForbidden }, 1, 2, false, "may not patch daemonsets.apps"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newHoldServer(t)
			s.fault = c.fault
			h := s.at("")
			ends(t, h, armOf(h).run(context.Background()), c.code, c.words)
			if n := strings.Count(s.sent(), "PATCH"); n != c.sent {
				t.Errorf("%d writes, want %d", n, c.sent)
			}
			if c.armed {
				isArmed(t, s, rollout.ArmedByHand)
			} else {
				isFree(t, s)
			}
		})
	}
}

func TestArmAsksAndTries(t *testing.T) {
	s := newHoldServer(t)
	h := s.at("prod\n")
	ends(t, h, armOf(h).run(context.Background()), 0, "updateStrategy becomes OnDelete, it is RollingUpdate", `"prod" is not "train": nothing was changed`)
	h = s.at("")
	h.hold.yes = false
	ends(t, h, armOf(h).run(context.Background()), 2, "--yes")
	h = s.at("")
	h.hold.dryRun = dryClient
	ends(t, h, armOf(h).run(context.Background()), 0, "(client dry run)")
	if s.sent() != "" {
		t.Errorf("sent %s", s.sent())
	}
	h = s.at("")
	h.hold.dryRun = dryServer
	ends(t, h, armOf(h).run(context.Background()), 0, "(server dry run)")
	if s.sent() != "PATCH daemonsets/agent dry" {
		t.Errorf("sent %s", s.sent())
	}
	h = s.at("")
	h.hold.dryRun = "true"
	ends(t, h, armOf(h).run(context.Background()), 2, "--dry-run is none, client or server")
	isFree(t, s)
	h = s.at("train\n")
	ends(t, h, armOf(h).run(context.Background()), 0, "is armed")
	isArmed(t, s, rollout.ArmedByHand)
}

func TestArmRefusesWhatWouldNotHold(t *testing.T) {
	for _, c := range []struct {
		name  string
		set   func(*holdServer)
		o     armOptions
		code  int
		words string
	}{
		{"a manifest that takes it back", func(s *holdServer) {
			s.setDaemonSet(func(d *appsv1.DaemonSet) {
				d.Annotations["kubectl.kubernetes.io/last-applied-configuration"] = `{"spec":{"updateStrategy":{"type":"RollingUpdate"}}}`
			})
		}, armOptions{}, 1, "--allow-owner kubectl"},
		{"which is accepted", func(s *holdServer) {
			s.setDaemonSet(func(d *appsv1.DaemonSet) {
				d.Annotations["kubectl.kubernetes.io/last-applied-configuration"] = `{"spec":{"updateStrategy":{"type":"RollingUpdate"}}}`
			})
		}, armOptions{allowOwner: []string{"kubectl"}}, 0, "is armed"},
		{"a run", func(s *holdServer) { s.holds(storedRun(s.t, nil), nil) }, armOptions{}, 1, "a run is there: run 7f3k"},
		{"a run that cannot be read", func(s *holdServer) { s.holds([]byte(`{"version":1,"exec":"rm"}`), nil) }, armOptions{}, 1, "cannot be read"},
		{"what a run has left", func(s *holdServer) { s.armed("7f3k") }, armOptions{}, 1, "run 7f3k left the DaemonSet armed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newHoldServer(t)
			c.set(s)
			h := s.at("")
			o := c.o
			o.holdOptions = h.hold
			ends(t, h, o.run(context.Background()), c.code, c.words)
			if (s.sent() == "") != (c.code != 0) {
				t.Errorf("sent %q", s.sent())
			}
		})
	}
}

func TestArmNamesWhatIsNotThere(t *testing.T) {
	s := newHoldServer(t)
	h := s.at("")
	h.hold.target = "agnet"
	ends(t, h, armOf(h).run(context.Background()), 2, `daemonset "agnet" not found in namespace "logging"`)
}
