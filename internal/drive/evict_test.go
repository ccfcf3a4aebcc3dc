package drive

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// Evictions move pods of others, and are told as the deletes are; one that a
// budget refuses is not, and one that the next look does not show is told once.
func TestEvictionsAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := begin(t, 2, rollout.Running, func(p *rollout.Policy) { p.Drain = &rollout.Drain{} })
		f.whole = true
		web := snapshot.Pod{
			Namespace: "web", Name: "web-1", UID: "web-1", ResourceVersion: "8", Node: "n1", Phase: corev1.PodRunning, Ready: true,
			Owner: &snapshot.Owner{Kind: "ReplicaSet", Name: "web", UID: "rs"}, Full: &corev1.Pod{},
		}
		f.pods = append(f.pods, web)
		refused, late := false, false
		f.before = func(_ context.Context, line string) error {
			if line == "evict web-1" && !refused {
				refused = true
				return tooMany(1)
			}
			return nil
		}
		f.after = func(line string) error {
			f.mu.Lock()
			defer f.mu.Unlock()
			if line == "evict web-1" && !late {
				late, f.pods = true, append(f.pods, web)
			}
			return nil
		}
		f.mustFinish(f.drive())
		var told []rollout.Event
		for _, e := range f.watcher.events {
			if e.Type == rollout.EventPodEvicted {
				told = append(told, e)
			}
		}
		if !refused || len(told) != 1 || told[0].Node != "n1" || told[0].Pod != "web/web-1" || told[0].Wave != 1 || told[0].Run != "r1" || told[0].At.IsZero() {
			t.Errorf("got %+v", told)
		}
		if tried := f.lines("evict web-1"); len(tried) != 3 || tried[1].at.Sub(tried[0].at) < time.Second {
			t.Errorf("the server asked to wait a second: %v", tried)
		}
	})
}
