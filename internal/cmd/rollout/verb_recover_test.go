package rollout

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/internal/testkit"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// storedRun is a run of the DaemonSet of the server.
func storedRun(t *testing.T, change func(*rollout.Run)) []byte {
	t.Helper()
	r := &rollout.Run{
		Version: rollout.SchemaVersion, Original: "RollingUpdate", Policy: (&rollout.Policy{}).WithDefaults(rollout.Context{Nodes: 1}),
		Identity: rollout.Identity{
			ClusterUID: "cluster-uid", Namespace: holdNamespace, Name: "agent", UID: testkit.DaemonSet(holdNamespace, "agent").Build().UID,
			ID: "7f3k", Epoch: 3, Started: metav1.NewTime(testkit.Now),
		},
	}
	r.Phase, r.Members, r.Size, r.Waves = rollout.Arming, rollout.Members{{Node: "n1", UID: "n1"}}, 1, []int{1}
	if change != nil {
		change(r)
	}
	data, err := rollout.EncodeRun(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

var unreadable = []byte(`{"version":1,"id":"7f3k","exec":"rm"}`)

func recoverOf(h *held) *recoverOptions {
	return &recoverOptions{holdOptions: h.hold, patience: 30 * time.Millisecond}
}

const cleanHash = "PATCH controllerrevisions/agent-" + testkit.Hash

func TestRecoverTakesEverythingBack(t *testing.T) {
	s := newHoldServer(t)
	s.armed("7f3k")
	s.cordoned("n1", rollout.Mark{Run: "7f3k"})
	s.cordoned("n2", rollout.Mark{Run: "7f3k", Prior: true})
	s.holds(unreadable, nil)
	h := s.at("train\n")
	ends(t, h, recoverOf(h).run(context.Background()), 0,
		"state   the stored run cannot be read", "will    uncordon node n1\n", "will    delete the Lease\n",
		"done    uncordon node n1\ndone    take the mark off node n2, which stays cordoned as before the run\ndone    give updateStrategy RollingUpdate back\n",
		"logging/agent on train: nothing of a run is left\n")
	isFree(t, s)
	want := "PATCH nodes/n1; PATCH nodes/n2; PATCH daemonsets/agent; " + cleanHash + "; DELETE leases/ds-rollout.agent"
	if s.sent() != want {
		t.Errorf("sent %s\nwant %s", s.sent(), want)
	}
	for name, cordoned := range map[string]bool{"n1": false, "n2": true} {
		if n := s.node(name); n.Spec.Unschedulable != cordoned || len(n.Annotations) != 0 {
			t.Errorf("%s: unschedulable %v, annotations %v", name, n.Spec.Unschedulable, n.Annotations)
		}
	}
	if s.hasLease() {
		t.Error("the Lease is left")
	}
	h = s.at("")
	ends(t, h, recoverOf(h).run(context.Background()), 0, "nothing of a run is left, and nothing was changed")
}

func TestRecoverLeavesOldPodsHeld(t *testing.T) {
	s := newHoldServer(t)
	s.armed("7f3k")
	s.outdated("n3")
	s.holds(unreadable, nil)
	h := s.at("")
	ends(t, h, recoverOf(h).run(context.Background()), 1,
		"left    Strategy: old pods remain on n3", "kubectl ds-rollout start -n logging agent", "1 of what a run has left stays")
	isArmed(t, s, rollout.ArmedByHand)
	if s.hasLease() || strings.Count(s.sent(), "daemonsets") != 1 {
		t.Errorf("the Lease is left: %v; sent %s", s.hasLease(), s.sent())
	}
	// What stays is as if armed by hand.
	h = s.at("")
	ends(t, h, disarmOf(h).run(context.Background()), 1, "old pods remain on n3")
	h = s.at("")
	ends(t, h, recoverOf(h).run(context.Background()), 0, "It is armed by hand")

	s = newHoldServer(t)
	s.armed("7f3k")
	s.outdated("n3")
	h = s.at("")
	o := recoverOf(h)
	o.handBack = true
	ends(t, h, o.run(context.Background()), 0, "the controller begins to replace old pods immediately")
	isFree(t, s)
}

func TestRecoverTouchesNoRunThatLives(t *testing.T) {
	stale := func(l *kube.Lease) { l.Holder, l.Renewed = "jane@host_1_x", time.Now().Add(-time.Hour) }
	for _, c := range []struct {
		name  string
		set   func(*holdServer)
		code  int
		words string
	}{
		{"one that can be read", func(s *holdServer) { s.holds(storedRun(s.t, nil), nil) }, 2, "kubectl ds-rollout abort"},
		{"one of a newer version", func(s *holdServer) { s.holds([]byte(`{"version":99,"new":true}`), nil) }, 2, "newer version"},
		{"one that is driven", func(s *holdServer) {
			s.holds(unreadable, func(l *kube.Lease) { l.Holder = "jane@host_1_x" })
		}, 5, "driven by jane on host, alive 0s ago"},
		{"one that is driven, and whose duration somebody edited", func(s *holdServer) {
			s.holds(unreadable, func(l *kube.Lease) { l.Holder, l.Duration = "jane@host_1_x", 0 })
		}, 5, "driven by jane on host, alive 0s ago"},
		{"one whose driver's clock is behind", func(s *holdServer) {
			s.holds(unreadable, stale)
			gets := 0
			s.reads = func(path string) {
				if path != "leases/ds-rollout.agent" {
					return
				}
				if gets++; gets == 3 {
					s.mu.Lock()
					at := metav1.NewMicroTime(s.lease.Spec.RenewTime.Add(time.Second))
					s.lease.Spec.RenewTime = &at
					s.mu.Unlock()
				}
			}
		}, 5, "Not touched"},
		{"one that begins and arms while this one reads", func(s *holdServer) {
			var once sync.Once
			s.reads = func(path string) {
				if path == "daemonsets/agent" {
					once.Do(func() {
						s.holds(storedRun(s.t, func(r *rollout.Run) { r.ID = "next" }), nil)
						s.armed("next")
					})
				}
			}
		}, 2, "run next of logging/agent"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newHoldServer(t)
			s.armed("7f3k")
			s.cordoned("n1", rollout.Mark{Run: "7f3k"})
			c.set(s)
			h := s.at("")
			ends(t, h, recoverOf(h).run(context.Background()), c.code, c.words)
			if s.sent() != "" {
				t.Errorf("sent %s", s.sent())
			}
		})
	}
}

func TestRecoverTakesWhatNobodyHolds(t *testing.T) {
	for _, c := range []struct {
		name  string
		run   func(*testing.T) []byte
		lease func(*kube.Lease)
		words string
	}{
		{"nobody renews it", func(*testing.T) []byte { return unreadable }, func(l *kube.Lease) {
			l.Holder, l.Renewed = "jane@host_1_x", time.Now().Add(-time.Hour)
		}, "making sure for"},
		{"somebody edited its duration", func(*testing.T) []byte { return unreadable }, func(l *kube.Lease) {
			l.Holder, l.Renewed, l.Duration = "jane@host_1_x", time.Now().Add(-time.Hour), 0
		}, "making sure for"},
		{"the run has ended", func(t *testing.T) []byte {
			return storedRun(t, func(r *rollout.Run) { r.Phase = rollout.Ended })
		}, nil, "run 7f3k is over"},
		{"the run is of another DaemonSet of the name", func(t *testing.T) []byte {
			return storedRun(t, func(r *rollout.Run) { r.UID = "before" })
		}, nil, "run 7f3k is over"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newHoldServer(t)
			s.holds(c.run(t), c.lease)
			h := s.at("")
			ends(t, h, recoverOf(h).run(context.Background()), 0, c.words, "nothing of a run is left")
			if s.hasLease() || s.sent() != "DELETE leases/ds-rollout.agent" {
				t.Errorf("sent %s", s.sent())
			}
		})
	}
}

