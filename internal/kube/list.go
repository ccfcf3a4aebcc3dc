package kube

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/sync/errgroup"
	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

const (
	pageSize = 500
	// restarts is how often a list begins anew after its continue token
	// expired. The token in the server's 410 would go on from the same key at
	// a newer state, which is not one list any more.
	restarts = 3
)

// kind is a resource that can be read.
type kind struct {
	group    string
	resource string
	kind     string
}

var (
	daemonSetKind = kind{"apps", snapshot.ResourceDaemonSets, "DaemonSet"}
	revisionKind  = kind{"apps", snapshot.ResourceRevisions, "ControllerRevision"}
	nodeKind      = kind{"", snapshot.ResourceNodes, "Node"}
	podKind       = kind{"", snapshot.ResourcePods, "Pod"}
	eventKind     = kind{"", snapshot.ResourceEvents, "Event"}
	namespaceKind = kind{"", snapshot.ResourceNamespaces, "Namespace"}
)

// query is one list.
type query struct {
	kind
	namespace string // empty for all, and for what has none
	labels    string
	fields    string
}

func (r *Reader) get(group string) *rest.Request {
	switch group {
	case appsv1.GroupName:
		return r.apps.Get()
	case coordinationv1.GroupName:
		return r.coordination.Get()
	}
	return r.core.Get()
}

func (q query) wrap(err error) error {
	return &RequestError{Verb: "list", Group: q.group, Resource: q.resource, Namespace: q.namespace, Err: err}
}

// collect reads a list to its end. decode makes of an item what is kept; false
// leaves it out.
func collect[T any](ctx context.Context, r *Reader, q query, decode func(raw []byte, json bool) (T, bool, error), progress func(int)) ([]T, error) {
	for attempt := 0; ; attempt++ {
		out, err := collectOnce(ctx, r, q, decode, progress)
		var late *expiredError
		switch {
		case !errors.As(err, &late):
			return out, err
		case attempt == restarts:
			return nil, q.wrap(fmt.Errorf("%w (tried %d times): %w", errInconsistent, attempt+1, late.err))
		}
	}
}

// collectOnce decodes one page while the next is on its way. The channel has
// no room, so at most two pages are in memory.
func collectOnce[T any](ctx context.Context, r *Reader, q query, decode func([]byte, bool) (T, bool, error), progress func(int)) ([]T, error) {
	var out []T
	pages := make(chan page)
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(pages)
		return r.pages(gctx, q, pages)
	})
	g.Go(func() error {
		for p := range pages {
			for _, raw := range p.items {
				v, keep, err := decode(raw, p.json)
				if err != nil {
					return q.wrap(badAnswer("", nil, fmt.Errorf("decode %s: %w", q.kind.kind, err)))
				}
				if keep {
					out = append(out, v)
				}
			}
			progress(len(out))
		}
		return nil
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return out, nil
}

// expiredError is a continue token that the server no longer honours.
type expiredError struct{ err error }

func (e *expiredError) Error() string { return e.err.Error() }
func (e *expiredError) Unwrap() error { return e.err }

// pages sends the pages of a list, in order.
func (r *Reader) pages(ctx context.Context, q query, to chan<- page) error {
	var token string
	var first []byte // the first item of all
	for n := 0; ; n++ {
		p, err := r.page(ctx, q, token)
		if err != nil {
			if n > 0 && expired(err) {
				return &expiredError{err}
			}
			return q.wrap(err)
		}
		switch {
		case n == 0 && len(p.items) > 0:
			first = bytes.Clone(p.items[0])
		case n > 0 && len(p.items) > 0 && bytes.Equal(first, p.items[0]), p.next != "" && p.next == token:
			// A proxy that drops the parameter would make this go on for ever.
			return q.wrap(fmt.Errorf("inconsistent: the server ignores the parameter continue: page %d is the first one again", n+1))
		}
		select {
		case to <- p:
		case <-ctx.Done():
			return ctx.Err()
		}
		if token = p.next; token == "" {
			return nil
		}
	}
}

func (r *Reader) page(ctx context.Context, q query, token string) (page, error) {
	req := r.get(q.group).NamespaceIfScoped(q.namespace, q.namespace != "").Resource(q.resource).
		Param("limit", strconv.Itoa(pageSize))
	for name, value := range map[string]string{"labelSelector": q.labels, "fieldSelector": q.fields, "continue": token} {
		if value != "" {
			req.Param(name, value)
		}
	}
	body, contentType, err := do(ctx, req)
	if err != nil {
		return page{}, err
	}
	return decodePage(body, contentType, q.kind.kind+"List")
}

// decodePage is all that happens to the bytes of a page before its items.
func decodePage(body []byte, contentType, kind string) (page, error) {
	a, err := openAnswer(body, contentType, kind)
	if err != nil {
		return page{}, err
	}
	p, err := splitList(a)
	if err != nil {
		return page{}, badAnswer(contentType, body, err)
	}
	return p, nil
}

// getOne reads one object.
func getOne[T any, P object[T]](ctx context.Context, r *Reader, k kind, namespace, name string) (P, error) {
	wrap := func(err error) error {
		return &RequestError{Verb: "get", Group: k.group, Resource: k.resource, Namespace: namespace, Name: name, Err: err}
	}
	body, contentType, err := do(ctx, r.get(k.group).NamespaceIfScoped(namespace, namespace != "").Resource(k.resource).Name(name))
	if err != nil {
		return nil, wrap(err)
	}
	a, err := openAnswer(body, contentType, k.kind)
	if err != nil {
		return nil, wrap(err)
	}
	obj, err := decodeObject[T, P](a.raw, a.json)
	if err != nil {
		return nil, wrap(badAnswer(contentType, body, err))
	}
	return obj, nil
}

// object is a pointer to a type of k8s.io/api.
type object[T any] interface {
	*T
	unmarshaler
	GetObjectKind() schema.ObjectKind
}

// decodeObject drops kind and apiVersion, which only some encodings carry, so
// that the same object is the same value in all.
func decodeObject[T any, P object[T]](raw []byte, json bool) (P, error) {
	obj := P(new(T))
	if err := decodeInto(raw, json, obj); err != nil {
		return nil, err
	}
	if json {
		obj.GetObjectKind().SetGroupVersionKind(schema.GroupVersionKind{})
	}
	return obj, nil
}

func do(ctx context.Context, req *rest.Request) (body []byte, contentType string, err error) {
	res := req.Do(ctx)
	if err := res.Error(); err != nil {
		return nil, "", err
	}
	res.ContentType(&contentType)
	body, err = res.Raw()
	return body, contentType, err
}
