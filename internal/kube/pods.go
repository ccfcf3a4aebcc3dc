package kube

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// templateGeneration is the label that only the DaemonSet controller sets, on
// every pod it creates: extensions/v1beta1.DaemonSetTemplateGenerationKey. An
// adopted orphan may lack it; ReadMore finds those.
const templateGeneration = "pod-template-generation"

// narrowLimit is up to how many selected DaemonSets have their pods listed one
// by one; the server scans a namespace for each.
const narrowLimit = 8

// readPods reads the pods of the scope.
func (p *pass) readPods(ctx context.Context, req Request) (err error) {
	switch {
	case req.AllPods:
		p.snap.Pods, err = p.allPods(ctx)
	case p.narrow(req.Scope):
		var lists []ownedPods
		lists, err = p.podsByOwner(ctx, p.snap.DaemonSets)
		p.snap.Pods = mergeOwned(nil, lists)
	default:
		p.snap.Pods, err = collectWide(ctx, p, p.wide(req.Scope, query{kind: podKind, labels: templateGeneration}), p.pod)
	}
	return err
}

// narrow reports whether the pods are listed one DaemonSet at a time.
func (p *pass) narrow(scope snapshot.Scope) bool {
	return len(scope.Names) > 0 || scope.Selector != nil && !scope.Selector.Empty() && len(p.snap.DaemonSets) <= narrowLimit
}

func (p *pass) allPods(ctx context.Context) ([]snapshot.Pod, error) {
	pods, err := collect(ctx, p.r, query{kind: podKind}, p.pod, p.told("pods"))
	if err == nil || fatal(ctx, err) {
		return pods, err
	}
	p.snap.AllPods = false
	if !failureOf(err).Forbidden {
		return nil, p.note(ctx, err)
	}
	// No failure is recorded for the whole: it would cast doubt on namespaces
	// that can be read. AllPods says that the rest is not there.
	queries := []query{}
	for _, ns := range p.namespaces() {
		queries = append(queries, query{kind: podKind, namespace: ns})
	}
	return collectWide(ctx, p, queries, p.pod)
}

// namespaces are those of the DaemonSets, sorted.
func (p *pass) namespaces() []string {
	var out []string
	for _, d := range p.snap.DaemonSets {
		out = append(out, d.Namespace)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// pod decodes one pod to what is kept of it.
func (p *pass) pod(raw []byte, json bool) (snapshot.Pod, bool, error) {
	pod, err := decodeObject[corev1.Pod](raw, json)
	if err != nil {
		return snapshot.Pod{}, false, err
	}
	p.mu.Lock() // the interner is shared by all lists of a pass
	defer p.mu.Unlock()
	if p.keepFull {
		return p.in.FullPod(pod), true, nil
	}
	return p.in.Pod(pod), true, nil
}

// ownedPods are the pods that a DaemonSet's own selector found.
type ownedPods struct {
	namespace string
	uid       types.UID
	selector  labels.Selector
	pods      []snapshot.Pod
}

// podsByOwner lists the pods of each DaemonSet by its selector. One that
// cannot be listed is recorded and left out.
func (p *pass) podsByOwner(ctx context.Context, sets []*appsv1.DaemonSet) ([]ownedPods, error) {
	out := make([]ownedPods, len(sets))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(concurrency)
	for i, d := range sets {
		q := query{kind: podKind, namespace: d.Namespace}
		sel, err := podSelector(d)
		if err != nil {
			p.record(failureOf(q.wrap(err)))
			continue
		}
		q.labels = sel.String()
		g.Go(func() error {
			pods, err := collect(gctx, p.r, q, p.pod, p.told("pods of "+d.Name))
			if err != nil {
				return p.note(gctx, err)
			}
			out[i] = ownedPods{d.Namespace, d.UID, sel, pods}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(out, func(o ownedPods) bool { return o.selector == nil }), nil
}

// mergeOwned replaces in pods what the lists speak about: pods owned by one of
// their DaemonSets, or selected by one in its namespace. A pod that is owned
// by a listed DaemonSet counts only if that DaemonSet's own list has it; where
// selectors overlap, the first list that has an other pod gives it.
func mergeOwned(pods []snapshot.Pod, lists []ownedPods) []snapshot.Pod {
	owners := map[types.UID]bool{}
	byNamespace := map[string][]ownedPods{}
	total := 0
	for _, l := range lists {
		owners[l.uid] = true
		byNamespace[l.namespace] = append(byNamespace[l.namespace], l)
		total += len(l.pods)
	}
	out := slices.Grow(slices.DeleteFunc(pods, func(pod snapshot.Pod) bool {
		return spokenFor(&pod, owners, byNamespace)
	}), total)
	foreign := map[types.UID]bool{}
	for _, l := range lists {
		for i := range l.pods {
			pod := &l.pods[i]
			if pod.Owner == nil || !owners[pod.Owner.UID] {
				if foreign[pod.UID] {
					continue
				}
				foreign[pod.UID] = true
			} else if pod.Owner.UID != l.uid {
				continue
			}
			out = append(out, *pod)
		}
	}
	return out
}

func spokenFor(pod *snapshot.Pod, owners map[types.UID]bool, byNamespace map[string][]ownedPods) bool {
	if pod.Owner != nil && owners[pod.Owner.UID] {
		return true
	}
	return slices.ContainsFunc(byNamespace[pod.Namespace], func(l ownedPods) bool {
		return l.selector.Matches(labels.Set(pod.Labels))
	})
}

func concat[T any](lists [][]T) []T {
	n := 0
	for _, l := range lists {
		n += len(l)
	}
	out := make([]T, 0, n)
	for _, l := range lists {
		out = append(out, l...)
	}
	return out
}
