package rollout

import (
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	core "github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/test/cluster/simnode"
	"github.com/kubectl-ds/kubectl-ds/test/faultproxy"
)

// held keeps a request from the server until its sender is gone: what was about
// to be written when the driver was killed never is.
var held = faultproxy.Delay{Before: time.Hour}

// death is a moment at which a driver is killed, and how the run ends after.
type death struct {
	// rule holds the driver at a write; until brings about and waits for what
	// else has to be.
	rule  *faultproxy.Rule
	until func(t *testing.T, w *world, p *process)
	// phase is what the Lease says at that moment.
	phase core.Phase
	flags []string
	// after brings the world to its end, which is all pods on image.
	after func(t *testing.T, w *world)
	image string
}

func onDelete(t *testing.T, w *world) bool {
	return w.daemonSet(t.Context(), t).Spec.UpdateStrategy.Type == appsv1.OnDeleteDaemonSetStrategyType
}

func resumed(t *testing.T, w *world) { w.run(t, 0, "resume") }

// deaths are one for each phase, and for the writes between which it matters.
var deaths = map[string]death{
	"Arming, nothing is written yet": {
		rule: &faultproxy.Rule{Verb: "patch", Path: "/daemonsets/", Count: 1}, phase: core.Arming, image: newImage,
		after: func(t *testing.T, w *world) {
			// Only the process that died knew the template.
			w.run(t, 1, "resume")
			w.run(t, 1, "abort")
			w.run(t, 0, "start", fast(newImage)...)
		},
	},
	"Arming, the strategy and the template are": {
		rule: &faultproxy.Rule{Verb: "update", Path: "/leases/", Count: 1}, phase: core.Arming, image: newImage, after: resumed,
		until: func(t *testing.T, w *world, _ *process) {
			eventually(t, "the DaemonSet to be armed", func() bool { return onDelete(t, w) })
		},
	},
	"Running, nothing is in flight yet": {
		rule: &faultproxy.Rule{Verb: "update", Path: "/leases/", Count: 1, Skip: 1}, phase: core.Running, image: newImage, after: resumed,
	},
	"Running, between two waves": {
		rule: &faultproxy.Rule{Verb: "delete", Path: "/pods/", Count: 1, Skip: 1}, phase: core.Running, image: newImage, after: resumed,
	},
	"Running, in flight and not deleted": {
		rule: &faultproxy.Rule{Verb: "delete", Path: "/pods/", Count: 1}, phase: core.Running, image: newImage, after: resumed,
	},
	"Running, deleted": {
		until: func(t *testing.T, _ *world, p *process) { p.until(t, "a pod to be deleted", is(core.EventPodDeleted)) },
		phase: core.Running, image: newImage, after: resumed,
	},
	"Running, soaking": {
		until: func(t *testing.T, _ *world, p *process) { p.until(t, "a pod to be ready", is(core.EventPodReady)) },
		phase: core.Running, image: newImage, after: resumed,
	},
	"Running, cordoned and not deleted": {
		rule: &faultproxy.Rule{Verb: "delete", Path: "/pods/", Count: 1}, phase: core.Running, image: newImage, flags: []string{"--cordon"}, after: resumed,
	},
	"Running, proven and still cordoned": {
		rule: &faultproxy.Rule{Verb: "patch", Path: "/nodes/", Skip: 1, Count: 1}, phase: core.Running, image: newImage, flags: []string{"--cordon"}, after: resumed,
	},
	"Paused, with a node in flight": {
		flags: []string{"--soak", "6s"}, phase: core.Paused, image: newImage, after: resumed,
		until: func(t *testing.T, w *world, p *process) {
			p.until(t, "a pod to be ready", is(core.EventPodReady))
			w.run(t, 0, "pause")
			eventually(t, "the pause to be stored", func() bool { r := w.stored(t); return r.Phase == core.Paused && len(r.InFlight) > 0 })
		},
	},
	"Undoing": {
		phase: core.Undoing, image: oldImage, after: resumed,
		until: func(t *testing.T, w *world, p *process) {
			p.until(t, "a node to be done", is(core.EventNodeDone))
			w.run(t, 0, "undo")
			eventually(t, "the template to be back", func() bool {
				return w.daemonSet(t.Context(), t).Spec.Template.Spec.Containers[0].Image == oldImage
			})
		},
	},
	"Aborting, with a node in flight": {
		rule: &faultproxy.Rule{Verb: "patch", Path: "/nodes/", Skip: 1, Count: 1}, phase: core.Aborting, image: newImage,
		flags: []string{"--cordon", "--soak", "6s"},
		until: func(t *testing.T, w *world, p *process) {
			p.until(t, "a pod to be ready", is(core.EventPodReady))
			w.run(t, 0, "abort")
		},
		after: func(t *testing.T, w *world) {
			w.run(t, 1, "resume")
			if !onDelete(t, w) {
				t.Error("the strategy is given back although old pods are left")
			}
			w.run(t, 0, "start", "--max-unavailable", "2", "--soak", "2s")
		},
	},
	"Finishing, the strategy is not given back": {
		rule: &faultproxy.Rule{Verb: "patch", Path: "/daemonsets/", Skip: 1, Count: 1}, phase: core.Finishing, image: newImage, after: resumed,
	},
	"Ended, the lease is still there": {
		rule: &faultproxy.Rule{Verb: "delete", Path: "/leases/", Count: 1}, phase: core.Ended, image: newImage, after: resumed,
	},
}