func TestRecoverWhereWritesFail(t *testing.T) {
	on := func(part string, code, times int) func(string, int) int {
		return func(w string, nth int) int {
			if strings.Contains(w, part) && nth <= times {
				return code
			}
			return 0
		}
	}
	const all = "PATCH nodes/n1; PATCH daemonsets/agent; " + cleanHash + "; DELETE leases/ds-rollout.agent"
	for _, c := range []struct {
		name  string
		fault func(string, int) int
		code  int
		words string
		sent  string
		lease bool
	}{
		{"a conflict on a node", on("nodes", http.StatusConflict, 1), 0, "nothing of a run is left", "PATCH nodes/n1; " + all, false},
		{"a conflict on the DaemonSet", on("daemonsets", http.StatusConflict, 1), 0, "nothing of a run is left", strings.Replace(all, "PATCH daemonsets/agent", "PATCH daemonsets/agent; PATCH daemonsets/agent", 1), false},
		{"a conflict on the Lease", on("leases", http.StatusConflict, 1), 0, "nothing of a run is left", all + "; DELETE leases/ds-rollout.agent", false},
		{"a lost answer", on("daemonsets", -http.StatusInternalServerError, 1), 0, "nothing of a run is left", all, false},
		{"nodes may not be patched", on("nodes", http.StatusForbidden, 9), 1, "left    could not uncordon node n1: ", "PATCH nodes/n1", true},
		{"the DaemonSet may not be patched", on("daemonsets", http.StatusForbidden, 9), 1, "could not give updateStrategy", "PATCH nodes/n1; PATCH daemonsets/agent; " + cleanHash, true},
		{"revisions may not be patched", on("revisions", http.StatusForbidden, 9), 1, "could not remove the copy of the annotation", all, false},
		{"the Lease may not be deleted", on("leases", http.StatusForbidden, 9), 1, "could not delete the Lease", all, true},
		{"conflicts for ever", on("nodes", http.StatusConflict, 99), 2, "(tried 5 times)", strings.TrimSuffix(strings.Repeat("PATCH nodes/n1; ", 5), "; "), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newHoldServer(t)
			s.armed("7f3k")
			s.cordoned("n1", rollout.Mark{Run: "7f3k"})
			s.holds(unreadable, nil)
			s.fault = c.fault
			h := s.at("")
			ends(t, h, recoverOf(h).run(context.Background()), c.code, c.words)
			if s.sent() != c.sent {
				t.Errorf("sent %s\nwant %s", s.sent(), c.sent)
			}
			if s.hasLease() != c.lease {
				t.Errorf("the Lease is there: %v", s.hasLease())
			}
		})
	}
}

