package rollout

import (
	"strings"
	"syscall"
	"testing"
	"time"

	core "github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// TestADriverThatSleptWritesNothing stops a driver for longer than its Lease
// lasts, as a laptop that is closed, and lets another take over. The first one
// wakes up in the middle of what the other does.
func TestADriverThatSleptWritesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 8, worldOptions{})
	first := w.as(t, "first")
	p := w.start(t, "start", fast(newImage)...)
	p.until(t, "a node of the second wave to be in flight", func(e *event) bool { return e.Type == core.EventPodDeleted && e.Wave == 2 })
	p.signal(t, syscall.SIGSTOP)
	asleep := time.Now()

	w.as(t, "second")
	// While the lease may be alive, it is; after that another makes sure for as
	// long again, by its own clock.
	w.run(t, 5, "resume")
	eventually(t, "the lease to have run out", func() bool { return time.Since(asleep) > leaseDuration+5*time.Second })
	q := w.start(t, "resume")
	q.until(t, "the other one to go on", is(core.EventPodDeleted))
	if slept := time.Since(asleep); slept < leaseDuration {
		t.Errorf("the run was taken after %s, while the driver's lease lasts %s", slept, leaseDuration)
	}
	p.signal(t, syscall.SIGCONT)
	if r := p.wait(t, 5); !strings.Contains(r.stderr, "somebody else") {
		t.Errorf("it does not say who drives now:\n%s", r.stderr)
	}
	q.wait(t, 0)
	w.all(t, newImage, 8)
	w.judge(t, twoAtATime)
	w.nothingLeft(t)
	for _, r := range w.wrote(t, first) {
		// What was under way when it was stopped may be logged a moment later.
		if r.At.After(asleep.Add(time.Second)) {
			t.Errorf("it slept from %s, and sent at %s: %s", asleep.UTC(), r.At, r)
		}
	}
}
