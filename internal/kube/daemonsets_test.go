package kube

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/rest"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit/apiserver"
)

func TestTheCallersConfigHoldsAndIsNotChanged(t *testing.T) {
	cfg := apiserver.New(t).Config()
	cfg.QPS, cfg.Burst, cfg.UserAgent, cfg.WarningHandler = 5, 10, "kubectl", rest.NoWarnings{}
	cfg.Impersonate.UserName = "someone"
	got := readConfig(cfg)
	if got.QPS != -1 || got.RateLimiter != nil || got.WarningHandler != cfg.WarningHandler || got.Impersonate.UserName != "someone" {
		t.Errorf("%+v", got)
	}
	if cfg.QPS != 5 || cfg.UserAgent != "kubectl" || cfg.AcceptContentTypes != "" || cfg.WrapTransport != nil {
		t.Errorf("changed: %+v", cfg)
	}
}

func TestANameThatDoesNotExistComesWithThoseThatDo(t *testing.T) {
	s := apiserver.New(t, append(cluster(1), daemonSet("monitoring", "agent2"), daemonSet("default", "x"))...)
	r := newReader(t, s)
	for _, tc := range []struct {
		req  Request
		want NotFoundError
	}{
		{named("monitoring", "proxy"), NotFoundError{"monitoring", "proxy", []string{"agent", "agent2", "kube-system/proxy"}}},
		{named("monitoring", "agent", "proxy"), NotFoundError{"monitoring", "proxy", []string{"agent", "agent2", "kube-system/proxy"}}},
		{named("monitoring", "agent", "a", "b", "c", "d", "e"), NotFoundError{"monitoring", "a", []string{"agent", "agent2"}}},
		{named("nowhere", "x"), NotFoundError{"nowhere", "x", []string{"default/x"}}},
		{named("", "nope"), NotFoundError{"", "nope", []string{"agent", "agent2", "proxy", "x"}}},
	} {
		_, err := r.Read(t.Context(), tc.req)
		var got *NotFoundError
		if !errors.As(err, &got) {
			t.Errorf("%v: %v", tc.req.Scope, err)
			continue
		}
		if diff := cmp.Diff(tc.want, *got); diff != "" {
			t.Errorf("%v: %s", tc.req.Scope, diff)
		}
	}
	if names, err := r.DaemonSetNamespaces(t.Context()); err != nil || !cmp.Equal(names, []string{"default", "kube-system", "monitoring"}) {
		t.Errorf("namespaces %q, %v", names, err)
	}
	s.Fault(apiserver.Fault{Query: "limit=", Status: http.StatusForbidden})
	var got *NotFoundError
	if _, err := r.Read(t.Context(), named("monitoring", "proxy")); !errors.As(err, &got) || got.Existing != nil {
		t.Errorf("with lists forbidden: %v", err)
	}
	s = apiserver.New(t, cluster(1)...)
	s.Fault(apiserver.Fault{Query: "fieldSelector=", ContentType: "application/json",
		Body: `{"kind":"DaemonSetList","items":[{"metadata":{"namespace":"x","name":"not-asked-for"}}]}`})
	if _, err := newReader(t, s).Read(t.Context(), named("monitoring", "proxy")); !errors.As(err, &got) || len(got.Existing) != 1 {
		t.Errorf("with a server that ignores the field: %v, %v", err, got.Existing)
	}
}

func TestWhichErrorsEndTheWhole(t *testing.T) {
	done, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tc := range []struct {
		ctx  context.Context
		err  error
		want bool
	}{
		{t.Context(), syscall.ECONNREFUSED, false},
		{t.Context(), errInconsistent, false},
		{t.Context(), fmt.Errorf("x: %w", context.Canceled), true},
		{t.Context(), fmt.Errorf("x: %w", context.DeadlineExceeded), true},
		{t.Context(), fmt.Errorf("x: %w", &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}), true},
		{done, syscall.ECONNREFUSED, true},
	} {
		if got := fatal(tc.ctx, tc.err); got != tc.want {
			t.Errorf("%v: %t", tc.err, got)
		}
	}
}
