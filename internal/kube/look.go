package kube

import (
	"context"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"golang.org/x/sync/errgroup"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// Look reads again, past every cache, what actions depend on: the DaemonSet,
// the nodes, and the DaemonSet's pods on them, each by its name. It
// returns base with them; base is not changed.
func (l *Live) Look(ctx context.Context, base *snapshot.Snapshot, looks ...rollout.Look) (*snapshot.Snapshot, error) {
	names, withPods := map[string]bool{}, map[string]bool{}
	for _, look := range looks {
		if look.All {
			return l.lookAll(ctx)
		}
		names[look.Node] = true
		withPods[look.Node] = withPods[look.Node] || look.Pods
	}
	var set *appsv1.DaemonSet
	nodes, pods := slices.Clone(base.Nodes), slices.Clone(base.Pods)
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(concurrency)
	g.Go(func() (err error) {
		set, err = absent(getOne[appsv1.DaemonSet](gctx, l.r, daemonSetKind, l.set.Namespace, l.set.Name))
		return err
	})
	for i, n := range base.Nodes {
		if !names[n.Name] {
			continue
		}
		g.Go(func() (err error) {
			nodes[i], err = absent(getOne[corev1.Node](gctx, l.r, nodeKind, "", n.Name))
			return err
		})
	}
	gone := make([]bool, len(pods))
	for i := range base.Pods {
		p := &base.Pods[i]
		if !withPods[p.EffectiveNode()] || p.Owner == nil || p.Owner.UID != l.set.UID {
			continue
		}
		g.Go(func() error {
			full, err := absent(getOne[corev1.Pod](gctx, l.r, podKind, p.Namespace, p.Name))
			switch {
			case err != nil:
				return err
			case full == nil:
				gone[i] = true
				return nil
			}
			pods[i], _ = l.pod(full) // a namesake is what is there now
			l.Learn(full)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return l.looked(base, set, nodes, pods, gone), nil
}

// looked puts together what was read again.
func (l *Live) looked(base *snapshot.Snapshot, set *appsv1.DaemonSet, nodes []*corev1.Node, pods []snapshot.Pod, gone []bool) *snapshot.Snapshot {
	out := *base
	out.DaemonSets, out.Nodes, out.Pods = nil, nil, nil
	if set != nil {
		out.DaemonSets = []*appsv1.DaemonSet{set}
		l.Learn(set)
	}
	for i, n := range nodes {
		switch {
		case n == nil:
		case n != base.Nodes[i]:
			n = snapshot.TrimNode(n)
			l.Learn(n)
			fallthrough
		default:
			out.Nodes = append(out.Nodes, n)
		}
	}
	for i := range pods {
		if !gone[i] {
			out.Pods = append(out.Pods, pods[i])
		}
	}
	out.Sort()
	return &out
}

func absent[T any](v *T, err error) (*T, error) {
	if noSuchObject(err) {
		return nil, nil
	}
	return v, err
}

// lookAll lists what the watches are about. It is their polling backstop, too:
// what it finds stands until a watch says something newer.
func (l *Live) lookAll(ctx context.Context) (*snapshot.Snapshot, error) {
	if err := l.Poll(ctx); err != nil {
		return nil, err
	}
	return l.Snapshot(time.Now()), nil
}
