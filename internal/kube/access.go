package kube

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
)

// Access is one permission, as RBAC knows it.
type Access struct {
	Verb        string
	Group       string // empty for core
	Resource    string
	Subresource string
	Namespace   string // empty for all, and for what has none
	Name        string // empty for any
}

// String is the permission in words, as in "delete pods in kube-system".
func (a Access) String() string {
	s := a.Verb + " " + a.Resource
	if a.Group != "" {
		s += "." + a.Group
	}
	if a.Subresource != "" {
		s = a.Verb + " " + a.Resource + "/" + a.Subresource
	}
	if a.Name != "" {
		s += " " + a.Name
	}
	if a.Namespace != "" {
		s += " in " + a.Namespace
	}
	return s
}

// Preflight asks what has to be known before anything is written: who one is,
// what one may do, and which budgets there are.
type Preflight struct {
	authorization  rest.Interface
	authentication rest.Interface
	policy         *Reader // of policy/v1
}

// NewPreflight makes one for the cluster that cfg points to.
func NewPreflight(cfg *rest.Config) (*Preflight, error) {
	c := readConfig(cfg)
	httpClient, err := rest.HTTPClientFor(c)
	if err != nil {
		return nil, fmt.Errorf("make HTTP client: %w", err)
	}
	clients := map[schema.GroupVersion]rest.Interface{
		authorizationv1.SchemeGroupVersion: nil, authenticationv1.SchemeGroupVersion: nil, policyv1.SchemeGroupVersion: nil,
	}
	for gv := range clients {
		if clients[gv], err = restClient(c, httpClient, gv, "/apis"); err != nil {
			return nil, err
		}
	}
	return &Preflight{
		authorization:  clients[authorizationv1.SchemeGroupVersion],
		authentication: clients[authenticationv1.SchemeGroupVersion],
		// What is not in apps is asked of the core client: here it is another.
		policy: &Reader{core: clients[policyv1.SchemeGroupVersion], server: withoutUser(cfg.Host)},
	}, nil
}

// Denied returns those of the permissions that the server does not grant, in
// their order.
func (p *Preflight) Denied(ctx context.Context, wanted []Access) ([]Access, error) {
	denied := make([]bool, len(wanted))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(concurrency)
	for i := range wanted {
		g.Go(func() error {
			ok, err := p.allowed(gctx, wanted[i])
			denied[i] = !ok
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var out []Access
	for i, no := range denied {
		if no {
			out = append(out, wanted[i])
		}
	}
	return out, nil
}

func (p *Preflight) allowed(ctx context.Context, a Access) (bool, error) {
	review := &authorizationv1.SelfSubjectAccessReview{
		Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: a.Namespace, Verb: a.Verb, Group: a.Group, Resource: a.Resource, Subresource: a.Subresource, Name: a.Name,
		}},
	}
	const resource = "selfsubjectaccessreviews"
	var out authorizationv1.SelfSubjectAccessReview
	if err := p.authorization.Post().Resource(resource).Body(review).Do(ctx).Into(&out); err != nil {
		return false, &RequestError{Verb: "create", Group: authorizationv1.GroupName, Resource: resource, Err: err}
	}
	return out.Status.Allowed, nil
}

// User is the name that the server knows one by, untrusted text.
func (p *Preflight) User(ctx context.Context) (string, error) {
	const resource = "selfsubjectreviews"
	var out authenticationv1.SelfSubjectReview
	if err := p.authentication.Post().Resource(resource).Body(&authenticationv1.SelfSubjectReview{}).Do(ctx).Into(&out); err != nil {
		return "", &RequestError{Verb: "create", Group: authenticationv1.GroupName, Resource: resource, Err: err}
	}
	return out.Status.UserInfo.Username, nil
}
