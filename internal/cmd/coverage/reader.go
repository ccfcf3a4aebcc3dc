package coverage

import (
	"context"
	"io"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kubectl-ds/kubectl-ds/internal/archive"
	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/pkg/coverage"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// reader gives snapshots of the scope that it was made for.
type reader interface {
	read(ctx context.Context, progress func(string)) (*snapshot.Snapshot, error)
	// more adds what a first analysis asks for.
	more(ctx context.Context, s *snapshot.Snapshot, m snapshot.More) error
	// namespaces are those that have DaemonSets, whatever the scope; nil where
	// that cannot be told. It is asked only beside an error.
	namespaces(ctx context.Context) []string
}

// detail says how much a reader keeps.
type detail struct {
	full    bool // whole objects of all pods
	allPods bool // pods of the whole cluster
	uid     bool // the UID that stands for the cluster
}

// open makes a reader. It alone touches the kubeconfig. namespace is the one
// that is looked at, empty for all.
func (s *source) open(kubeFlags *cli.KubeFlags, stdin io.Reader, d detail, subcommands []string) (r reader, namespace string, err error) {
	if s.From != "" {
		scope := snapshot.Scope{Namespace: s.Namespace, Names: s.Names, Selector: s.Selector}
		return &captureReader{cli.Capture{Path: s.From, Stdin: stdin, Scope: scope, Subcommands: subcommands}}, s.Namespace, nil
	}
	c, err := kubeFlags.Cluster()
	if err != nil {
		return nil, "", err
	}
	namespace = s.Namespace
	if namespace == "" && !s.AllNamespaces {
		namespace = c.Namespace
	}
	k, err := kube.NewReader(c.Config)
	if err != nil {
		return nil, "", kube.Explain(err, c.Config.Host)
	}
	return &liveReader{
		kube: k, context: c.Context, subcommands: subcommands,
		request: kube.Request{
			Scope:    snapshot.Scope{Namespace: namespace, Names: s.Names, Selector: s.Selector},
			KeepFull: d.full, AllPods: d.allPods, ClusterUID: d.uid,
		},
	}, namespace, nil
}

// liveReader reads a cluster.
type liveReader struct {
	kube        *kube.Reader
	context     string
	request     kube.Request
	subcommands []string
}

func (r *liveReader) read(ctx context.Context, progress func(string)) (*snapshot.Snapshot, error) {
	req := r.request
	req.Progress = progress
	s, err := r.kube.Read(ctx, req)
	if err != nil {
		return nil, cli.ExplainRead(err, r.kube.Server(), Plugin, r.subcommands)
	}
	s.Source.Context = r.context
	return s, nil
}

func (r *liveReader) more(ctx context.Context, s *snapshot.Snapshot, m snapshot.More) error {
	return cli.ExplainRead(r.kube.ReadMore(ctx, s, m), r.kube.Server(), Plugin, r.subcommands)
}

// namespaces asks the whole cluster, which a role for some namespaces refuses.
func (r *liveReader) namespaces(ctx context.Context) []string {
	names, err := r.kube.DaemonSetNamespaces(ctx)
	if err != nil {
		return nil
	}
	return names
}

// captureReader reads a saved capture.
type captureReader struct{ cli.Capture }

func (r *captureReader) read(ctx context.Context, progress func(string)) (*snapshot.Snapshot, error) {
	progress("the capture")
	return r.Read(ctx)
}

// more adds nothing: a capture holds all that it ever will.
func (r *captureReader) more(context.Context, *snapshot.Snapshot, snapshot.More) error { return nil }

// namespaces reads the capture again: what is not asked for was not kept.
// Standard input can be read once only.
func (r *captureReader) namespaces(ctx context.Context) []string {
	if r.Path == archive.Stdin {
		return nil
	}
	s, err := archive.Read(ctx, r.Path, r.Stdin, snapshot.Scope{})
	if err != nil {
		return nil
	}
	var out []string
	for _, d := range s.DaemonSets { // sorted by namespace
		out = append(out, d.Namespace)
	}
	return slices.Compact(out)
}

// analysis is a result and how it came about.
type analysis struct {
	*coverage.Result
	took time.Duration // 0 for a capture
	now  time.Time
}

// analyze reads and judges, in two passes where the first asks for more.
func (s *source) analyze(ctx context.Context, r reader, clock func() time.Time, progress func(string)) (*analysis, error) {
	return s.analyzeWith(ctx, r, clock, progress, nil)
}

// analyzeWith lets want add to what the second pass reads, or refuse what was
// asked for.
func (s *source) analyzeWith(ctx context.Context, r reader, clock func() time.Time, progress func(string),
	want func(*coverage.Result, *snapshot.More) error,
) (*analysis, error) {
	start := clock()
	snap, err := r.read(ctx, progress)
	if err != nil {
		return nil, err
	}
	now := s.judgeAt(snap, clock)
	opts := coverage.Options{
		Now: now, Grace: s.Grace, Transient: s.Transient, CommandFlags: s.CommandFlags, ReportFlags: s.ReportFlags, Nodes: nodeFilter(s.NodeSelector),
	}
	res := coverage.Analyze(snap, opts)
	m := res.Needs()
	if want != nil {
		if err := want(res, &m); err != nil {
			return nil, err
		}
	}
	if s.From != "" {
		return &analysis{Result: res, now: now}, nil
	}
	if !m.Empty() {
		progress("details")
		if err := r.more(ctx, snap, m); err != nil {
			return nil, err
		}
		res = coverage.Analyze(snap, opts)
	}
	return &analysis{Result: res, now: now, took: clock().Sub(start)}, nil
}

// judgeAt is --at, else when the snapshot was taken, else now.
func (s *source) judgeAt(snap *snapshot.Snapshot, clock func() time.Time) time.Time {
	switch {
	case !s.At.IsZero():
		return s.At
	case !snap.Source.TakenAt.IsZero():
		return snap.Source.TakenAt
	}
	return clock()
}

func nodeFilter(sel labels.Selector) func(*corev1.Node) bool {
	if sel == nil {
		return nil
	}
	return func(n *corev1.Node) bool { return sel.Matches(labels.Set(n.Labels)) }
}
