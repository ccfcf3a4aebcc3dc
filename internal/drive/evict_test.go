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
// budget refuses is not.
func TestEvictionsAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := begin(t, 2, rollout.Running, func(p *rollout.Policy) { p.Drain = &rollout.Drain{} })
		f.whole = true
		f.pods = append(f.pods, snapshot.Pod{
			Namespace: "web", Name: "web-1", UID: "web-1", ResourceVersion: "8", Node: "n1", Phase: corev1.PodRunning, Ready: true,
			Owner: &snapshot.Owner{Kind: "ReplicaSet", Name: "web", UID: "rs"}, Full: &corev1.Pod{},
		})
		refused := false
		f.before = func(_ context.Context, line string) error {
			if line == "evict web-1" && !refused {
				refused = true
				return tooMany(1)
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
		if tried := f.lines("evict web-1"); len(tried) != 2 || tried[1].at.Sub(tried[0].at) < time.Second {
			t.Errorf("the server asked to wait a second: %v", tried)
		}
	})
}
