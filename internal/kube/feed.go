package kube

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/go-logr/logr"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/pager"
	"k8s.io/klog/v2"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// brokenFor is how long a watch may be without a connection before what it
// said last is no longer taken for what is.
const brokenFor = 3 * time.Second

// feed keeps a shelf current by list and watch.
type feed struct {
	query
	client  rest.Interface
	store   cache.ReflectorStore
	list    func() runtime.Object // an empty list of its kind
	object  runtime.Object
	changed func()

	mu    sync.Mutex
	err   error
	since time.Time // of err
}

// run returns when ctx ends.
func (f *feed) run(ctx context.Context) {
	lw := plainListWatch{&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			out := f.list()
			err := f.request(o).Do(ctx).Into(out)
			f.note(ctx, "list", err)
			return out, err
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.Watch = true
			w, err := f.request(o).Watch(ctx)
			f.note(ctx, "watch", err)
			return w, err
		},
	}}
	// What a watch stumbles over is told by failure, in the run's own words.
	quiet := logr.Discard()
	r := cache.NewReflectorWithOptions(lw, f.object, f.store, cache.ReflectorOptions{
		Name: f.resource, Logger: &quiet, Backoff: &wait.Backoff{Duration: 200 * time.Millisecond, Factor: 2, Jitter: 0.5, Steps: 6, Cap: 5 * time.Second},
	})
	r.RunWithContext(klog.NewContext(ctx, quiet))
}

// poll lists what the watch is about into the shelf.
func (f *feed) poll(ctx context.Context) error {
	pages := pager.New(func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
		out := f.list()
		return out, f.request(o).Do(ctx).Into(out)
	})
	pages.FullListIfExpired = false
	list, _, err := pages.ListWithAlloc(ctx, metav1.ListOptions{})
	f.note(ctx, "list", err)
	if err != nil {
		return &RequestError{Verb: "list", Group: f.group, Resource: f.resource, Namespace: f.namespace, Err: err}
	}
	objects, err := apimeta.ExtractListWithAlloc(list)
	if err != nil {
		return badAnswer("", nil, err)
	}
	m, err := apimeta.ListAccessor(list)
	if err != nil {
		return badAnswer("", nil, err)
	}
	items := make([]any, len(objects))
	for i, o := range objects {
		items[i] = o
	}
	return f.store.Replace(items, m.GetResourceVersion())
}

// request asks for what the query names. Lists are of the whole, past the
// server's cache of unknown age, as Read asks.
func (f *feed) request(o metav1.ListOptions) *rest.Request {
	o.LabelSelector, o.FieldSelector = f.labels, f.fields
	if !o.Watch && o.ResourceVersion == "0" {
		o.ResourceVersion = ""
	}
	return f.client.Get().NamespaceIfScoped(f.namespace, f.namespace != "").Resource(f.resource).
		VersionedParams(&o, scheme.ParameterCodec)
}

// note remembers whether the watch is alive. A request that was given up says
// nothing; one whose time was over says that nobody answers.
func (f *feed) note(ctx context.Context, verb string, err error) {
	if errors.Is(ctx.Err(), context.Canceled) {
		return
	}
	f.mu.Lock()
	was := f.err
	switch {
	case err == nil:
		f.err, f.since = nil, time.Time{}
	default:
		f.err = &RequestError{Verb: verb, Group: f.group, Resource: f.resource, Namespace: f.namespace, Err: err}
		if was == nil {
			f.since = time.Now()
		}
	}
	f.mu.Unlock()
	if (was == nil) != (err == nil) {
		f.changed()
	}
}

// failure tells of a watch that has been without a connection for too long.
func (f *feed) failure(now time.Time) (snapshot.ReadFailure, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil || now.Sub(f.since) < brokenFor {
		return snapshot.ReadFailure{}, false
	}
	return failureOf(f.err), true
}

func (f *feed) lastError() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// plainListWatch lists and then watches. The streamed list of client-go hangs
// for ever where a proxy swallows its bookmark (kubernetes issue 135895), and
// a run that hangs is worse than one more list at its start.
type plainListWatch struct{ *cache.ListWatch }

// IsWatchListSemanticsUnSupported tells client-go so.
func (plainListWatch) IsWatchListSemanticsUnSupported() bool { return true }
