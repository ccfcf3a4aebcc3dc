package rollout

import (
	"slices"
	"testing"
	"time"

	core "github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// TestTwoHundredNodes is a plain run at the size of a real cluster.
func TestTwoHundredNodes(t *testing.T) {
	t.Parallel()
	const nodes = 200
	w := newWorld(t, nodes, worldOptions{})
	user := w.as(t, "user")
	r := w.start(t, "start", "--image", agent+"="+newImage, "--max-unavailable", "10", "--soak", "0s").wait(t, 0)
	w.all(t, newImage, nodes)
	h := w.judge(t, verdict{budget: 10})
	w.nothingLeft(t)
	done := deleted(h)
	slices.Sort(done)
	if n := len(slices.Compact(done)); n != nodes || len(done) != nodes {
		t.Errorf("%d pods were deleted on %d nodes, want one on each of %d", len(done), n, nodes)
	}
	// Everything counts: renewals of the Lease, Events, requests that failed.
	byWhat := map[string]int{}
	sent := w.wrote(t, user)
	for _, s := range sent {
		byWhat[s.Verb+" "+s.Resource]++
	}
	if perNode := float64(len(sent)) / nodes; perNode > 6 {
		t.Errorf("%.2f writes a node, want at most 6: %v", perNode, byWhat)
	}
	began, ended := eventOf(r, core.EventStarted), eventOf(r, core.EventDone)
	t.Logf("%s; %d writes: %v", ended.Sub(began).Round(time.Second), len(sent), byWhat)
}

func eventOf(r *result, kind core.EventType) time.Time {
	for i := range r.events {
		if r.events[i].Type == kind {
			return r.events[i].At
		}
	}
	return time.Time{}
}
