package kube

import (
	"context"

	"golang.org/x/sync/errgroup"
	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// rolloutLeases reads who drives the rollouts that hold these DaemonSets. What
// is stored in the Leases beside that is dropped.
func (p *pass) rolloutLeases(ctx context.Context, sets []types.NamespacedName) ([]snapshot.Lease, error) {
	found := make([]*snapshot.Lease, len(sets))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(concurrency)
	for i, d := range sets {
		g.Go(func() error {
			name := snapshot.RolloutLease(d.Name)
			l, err := getOne[coordinationv1.Lease](gctx, p.r, leaseKind, d.Namespace, name)
			switch {
			case err == nil:
				rec := snapshot.LeaseOf(l)
				found[i] = &rec
			case noSuchObject(err):
				found[i] = &snapshot.Lease{Namespace: d.Namespace, Name: name, Gone: true}
			default:
				return p.note(gctx, err)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var out []snapshot.Lease
	for _, l := range found {
		if l != nil {
			out = append(out, *l)
		}
	}
	return out, nil
}
