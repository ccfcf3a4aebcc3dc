package rollout

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

func disarmOf(h *held) *disarmOptions { return &disarmOptions{holdOptions: h.hold} }

func TestDisarmGivesBackAndCleansUp(t *testing.T) {
	s := newHoldServer(t)
	s.armed(rollout.ArmedByHand)
	h := s.at("")
	ends(t, h, disarmOf(h).run(context.Background()), 0, "logging/agent on train is disarmed: updateStrategy is RollingUpdate\n")
	isFree(t, s)
	if want := "PATCH daemonsets/agent; PATCH controllerrevisions/agent-" + testkit.Hash; s.sent() != want {
		t.Errorf("sent %s, want %s", s.sent(), want)
	}
	h = s.at("")
	ends(t, h, disarmOf(h).run(context.Background()), 0, "is not armed; updateStrategy is RollingUpdate")
}

func TestDisarmRefusesWhatWouldRollAtOnce(t *testing.T) {
	s := newHoldServer(t)
	s.armed(rollout.ArmedByHand)
	s.outdated("n0", "n1", "n2", "n3")
	h := s.at("")
	ends(t, h, disarmOf(h).run(context.Background()), 1, "old pods remain on n0, n1, n2, +1", "(4 in all)", "--hand-back", "kubectl ds-rollout start")
	isArmed(t, s, rollout.ArmedByHand)
	if s.sent() != "" {
		t.Errorf("sent %s", s.sent())
	}
	h = s.at("train\n")
	o := disarmOf(h)
	o.handBack = true
	ends(t, h, o.run(context.Background()), 0, "the controller begins to replace the old pods of 4 nodes immediately, up to maxUnavailable at a time", "is disarmed")
	isFree(t, s)
}

// What a run left armed that ended with old pods is given back as what arm
// took: there is no run any more to ask.
func TestDisarmGivesBackWhatAnEndedRunLeft(t *testing.T) {
	s := newHoldServer(t)
	s.armed("7f3k")
	s.outdated("n0", "n1")
	h := s.at("")
	ends(t, h, disarmOf(h).run(context.Background()), 1, "old pods remain on n0, n1", "kubectl ds-rollout disarm -n logging agent", "--hand-back")
	isArmed(t, s, "7f3k")
	h = s.at("train\n")
	o := disarmOf(h)
	o.handBack = true
	ends(t, h, o.run(context.Background()), 0, "is disarmed: updateStrategy is RollingUpdate")
	isFree(t, s)
}

// A template that changes after the reads makes every pod an old one, which
// what was read does not show: the write must not go through.
func TestDisarmSeesATemplateThatChangesMeanwhile(t *testing.T) {
	s := newHoldServer(t)
	s.armed(rollout.ArmedByHand)
	var once sync.Once
	s.reads = func(path string) {
		if !strings.HasPrefix(path, "leases/") { // read last
			return
		}
		once.Do(func() {
			s.setDaemonSet(func(d *appsv1.DaemonSet) {
				d.Spec.Template.Spec.Containers[0].Image = "registry.example/agent:2"
				d.Generation, d.Status.ObservedGeneration = 2, 2
			})
			s.put(testkit.Revision(s.daemonSet(), "new", 3, time.Second))
		})
	}
	h := s.at("")
	ends(t, h, disarmOf(h).run(context.Background()), 1, "old pods remain")
	isArmed(t, s, rollout.ArmedByHand)
	if s.sent() != "PATCH daemonsets/agent" {
		t.Errorf("sent %s", s.sent())
	}
}

func TestDisarmWaitsForTheController(t *testing.T) {
	s := newHoldServer(t)
	s.armed(rollout.ArmedByHand)
	s.setDaemonSet(func(d *appsv1.DaemonSet) { d.Generation = 2 })
	gets := 0
	s.reads = func(path string) {
		if path != "daemonsets/agent" {
			return
		}
		if gets++; gets == 6 {
			s.setDaemonSet(func(d *appsv1.DaemonSet) { d.Status.ObservedGeneration = 2 })
		}
	}
	h := s.at("")
	ends(t, h, disarmOf(h).run(context.Background()), 0, "is disarmed")
	isFree(t, s)

	s = newHoldServer(t)
	s.armed(rollout.ArmedByHand)
	s.setDaemonSet(func(d *appsv1.DaemonSet) { d.Generation = 2 })
	h = s.at("")
	h.hold.timeout = 20 * time.Millisecond
	o := disarmOf(h)
	o.handBack = true
	ends(t, h, o.run(context.Background()), 6, "has not taken in the newest change")
	isArmed(t, s, rollout.ArmedByHand)
}

