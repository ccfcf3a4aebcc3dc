package kube

import (
	"context"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// maxNamespaceGets is up to how many namespaces are read one by one.
const maxNamespaceGets = 10

// ReadMore reads what a first analysis of snap asks for and adds it to snap,
// with the same rules for failures as Read. On error snap is as it was.
//
// What a DaemonSet's own list says about its pods is final: it also replaces
// what a node's list, which is read after it, says about them.
//
// An empty name in EventNamespaces or Namespaces means all of them.
func (r *Reader) ReadMore(ctx context.Context, snap *snapshot.Snapshot, more snapshot.More) error {
	p := r.newPass(nil)
	// Where every pod of the first pass is whole, those of the second are.
	p.keepFull = len(snap.Pods) > 0 && !slices.ContainsFunc(snap.Pods, func(pod snapshot.Pod) bool { return pod.Full == nil })
	var res moreResult
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		res.owned, err = p.podsByOwner(gctx, wantedSets(snap, more))
		return err
	})
	g.Go(func() (err error) {
		res.events, err = p.events(gctx, more.EventNamespaces)
		return err
	})
	g.Go(func() (err error) {
		res.namespaces, err = p.namespaceRecords(gctx, more.Namespaces)
		return err
	})
	g.Go(func() (err error) {
		res.leases, err = p.rolloutLeases(gctx, more.Held)
		return err
	})
	if err := g.Wait(); err != nil {
		return err
	}
	var err error
	if res.nodes, err = p.nodePods(ctx, more.Nodes); err != nil {
		return err
	}
	res.mergeInto(snap)
	snap.Incomplete = append(snap.Incomplete, p.snap.Incomplete...)
	snap.Sort()
	return nil
}

// wantedSets are the DaemonSets of more that the snapshot has.
func wantedSets(snap *snapshot.Snapshot, more snapshot.More) []*appsv1.DaemonSet {
	var out []*appsv1.DaemonSet
	for _, d := range snap.DaemonSets {
		if slices.Contains(more.DaemonSets, types.NamespacedName{Namespace: d.Namespace, Name: d.Name}) {
			out = append(out, d)
		}
	}
	return out
}

// eventsOf are the Warning events of one namespace.
type eventsOf struct {
	namespace string
	events    []snapshot.Event
}

func (p *pass) events(ctx context.Context, namespaces []string) ([]eventsOf, error) {
	namespaces = unique(namespaces)
	lists := make([]*eventsOf, len(namespaces))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(concurrency)
	for i, ns := range namespaces {
		g.Go(func() error {
			q := query{kind: eventKind, namespace: ns, fields: fields.OneTermEqualSelector("type", corev1.EventTypeWarning).String()}
			events, err := collect(gctx, p.r, q, func(raw []byte, json bool) (snapshot.Event, bool, error) {
				e, err := decodeObject[corev1.Event](raw, json)
				if err != nil {
					return snapshot.Event{}, false, err
				}
				p.mu.Lock()
				defer p.mu.Unlock()
				return p.in.EventOf(e), true, nil
			}, p.told("events"))
			if err != nil {
				return p.note(gctx, err)
			}
			lists[i] = &eventsOf{ns, events}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var out []eventsOf
	for _, l := range lists {
		if l != nil {
			out = append(out, *l)
		}
	}
	return out, nil
}

func (p *pass) namespaceRecords(ctx context.Context, names []string) ([]snapshot.Namespace, error) {
	names = unique(names)
	all := slices.Contains(names, "")
	if all || len(names) > maxNamespaceGets {
		out, err := collect(ctx, p.r, query{kind: namespaceKind}, func(raw []byte, json bool) (snapshot.Namespace, bool, error) {
			ns, err := decodeObject[corev1.Namespace](raw, json)
			if err != nil {
				return snapshot.Namespace{}, false, err
			}
			return snapshot.NamespaceOf(ns), all || slices.Contains(names, ns.Name), nil
		}, p.told("namespaces"))
		return out, p.note(ctx, err)
	}
	found := make([]*snapshot.Namespace, len(names))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(concurrency)
	for i, name := range names {
		g.Go(func() error {
			ns, err := getOne[corev1.Namespace](gctx, p.r, namespaceKind, "", name)
			if err != nil {
				if noSuchObject(err) {
					return nil // deleted meanwhile; absent says so
				}
				return p.note(gctx, err)
			}
			rec := snapshot.NamespaceOf(ns)
			found[i] = &rec
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var out []snapshot.Namespace
	for _, ns := range found {
		if ns != nil {
			out = append(out, *ns)
		}
	}
	return out, nil
}

// nominated asks for the pods that wait, and for which the scheduler keeps room
// on a node.
var nominated = fields.AndSelectors(
	fields.OneTermEqualSelector("spec.nodeName", ""), fields.OneTermNotEqualSelector("status.nominatedNodeName", ""))

// nodePods lists the pods bound to each node, after those that wait for room on
// any node: who is bound meanwhile is in the later list.
func (p *pass) nodePods(ctx context.Context, nodes []string) ([]podsOfNode, error) {
	if len(nodes) == 0 {
		return nil, nil
	}
	var refused atomic.Bool
	list := func(ctx context.Context, node, selector, what string) (*podsOfNode, error) {
		pods, err := collect(ctx, p.r, query{kind: podKind, fields: selector}, p.pod, p.told(what))
		if err == nil {
			return &podsOfNode{node, pods}, nil
		}
		if fatal(ctx, err) {
			return nil, err
		}
		f := failureOf(err)
		f.Resource = snapshot.ResourceNodePods
		if f.Forbidden {
			refused.Store(true)
		}
		p.record(f)
		return nil, nil
	}
	waiting, err := list(ctx, "", nominated.String(), "pods nominated to nodes")
	if err != nil {
		return nil, err
	}
	nodes = unique(nodes)
	lists := make([]*podsOfNode, len(nodes))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(concurrency)
	for i, node := range nodes {
		g.Go(func() error {
			if refused.Load() {
				return nil // the same role would refuse all of them
			}
			var err error
			lists[i], err = list(gctx, node, fields.OneTermEqualSelector("spec.nodeName", node).String(), "pods on "+node)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var out []podsOfNode
	for _, l := range append([]*podsOfNode{waiting}, lists...) {
		if l != nil {
			out = append(out, *l)
		}
	}
	return out, nil
}

func unique(names []string) []string { return slices.Compact(slices.Sorted(slices.Values(names))) }
