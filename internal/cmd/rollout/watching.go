package rollout

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// watching are watches, and how to end them.
type watching struct {
	*kube.Live
	stop context.CancelFunc
}

// watch begins to watch a DaemonSet, until ctx ends or the watches are
// stopped.
func (c *connection) watch(ctx context.Context, ds *appsv1.DaemonSet, cluster types.UID) (*watching, error) {
	ctx, stop := context.WithCancel(ctx)
	live, err := c.reader.Watch(ctx, c.writer, ds, snapshot.Source{Context: c.Context, Server: c.reader.Server(), ClusterUID: cluster})
	if err != nil {
		stop()
		return nil, err
	}
	return &watching{live, stop}, nil
}