func TestRecoverWithoutADaemonSet(t *testing.T) {
	s := newHoldServer(t)
	s.cordoned("n1", rollout.Mark{Run: "7f3k"})
	s.cordoned("n2", rollout.Mark{Run: "other"})
	s.api.Delete(s.daemonSet())
	h := s.at("")
	ends(t, h, recoverOf(h).run(context.Background()), 2, `daemonset "agent" not found`)
	h = s.at("")
	o := recoverOf(h)
	o.runs = []string{"7f3k"}
	ends(t, h, o.run(context.Background()), 1, "done    uncordon node n1", "left    Cordon of node n2: cordoned by run other", "--run other")
	if s.sent() != "PATCH nodes/n1" {
		t.Errorf("sent %s", s.sent())
	}
}

func TestRecoverWaitsForTheController(t *testing.T) {
	s := newHoldServer(t)
	s.armed("7f3k")
	s.cordoned("n1", rollout.Mark{Run: "7f3k"})
	s.holds(unreadable, nil)
	s.setDaemonSet(func(d *appsv1.DaemonSet) { d.Generation = 2 })
	var once sync.Once
	s.reads = func(path string) {
		if path != "daemonsets/agent" || !strings.Contains(s.sent(), "nodes/n1") {
			return
		}
		once.Do(func() {
			s.setDaemonSet(func(d *appsv1.DaemonSet) { d.Status.ObservedGeneration = 2 })
		})
	}
	h := s.at("")
	h.hold.timeout = 10 * time.Second
	ends(t, h, recoverOf(h).run(context.Background()), 0, "will    wait for the DaemonSet controller", "nothing of a run is left")
	isFree(t, s)
}

func TestRecoverAsksAndShows(t *testing.T) {
	s := newHoldServer(t)
	s.armed("7f3k")
	h := s.at("no\n")
	ends(t, h, recoverOf(h).run(context.Background()), 0, "will    give updateStrategy RollingUpdate back\n", "nothing was changed")
	h = s.at("")
	h.hold.dryRun = dryClient
	ends(t, h, recoverOf(h).run(context.Background()), 0, "will    give updateStrategy RollingUpdate back (client dry run)")
	h = s.at("")
	h.hold.dryRun = dryServer
	ends(t, h, recoverOf(h).run(context.Background()), 2, "--dry-run=client alone")
	if s.sent() != "" {
		t.Errorf("sent %s", s.sent())
	}
	isArmed(t, s, "7f3k")
}
