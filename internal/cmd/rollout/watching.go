package rollout

import (
	"context"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// watching are watches, and how to end them.
type watching struct {
	*kube.Live
	begun time.Time
	stop  context.CancelFunc
}

// freshFor is how long watches that were begun ahead stand for lists of now. A
// driver believes its watches for a while without a list; one that has hung
// while a person read the plan would be believed for that much longer.
const freshFor = 5 * time.Second

// ifFresh gives the watches that were begun ahead, or ends them. Both clocks
// are asked: the monotonic one stands still while a laptop sleeps.
func (w *watching) ifFresh(now time.Time) *watching {
	switch {
	case w == nil:
		return nil
	case max(now.Sub(w.begun), now.Round(0).Sub(w.begun.Round(0))) < freshFor:
		return w
	}
	w.stop()
	return nil
}

// watch begins to watch a DaemonSet, until ctx ends or the watches are
// stopped.
func (c *connection) watch(ctx context.Context, ds *appsv1.DaemonSet, cluster types.UID) (*watching, error) {
	ctx, stop := context.WithCancel(ctx)
	begun := time.Now()
	live, err := c.reader.Watch(ctx, c.writer, ds, snapshot.Source{Context: c.Context, Server: c.reader.Server(), ClusterUID: cluster})
	if err != nil {
		stop()
		return nil, err
	}
	return &watching{live, begun, stop}, nil
}