func TestDisarmLeavesOthersAlone(t *testing.T) {
	for _, c := range []struct {
		name  string
		set   func(*holdServer)
		code  int
		words string
	}{
		{"a run", func(s *holdServer) { s.armed("7f3k"); s.holds(storedRun(s.t, nil), nil) }, 1, "a run is there: run 7f3k; end it: kubectl ds-rollout abort"},
		{"a cordon of a run that is over", func(s *holdServer) {
			s.armed("7f3k")
			s.cordoned("n1", rollout.Mark{Run: "7f3k"})
		}, 1, "its cordon of node n1 still is; take back what it left first: kubectl ds-rollout recover"},
		{"an annotation that somebody edited", func(s *holdServer) {
			s.setDaemonSet(func(d *appsv1.DaemonSet) { d.Annotations[rollout.ArmAnnotation] = "{" })
		}, 1, "remove the annotation"},
		{"copies alone", func(s *holdServer) {
			s.armed(rollout.ArmedByHand)
			s.setDaemonSet(func(d *appsv1.DaemonSet) { delete(d.Annotations, rollout.ArmAnnotation) })
		}, 0, "is not armed; updateStrategy is OnDelete with maxUnavailable 2\nCopies of the annotation are left"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newHoldServer(t)
			c.set(s)
			h := s.at("")
			ends(t, h, disarmOf(h).run(context.Background()), c.code, c.words)
			if s.sent() != "" {
				t.Errorf("sent %s", s.sent())
			}
		})
	}
}

func TestDisarmWhereOthersWriteToo(t *testing.T) {
	revision := "PATCH controllerrevisions/agent-" + testkit.Hash
	for _, c := range []struct {
		name  string
		fault func(string, int) int
		sent  string
		code  int
		words string
		free  bool
	}{
		{"a conflict", func(w string, nth int) int {
			if nth == 1 {
				return http.StatusConflict
			}
			return 0
		}, "PATCH daemonsets/agent; PATCH daemonsets/agent; " + revision + "; " + revision, 0, "is disarmed", true},
		{"a lost answer", func(w string, nth int) int {
			if strings.Contains(w, "daemonsets") {
				return -http.StatusInternalServerError
			}
			return 0
		}, "PATCH daemonsets/agent; " + revision, 0, "is disarmed", true},
		{"copies that may not be removed", func(w string, nth int) int {
			if strings.Contains(w, "daemonsets") {
				return 0
			}
			return http.StatusForbidden
		}, "PATCH daemonsets/agent; " + revision, 1, "copies of the annotation are left; agent-" + testkit.Hash + ": ", true},
		{"a permission that is missing", func(string, int) int { return http.StatusForbidden }, "PATCH daemonsets/agent", 2, "may not patch daemonsets.apps", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newHoldServer(t)
			s.armed(rollout.ArmedByHand)
			s.fault = c.fault
			h := s.at("")
			ends(t, h, disarmOf(h).run(context.Background()), c.code, c.words)
			if s.sent() != c.sent {
				t.Errorf("sent %s\nwant %s", s.sent(), c.sent)
			}
			if c.free {
				isFree(t, s)
			} else {
				isArmed(t, s, rollout.ArmedByHand)
			}
		})
	}
}

func TestDisarmTries(t *testing.T) {
	for dry, sent := range map[string]string{
		dryClient: "", dryServer: "PATCH daemonsets/agent dry; PATCH controllerrevisions/agent-" + testkit.Hash + " dry",
	} {
		s := newHoldServer(t)
		s.armed(rollout.ArmedByHand)
		h := s.at("")
		h.hold.dryRun = dry
		ends(t, h, disarmOf(h).run(context.Background()), 0, "is disarmed", "("+dry+" dry run)")
		if s.sent() != sent {
			t.Errorf("sent %q, want %q", s.sent(), sent)
		}
		isArmed(t, s, rollout.ArmedByHand)
	}
}
