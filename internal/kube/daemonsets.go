package kube

import (
	"context"
	"errors"
	"slices"

	"golang.org/x/sync/errgroup"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// maxGets is up to how many names are read one by one; a list is cheaper then.
const maxGets = 5

// byName reports whether the DaemonSets of a scope are read by GET.
func byName(s snapshot.Scope) bool {
	return s.Namespace != "" && len(s.Names) > 0 && len(s.Names) <= maxGets
}

// daemonSets reads those of a scope, sorted as in a snapshot. A name that does
// not exist is an error.
func (p *pass) daemonSets(ctx context.Context, scope snapshot.Scope) ([]*appsv1.DaemonSet, error) {
	found, err := p.findDaemonSets(ctx, scope)
	if err != nil {
		return nil, err
	}
	for _, name := range scope.Names {
		if !slices.ContainsFunc(found, func(d *appsv1.DaemonSet) bool { return d.Name == name }) {
			return nil, p.notFound(ctx, scope.Namespace, name)
		}
	}
	return slices.DeleteFunc(found, func(d *appsv1.DaemonSet) bool { return !scope.Match(d) }), nil
}

// findDaemonSets reads what a scope names; absent names are just not there.
func (p *pass) findDaemonSets(ctx context.Context, scope snapshot.Scope) ([]*appsv1.DaemonSet, error) {
	if !byName(scope) {
		q := query{kind: daemonSetKind, namespace: scope.Namespace}
		if scope.Selector != nil && len(scope.Names) == 0 {
			q.labels = scope.Selector.String()
		}
		all, err := p.listDaemonSets(ctx, q)
		if err != nil || len(scope.Names) == 0 {
			return all, err
		}
		return slices.DeleteFunc(all, func(d *appsv1.DaemonSet) bool { return !slices.Contains(scope.Names, d.Name) }), nil
	}
	names := slices.Compact(slices.Sorted(slices.Values(scope.Names)))
	found := make([]*appsv1.DaemonSet, len(names))
	g, gctx := errgroup.WithContext(ctx)
	for i, name := range names {
		g.Go(func() error {
			d, err := getOne[appsv1.DaemonSet](gctx, p.r, daemonSetKind, scope.Namespace, name)
			switch {
			case err == nil:
				found[i] = snapshot.TrimDaemonSet(d)
			case !noSuchObject(err):
				return err
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(found, func(d *appsv1.DaemonSet) bool { return d == nil }), nil
}

func (p *pass) listDaemonSets(ctx context.Context, q query) ([]*appsv1.DaemonSet, error) {
	return collect(ctx, p.r, q, func(raw []byte, json bool) (*appsv1.DaemonSet, bool, error) {
		d, err := decodeObject[appsv1.DaemonSet](raw, json)
		if err != nil {
			return nil, false, err
		}
		return snapshot.TrimDaemonSet(d), true, nil
	}, p.told("daemonsets"))
}

// notFound collects what may have been meant. It is help beside an error, so
// its own failures do not show, except the end of ctx.
func (p *pass) notFound(ctx context.Context, namespace, name string) error {
	e := &NotFoundError{Namespace: namespace, Name: name}
	here, err := p.listDaemonSets(ctx, query{kind: daemonSetKind, namespace: namespace})
	if err != nil && fatal(ctx, err) {
		return err
	}
	for _, d := range here {
		e.Existing = append(e.Existing, d.Name)
	}
	slices.Sort(e.Existing)
	e.Existing = slices.Compact(e.Existing)
	if namespace == "" {
		return e
	}
	elsewhere, err := p.listDaemonSets(ctx, query{
		kind:   daemonSetKind,
		fields: fields.OneTermEqualSelector(metav1.ObjectNameField, name).String(),
	})
	if err != nil && fatal(ctx, err) {
		return err
	}
	var others []string
	for _, d := range elsewhere {
		if d.Name == name { // a server may not know the field
			others = append(others, d.Namespace+"/"+d.Name)
		}
	}
	slices.Sort(others)
	e.Existing = append(e.Existing, others...)
	return e
}

// DaemonSetNamespaces lists the namespaces that have DaemonSets, in order: help
// where one has none.
func (r *Reader) DaemonSetNamespaces(ctx context.Context) ([]string, error) {
	all, err := r.newPass(nil).listDaemonSets(ctx, query{kind: daemonSetKind})
	if err != nil {
		return nil, err
	}
	var out []string
	for _, d := range all {
		out = append(out, d.Namespace)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// readAgain reads the DaemonSets a second time, after the pods. One that is
// gone is dropped; one that appeared meanwhile is not taken in, since its pods
// were not asked for. Status and generation are the newer ones, and revisions
// that may lack the one of a generation observed since are listed again: the
// pods of the template before would pass for current.
func (p *pass) readAgain(ctx context.Context, scope snapshot.Scope) error {
	if len(p.snap.DaemonSets) == 0 {
		return nil
	}
	again, err := p.findDaemonSets(ctx, scope)
	if err != nil {
		return p.note(ctx, err) // the first reading stands
	}
	newer := map[string]*appsv1.DaemonSet{}
	for _, d := range again {
		newer[d.Namespace+"/"+d.Name] = d
	}
	kept, outrun := p.snap.DaemonSets[:0], false
	for _, d := range p.snap.DaemonSets {
		if second := newer[d.Namespace+"/"+d.Name]; second != nil {
			now := newerOf(d, second)
			outrun = outrun || now.UID != d.UID || now.Status.ObservedGeneration > d.Status.ObservedGeneration
			kept = append(kept, now)
		}
	}
	clear(p.snap.DaemonSets[len(kept):])
	p.snap.DaemonSets = kept
	if !outrun {
		return nil
	}
	p.snap.Incomplete = slices.DeleteFunc(p.snap.Incomplete, func(f snapshot.ReadFailure) bool { return f.Resource == snapshot.ResourceRevisions })
	return p.readRevisions(ctx, scope)
}

// newerOf prefers the second reading, unless a stale server gave it.
func newerOf(first, second *appsv1.DaemonSet) *appsv1.DaemonSet {
	if first.UID == second.UID && (second.Generation < first.Generation ||
		second.Generation == first.Generation && second.Status.ObservedGeneration < first.Status.ObservedGeneration) {
		return first
	}
	return second
}

// podSelector is the selector of a DaemonSet's pods. One that selects
// everything is refused as the controller does (syncDaemonSet,
// pkg/controller/daemon, v1.37.2); a nil one would select nothing there, but
// would ask the server for everything.
func podSelector(d *appsv1.DaemonSet) (labels.Selector, error) {
	if d.Spec.Selector == nil {
		return nil, errors.New("the DaemonSet has no selector")
	}
	sel, err := metav1.LabelSelectorAsSelector(d.Spec.Selector)
	if err != nil {
		return nil, err
	}
	if sel.Empty() {
		return nil, errors.New("the selector of the DaemonSet is empty")
	}
	return sel, nil
}