// TestADriverIsKilledInEveryPhase kills it with SIGKILL, and lets another go on.
func TestADriverIsKilledInEveryPhase(t *testing.T) {
	t.Parallel()
	for name, d := range deaths {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 4, worldOptions{})
			proxy, _ := w.proxied(t, 1)
			var at *faultproxy.Handle
			if d.rule != nil {
				rule := *d.rule
				rule.Fault = held
				at = proxy.Add(rule)
			}
			p := w.start(t, "start", fast(newImage, d.flags...)...)
			if d.until != nil {
				d.until(t, w, p)
			}
			if at != nil {
				eventually(t, "the driver to be held at that write", func() bool { return at.Hits() > 0 })
			}
			p.kill()
			p.wait(t, -1)
			if run := w.stored(t); run.Phase != d.phase {
				t.Errorf("it was killed in phase %s, and not in %s", run.Phase, d.phase)
			}
			d.after(t, w)
			w.all(t, d.image, 4)
			v := twoAtATime
			if d.phase == core.Aborting {
				v.reported = map[string]bool{"": true}
			}
			h := w.judge(t, v)
			w.nothingLeft(t)
			if d.image == oldImage {
				return
			}
			got := deleted(h)
			slices.Sort(got)
			if want := []string{w.node(0), w.node(1), w.node(2), w.node(3)}; !slices.Equal(got, want) {
				t.Errorf("pods were deleted on %v, want each node once", got)
			}
		})
	}
}

// TestADriverIsKilledWhileStopped: one node has failed, and the other that was
// in flight has not landed yet.
func TestADriverIsKilledWhileStopped(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 4, worldOptions{})
	bad := w.node(1)
	image := simnode.Image(simnode.NeverReady, "2")
	w.patch(t, `{"spec":{"updateStrategy":{"type":"OnDelete","rollingUpdate":null},"template":{"metadata":{"annotations":{"`+
		simnode.NodesAnnotation+`":"`+bad+`"}},"spec":{"containers":[{"name":"`+agent+`","image":"`+image+`"}]}}}}`)
	w.before = w.settled(t)
	p := w.start(t, "start", "--max-unavailable", "2", "--soak", "10s", "--node-timeout", "4s")
	p.until(t, "a node to fail", is(core.EventNodeFailed))
	eventually(t, "the stop to be stored, with a node in flight", func() bool {
		r := w.stored(t)
		return r.Phase == core.Stopped && len(r.InFlight) > 0
	})
	p.kill()
	p.wait(t, -1)
	if r := w.run(t, 1, "resume"); !strings.Contains(r.stdout, bad) {
		t.Errorf("%s is not named:\n%s", bad, r.stdout)
	}
	if err := simnode.SetReady(t.Context(), shared.client, w.name, w.pods(t)[bad].Name, true); err != nil {
		t.Fatal(err)
	}
	w.run(t, 0, "retry", bad)
	w.run(t, 0, "resume")
	w.all(t, image, 4)
	w.judge(t, verdict{budget: 2, soak: 10 * time.Second})
	w.nothingLeft(t)
}
