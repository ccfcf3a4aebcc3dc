package rollout

import (
	"strings"
	"testing"
	"time"

	core "github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/test/faultproxy"
)

// TestARunThatATimeHasPausedGoesOn with no time or a new one, and is taken back
// without.
func TestARunThatATimeHasPausedGoesOn(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(t *testing.T, w *world){
		"without one": func(t *testing.T, w *world) {
			w.run(t, 0, "resume", "--until", "none")
			w.all(t, newImage, 4)
		},
		"with a later one": func(t *testing.T, w *world) {
			w.run(t, 0, "resume", "--until", time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
			w.all(t, newImage, 4)
		},
		"back": func(t *testing.T, w *world) {
			w.run(t, 0, "undo")
			w.all(t, oldImage, 4)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 4, worldOptions{})
			// The second node is started after that at the latest.
			until := time.Now().Add(3 * time.Second).UTC().Format(time.RFC3339)
			r := w.run(t, 4, "start", "--image", agent+"="+newImage, "--soak", "4s", "--node-timeout", "30s", "--until", until)
			if got := w.images(t); got[oldImage] == 0 || !strings.Contains(r.stdout, "resume -n "+w.name+" agent --until none --yes") {
				t.Errorf("ready pods are %v, and the screen says\n%s", got, r.stdout)
			}
			if got := w.stored(t); got.Because == nil || got.Because.Code != core.PauseUntil {
				t.Errorf("it rests because of %+v", got.Because)
			}
			w.run(t, 2, "resume").oneLine(t, "is past", "--until none")
			end(t, w)
			w.judge(t, verdict{budget: 1, soak: 4 * time.Second})
			w.nothingLeft(t)
		})
	}
}

// TestARunThatIsAnotherByNowIsNotTaken: between the look at a run and the write
// that takes it, that one is ended and another is begun.
func TestARunThatIsAnotherByNowIsNotTaken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 4, worldOptions{})
	proxy, _ := w.proxied(t, 1)
	canary := fast(newImage, "--waves", "1,100%", "--pause-after", "canary")
	w.run(t, 4, "start", canary...)
	first := w.stored(t).ID
	slow := proxy.Add(faultproxy.Rule{Verb: "update", Path: "/leases/", Count: 1, Fault: faultproxy.Delay{Before: 40 * time.Second}})
	late := w.start(t, "resume")
	eventually(t, "resume to take the Lease", func() bool { return slow.Hits() == 1 })
	w.run(t, 1, "abort")
	w.run(t, 4, "start", fast(newImage, "--waves", "1,100%", "--pause-after", "canary")...)
	second := w.stored(t)
	r := late.wait(t, 5)
	r.oneLine(t, "run "+first, "run "+second.ID, "was not touched", "status")
	if now := w.stored(t); now.ID != second.ID || now.Phase != core.Paused || now.Epoch != second.Epoch {
		t.Errorf("run %s is %s of epoch %d", now.ID, now.Phase, now.Epoch)
	}
	w.run(t, 0, "approve")
	w.run(t, 0, "resume")
	w.all(t, newImage, 4)
	w.judge(t, twoAtATime)
	w.nothingLeft(t)
}
