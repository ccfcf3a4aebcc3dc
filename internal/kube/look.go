package kube

import (
	"context"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"

	"golang.org/x/sync/errgroup"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// Look reads again, past every cache, what an action depends on, and returns
// base with it. base is not changed.
func (l *Live) Look(ctx context.Context, base *snapshot.Snapshot, look rollout.Look) (*snapshot.Snapshot, error) {
	if look.All {
		return l.lookAll(ctx)
	}
	p := l.r.newPass(nil)
	var set *appsv1.DaemonSet
	var node *corev1.Node
	var pods []snapshot.Pod
	whole := l.follows(look.Node)
	p.keepFull = whole
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		set, err = absent(getOne[appsv1.DaemonSet](gctx, l.r, daemonSetKind, l.set.Namespace, l.set.Name))
		return err
	})
	g.Go(func() (err error) {
		node, err = absent(getOne[corev1.Node](gctx, l.r, nodeKind, "", look.Node))
		return err
	})
	g.Go(func() (err error) {
		pods, err = collect(gctx, l.r, l.podsOn(look.Node, whole), p.pod, p.told("pods"))
		return err
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	out := *base
	out.DaemonSets = nil
	if set != nil {
		out.DaemonSets = []*appsv1.DaemonSet{set}
		l.Learn(set)
	}
	out.Nodes = slices.DeleteFunc(slices.Clone(base.Nodes), func(n *corev1.Node) bool { return n.Name == look.Node })
	if node != nil {
		out.Nodes = append(out.Nodes, snapshot.TrimNode(node))
		l.Learn(node)
	}
	out.Pods = slices.DeleteFunc(slices.Clone(base.Pods), func(pod snapshot.Pod) bool {
		return pod.Node == look.Node || slices.ContainsFunc(pods, func(f snapshot.Pod) bool { return f.UID == pod.UID })
	})
	out.Pods = append(out.Pods, pods...)
	out.Sort()
	return &out, nil
}

// podsOn are the DaemonSet's pods on a node, or all of them.
func (l *Live) podsOn(node string, all bool) query {
	q := query{kind: podKind, fields: fields.OneTermEqualSelector("spec.nodeName", node).String()}
	if sel, err := podSelector(l.set); err == nil && !all {
		q.namespace, q.labels = l.set.Namespace, sel.String()
	}
	return q
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
