package kube

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
)

// reviews is a server of access reviews and budgets, which the API server for
// tests does not know.
type reviews struct {
	grants func(authorizationv1.ResourceAttributes) bool

	mu    sync.Mutex
	asked int
}

func (r *reviews) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var obj runtime.Object
	if len(body) > 0 {
		if obj, _, err = scheme.Codecs.UniversalDeserializer().Decode(body, nil, nil); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	}
	r.mu.Lock()
	r.asked++
	r.mu.Unlock()
	switch o := obj.(type) {
	case *authorizationv1.SelfSubjectAccessReview:
		o.Status.Allowed = r.grants(*o.Spec.ResourceAttributes)
		r.answer(w, o, "SelfSubjectAccessReview", "authorization.k8s.io/v1", http.StatusCreated)
	case *authenticationv1.SelfSubjectReview:
		o.Status.UserInfo.Username = "jane"
		r.answer(w, o, "SelfSubjectReview", "authentication.k8s.io/v1", http.StatusCreated)
	default:
		r.budgets(w, req)
	}
}

func (r *reviews) budgets(w http.ResponseWriter, req *http.Request) {
	if strings.Contains(req.URL.Path, "/namespaces/secret/") {
		r.answer(w, &metav1.Status{Status: metav1.StatusFailure, Code: http.StatusForbidden, Reason: metav1.StatusReasonForbidden, Message: "no"}, "Status", "v1", http.StatusForbidden)
		return
	}
	list := &policyv1.PodDisruptionBudgetList{}
	name := "all"
	if _, rest, found := strings.Cut(req.URL.Path, "/namespaces/"); found {
		name, _, _ = strings.Cut(rest, "/")
	}
	list.Items = []policyv1.PodDisruptionBudget{{ObjectMeta: metav1.ObjectMeta{Name: name, ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "x"}}}}}
	r.answer(w, list, "PodDisruptionBudgetList", "policy/v1", http.StatusOK)
}

func (r *reviews) answer(w http.ResponseWriter, obj runtime.Object, kind, version string, code int) {
	obj.GetObjectKind().SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind(kind))
	b, err := json.Marshal(obj)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	b = []byte(strings.Replace(string(b), `"apiVersion":"v1"`, `"apiVersion":"`+version+`"`, 1))
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(b)
}

func preflightTo(t *testing.T, r *reviews) *Preflight {
	t.Helper()
	s := httptest.NewServer(r)
	t.Cleanup(s.Close)
	p, err := NewPreflight(&rest.Config{Host: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestDeniedAreThoseThatTheServerDoesNotGrantInTheirOrder(t *testing.T) {
	r := &reviews{grants: func(a authorizationv1.ResourceAttributes) bool {
		return a.Verb == "list" && (a.Resource != "pods" || a.Namespace == "logging")
	}}
	got, err := preflightTo(t, r).Denied(context.Background(), []Access{
		{Verb: "delete", Resource: "pods", Namespace: "logging"},
		{Verb: "list", Resource: "pods", Namespace: "logging"},
		{Verb: "list", Resource: "pods"},
		{Verb: "create", Resource: "pods", Subresource: "eviction"},
		{Verb: "patch", Group: "apps", Resource: "daemonsets", Namespace: "logging", Name: "agent"},
		{Verb: "list", Resource: "nodes"},
	})
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, a := range got {
		words = append(words, a.String())
	}
	want := []string{"delete pods in logging", "list pods", "create pods/eviction", "patch daemonsets.apps agent in logging"}
	if diff := cmp.Diff(want, words); diff != "" {
		t.Error(diff)
	}
	if r.asked != 6 {
		t.Errorf("%d requests for 6 permissions", r.asked)
	}
}

func TestUserIsWhoTheServerSees(t *testing.T) {
	got, err := preflightTo(t, &reviews{}).User(context.Background())
	if err != nil || got != "jane" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestBudgetsAreOfANamespaceOrOfAll(t *testing.T) {
	p := preflightTo(t, &reviews{})
	for namespace, want := range map[string]string{"": "all", "logging": "logging"} {
		got, failed, err := p.Budgets(context.Background(), namespace)
		if err != nil || failed != nil || len(got) != 1 || got[0].Name != want || got[0].ManagedFields != nil {
			t.Errorf("namespace %q: got %v, %v, %v", namespace, got, failed, err)
		}
	}
	got, failed, err := p.Budgets(context.Background(), "secret")
	if err != nil || failed == nil || !failed.Forbidden || got != nil {
		t.Errorf("forbidden: got %v, %v, %v", got, failed, err)
	}
}

func TestReviewsThatFailAreErrorsOfTheirRequest(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(s.Close)
	p, err := NewPreflight(&rest.Config{Host: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	var req *RequestError
	if _, err := p.Denied(context.Background(), []Access{{Verb: "get", Resource: "pods"}}); !errors.As(err, &req) || req.Resource != "selfsubjectaccessreviews" {
		t.Errorf("got %v", err)
	}
	if _, err := p.User(context.Background()); !errors.As(err, &req) || req.Resource != "selfsubjectreviews" {
		t.Errorf("got %v", err)
	}
	if _, _, err := p.Budgets(context.Background(), "x"); !errors.As(err, &req) || req.Resource != "poddisruptionbudgets" {
		t.Errorf("got %v", err)
	}
}
