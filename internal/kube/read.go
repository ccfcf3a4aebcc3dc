package kube

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utiljson "k8s.io/apimachinery/pkg/util/json"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// concurrency bounds the requests in flight: more would only wait in the
// server's queues.
const concurrency = 8

// Request says what to read.
type Request struct {
	Scope snapshot.Scope
	// KeepFull keeps the whole object of every pod, not only of those that
	// are not well: for detail views and captures.
	KeepFull bool
	// AllPods reads the pods of the whole cluster, not only those of
	// DaemonSets: for captures.
	AllPods bool
	// ClusterUID asks for the UID that stands for the cluster, which costs a
	// request.
	ClusterUID bool
	// Now gives the time that the snapshot carries, asked once, after the
	// pods were read: no age is negative then. Nil is the clock of this host.
	Now func() time.Time
	// Progress, if set, is told what is being read and how many there are so
	// far. It is never called twice at a time.
	Progress func(string)
}

// Read makes a snapshot. The order is DaemonSets, then revisions and nodes,
// then pods, then the DaemonSets again: a pod that any of the earlier reads
// imply has had time to appear in the later one, which keeps "missing" honest.
//
// What cannot be read is recorded in the snapshot, with these exceptions:
// DaemonSets, a name that does not exist (NotFoundError), and the end of ctx or
// of a request's time, which are errors of the whole.
func (r *Reader) Read(ctx context.Context, req Request) (*snapshot.Snapshot, error) {
	p := r.newPass(req.Progress)
	p.keepFull = req.KeepFull
	p.snap.Source.Server = r.server
	p.snap.AllPods = req.AllPods
	if err := p.readFirst(ctx, req); err != nil {
		return nil, err
	}
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return p.readRevisions(gctx, req.Scope) })
	g.Go(func() error { return p.readNodes(gctx) })
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if err := p.readPods(ctx, req); err != nil {
		return nil, err
	}
	now := req.Now
	if now == nil {
		now = time.Now
	}
	p.snap.Source.TakenAt = now()
	if err := p.readAgain(ctx, req.Scope); err != nil {
		return nil, err
	}
	p.snap.Sort()
	return p.snap, nil
}

// pass is the state of one Read or ReadMore.
type pass struct {
	r        *Reader
	snap     *snapshot.Snapshot
	keepFull bool

	mu       sync.Mutex // guards in, snap.Incomplete and progress
	in       snapshot.Interner
	progress func(string)
}

func (r *Reader) newPass(progress func(string)) *pass {
	return &pass{r: r, snap: &snapshot.Snapshot{}, progress: progress}
}

// note records a failed read; an error that ends the whole comes back.
func (p *pass) note(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if fatal(ctx, err) {
		return err
	}
	p.record(failureOf(err))
	return nil
}

func (p *pass) record(f snapshot.ReadFailure) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.snap.Incomplete = append(p.snap.Incomplete, f)
}

// told is the progress of one list.
func (p *pass) told(what string) func(int) {
	if p.progress == nil {
		return func(int) {}
	}
	return func(n int) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.progress(fmt.Sprintf("%s: %d", what, n))
	}
}

// readFirst reads the DaemonSets, and beside them what the snapshot says about
// its source.
func (p *pass) readFirst(ctx context.Context, req Request) error {
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		p.snap.DaemonSets, err = p.daemonSets(gctx, req.Scope)
		return err
	})
	g.Go(func() error {
		// A version that cannot be read says nothing about coverage: no failure.
		p.snap.Source.ServerVersion = p.r.serverVersion(gctx)
		return nil
	})
	if req.ClusterUID {
		g.Go(func() error {
			ns, err := getOne[corev1.Namespace](gctx, p.r, namespaceKind, "", metav1.NamespaceSystem)
			if err != nil {
				return p.note(gctx, err)
			}
			p.snap.Source.ClusterUID = ns.UID
			return nil
		})
	}
	return g.Wait()
}

func (r *Reader) serverVersion(ctx context.Context) string {
	body, _, err := do(ctx, r.core.Get().AbsPath("/version"))
	if err != nil {
		return ""
	}
	var v struct {
		GitVersion string `json:"gitVersion"`
	}
	if err := utiljson.Unmarshal(body, &v); err != nil {
		return ""
	}
	return clean(v.GitVersion, 64)
}

func (p *pass) readNodes(ctx context.Context) error {
	nodes, err := collect(ctx, p.r, query{kind: nodeKind}, func(raw []byte, json bool) (*corev1.Node, bool, error) {
		n, err := decodeObject[corev1.Node](raw, json)
		if err != nil {
			return nil, false, err
		}
		return snapshot.TrimNode(n), true, nil
	}, p.told("nodes"))
	p.snap.Nodes = nodes
	return p.note(ctx, err)
}

func (p *pass) readRevisions(ctx context.Context, scope snapshot.Scope) error {
	wanted := map[string]bool{}
	for _, d := range p.snap.DaemonSets {
		wanted[string(d.UID)] = true
	}
	decode := func(raw []byte, json bool) (*appsv1.ControllerRevision, bool, error) {
		rev, err := decodeObject[appsv1.ControllerRevision](raw, json)
		if err != nil {
			return nil, false, err
		}
		owner := metav1.GetControllerOfNoCopy(rev)
		if owner == nil || !wanted[string(owner.UID)] {
			return nil, false, nil
		}
		return snapshot.TrimRevision(rev), true, nil
	}
	var err error
	p.snap.Revisions, err = collectWide(ctx, p, p.revisionQueries(scope), decode)
	return err
}

// revisionQueries asks for as little as answers: one DaemonSet's by its
// selector; else those with the label that only the DaemonSet controller puts
// on revisions (StatefulSets' carry controller.kubernetes.io/hash instead).
func (p *pass) revisionQueries(scope snapshot.Scope) []query {
	if len(p.snap.DaemonSets) == 1 {
		d := p.snap.DaemonSets[0]
		if sel, err := podSelector(d); err == nil {
			return []query{{kind: revisionKind, namespace: d.Namespace, labels: sel.String()}}
		}
	}
	return p.wide(scope, query{kind: revisionKind, labels: appsv1.DefaultDaemonSetUniqueLabelKey})
}

// wide is q for the namespaces that a scope needs: none without DaemonSets.
func (p *pass) wide(scope snapshot.Scope, q query) []query {
	if len(p.snap.DaemonSets) == 0 {
		return nil
	}
	q.namespace = scope.Namespace
	return []query{q}
}

// collectWide reads lists at most concurrency at a time. One for all
// namespaces that is forbidden becomes one for each namespace of the
// DaemonSets: a role may well grant those. Failures are recorded.
func collectWide[T any](ctx context.Context, p *pass, queries []query, decode func([]byte, bool) (T, bool, error)) ([]T, error) {
	if len(queries) == 1 && queries[0].namespace == "" {
		q := queries[0]
		out, err := collect(ctx, p.r, q, decode, p.told(q.resource))
		if err == nil || !failureOf(err).Forbidden {
			return out, p.note(ctx, err)
		}
		queries = nil
		for _, ns := range p.namespaces() {
			q.namespace = ns
			queries = append(queries, q)
		}
	}
	lists := make([][]T, len(queries))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(concurrency)
	for i, q := range queries {
		g.Go(func() error {
			out, err := collect(gctx, p.r, q, decode, p.told(q.resource))
			lists[i] = out
			return p.note(gctx, err)
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return concat(lists), nil
}
