package kube

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/cache"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// Live is one DaemonSet, its revisions and pods, all nodes, and the Lease of
// its run, kept current by watches. It is safe for concurrent use.
type Live struct {
	r       *Reader
	source  snapshot.Source
	set     *appsv1.DaemonSet // as it was at the start: for namespace, name and selector
	changed chan struct{}
	ready   chan struct{}
	feeds   []*feed

	sets      *shelf[*appsv1.DaemonSet]
	revisions *shelf[*appsv1.ControllerRevision]
	nodes     *shelf[*corev1.Node]
	pods      *shelf[snapshot.Pod]
	lease     *shelf[leaseRead]

	mu       sync.Mutex // guards what follows
	in       snapshot.Interner
	followed map[string]*followed
	ctx      context.Context //nolint:containedctx // of the watches, which nodes in flight join and leave
}

// Watch begins to watch a DaemonSet, until ctx ends. w reads the Lease. source
// is what snapshots carry.
func (r *Reader) Watch(ctx context.Context, w *Writer, ds *appsv1.DaemonSet, source snapshot.Source) (*Live, error) {
	sel, err := podSelector(ds)
	if err != nil {
		return nil, err
	}
	l := &Live{r: r, source: source, set: ds, changed: make(chan struct{}, 1), ready: make(chan struct{}, 1), followed: map[string]*followed{}, ctx: ctx}
	l.sets = newShelf(l.wake, kept[*appsv1.DaemonSet])
	l.revisions = newShelf(l.wake, l.revision)
	l.nodes = newShelf(l.wake, func(o runtime.Object) (*corev1.Node, bool) {
		n, ok := o.(*corev1.Node)
		if ok {
			n = snapshot.TrimNode(n)
		}
		return n, ok
	})
	l.pods = newShelf(l.wake, l.pod)
	l.lease = newShelf(l.wake, readLease)
	ns := ds.Namespace
	l.start(ctx, l.sets, &feed{query: query{kind: daemonSetKind, namespace: ns, fields: nameField(ds.Name)}, client: r.apps,
		object: &appsv1.DaemonSet{}, list: func() runtime.Object { return &appsv1.DaemonSetList{} }})
	l.start(ctx, l.revisions, &feed{query: query{kind: revisionKind, namespace: ns, labels: sel.String()}, client: r.apps,
		object: &appsv1.ControllerRevision{}, list: func() runtime.Object { return &appsv1.ControllerRevisionList{} }})
	l.start(ctx, l.nodes, &feed{query: query{kind: nodeKind}, client: r.core,
		object: &corev1.Node{}, list: func() runtime.Object { return &corev1.NodeList{} }})
	l.start(ctx, l.pods, &feed{query: query{kind: podKind, namespace: ns, labels: sel.String()}, client: r.core,
		object: &corev1.Pod{}, list: func() runtime.Object { return &corev1.PodList{} }})
	l.start(ctx, l.lease, &feed{query: query{kind: leaseKind, namespace: ns, fields: nameField(rollout.LeaseName(ds.Name))}, client: w.coordination,
		object: &coordinationv1.Lease{}, list: func() runtime.Object { return &coordinationv1.LeaseList{} }})
	return l, nil
}

var leaseKind = kind{coordinationv1.GroupName, leases, "Lease"}

func nameField(name string) string {
	return fields.OneTermEqualSelector(metav1.ObjectNameField, name).String()
}

func kept[T runtime.Object](o runtime.Object) (T, bool) {
	v, ok := o.(T)
	return v, ok
}

func (l *Live) start(ctx context.Context, store cache.ReflectorStore, f *feed) {
	f.changed, f.store = l.wake, store
	l.feeds = append(l.feeds, f)
	go f.run(ctx)
}

func (l *Live) revision(o runtime.Object) (*appsv1.ControllerRevision, bool) {
	rev, ok := o.(*appsv1.ControllerRevision)
	if !ok {
		return nil, false
	}
	owner := metav1.GetControllerOfNoCopy(rev)
	return snapshot.TrimRevision(rev), owner != nil && owner.UID == l.set.UID
}

func (l *Live) pod(o runtime.Object) (snapshot.Pod, bool) {
	p, ok := o.(*corev1.Pod)
	if !ok {
		return snapshot.Pod{}, false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	v := l.in.Pod(p)
	if v.Ready && v.Deleted == 0 {
		signal(l.ready)
	}
	return v, true
}

func (l *Live) wake() { signal(l.changed) }

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Changed receives when something may be different.
func (l *Live) Changed() <-chan struct{} { return l.changed }

// Ready receives when a pod of the DaemonSet may have become ready: Changed
// does so, too.
func (l *Live) Ready() <-chan struct{} { return l.ready }

// Learn takes in an object that a write returned: it is newer than what the
// watch has said.
func (l *Live) Learn(o runtime.Object) {
	switch o := o.(type) {
	case *appsv1.DaemonSet:
		_ = l.sets.Update(o)
	case *appsv1.ControllerRevision:
		_ = l.revisions.Update(o)
	case *corev1.Node:
		_ = l.nodes.Update(o)
	case *corev1.Pod:
		_ = l.pods.Update(o)
	}
}

// syncTimeout is how long the first lists may take.
const syncTimeout = time.Minute

// Sync waits until everything was listed once.
func (l *Live) Sync(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, syncTimeout)
	defer cancel()
	var refused error
	err := wait.PollUntilContextCancel(ctx, 20*time.Millisecond, true, func(context.Context) (bool, error) {
		for _, f := range l.feeds {
			if err := f.lastError(); err != nil && AnswerOf(err) == Forbidden {
				return false, err
			} else if err != nil {
				refused = err
			}
		}
		return l.sets.isSynced() && l.revisions.isSynced() && l.nodes.isSynced() && l.pods.isSynced() && l.lease.isSynced(), nil
	})
	if err != nil && refused != nil {
		return refused
	}
	return err
}

// Snapshot is what the watches have said by now.
func (l *Live) Snapshot(now time.Time) *snapshot.Snapshot {
	s := &snapshot.Snapshot{Source: l.source, DaemonSets: l.sets.values(), Revisions: l.revisions.values(), Nodes: l.nodes.values(), Pods: l.pods.values()}
	s.Source.TakenAt = now
	for _, f := range l.feeds {
		if failed, ok := f.failure(now); ok {
			s.Incomplete = append(s.Incomplete, failed)
		}
	}
	l.addFollowed(s)
	s.Sort()
	return s
}

// leaseRead is a Lease as it can be read, once for each time that it changes.
type leaseRead struct {
	lease *Lease
	err   error
}

func readLease(o runtime.Object) (leaseRead, bool) {
	obj, ok := o.(*coordinationv1.Lease)
	if !ok {
		return leaseRead{}, false
	}
	l, err := leaseOf(obj)
	return leaseRead{l, err}, true
}

// Lease is what the watch has said of it by now; nil where it is not there.
func (l *Live) Lease() (*Lease, error) {
	for _, r := range l.lease.values() {
		return r.lease, r.err
	}
	return nil, nil
}

// Poll lists again what the watches are about. It is their backstop: a watch
// that hangs says nothing, and looks as one does where nothing happens.
func (l *Live) Poll(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	for _, f := range l.feeds {
		g.Go(func() error { return f.poll(gctx) })
	}
	return g.Wait()
}
