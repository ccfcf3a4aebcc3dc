package kube

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit/apiserver"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

const (
	podsPath      = "/api/v1/pods"
	nodesPath     = "/api/v1/nodes"
	setsPath      = "/apis/apps/v1/daemonsets"
	revisionsPath = "/apis/apps/v1/controllerrevisions"
)

// where is a failure without the server's words.
func where(fs []snapshot.ReadFailure) []string {
	var out []string
	for _, f := range fs {
		line := f.Verb + " " + strings.TrimPrefix(f.Group+"/", "/") + f.Resource + " in " + f.Namespace
		if f.Forbidden {
			line += " forbidden"
		}
		out = append(out, line)
	}
	return out
}

func TestUnreadableDaemonSetsAreAnError(t *testing.T) {
	for _, req := range []Request{{}, named("monitoring", "agent")} {
		s := apiserver.New(t, cluster(1)...)
		s.Fault(apiserver.Fault{Path: setsPath, Status: http.StatusForbidden})
		s.Fault(apiserver.Fault{Path: "/apis/apps/v1/namespaces/monitoring/daemonsets/agent", Status: http.StatusForbidden})
		snap, err := newReader(t, s).Read(t.Context(), req)
		var reqErr *RequestError
		if snap != nil || !errors.As(err, &reqErr) || reqErr.Resource != "daemonsets" {
			t.Errorf("%v: %v, %v", req.Scope.Names, snap, err)
		}
	}
}

func TestOtherFailuresAreRecordedAndTheRestGoesOn(t *testing.T) {
	s := apiserver.New(t, cluster(2)...)
	s.Fault(apiserver.Fault{Path: nodesPath, Status: http.StatusForbidden})
	s.Fault(apiserver.Fault{Path: revisionsPath, Status: http.StatusInternalServerError})
	s.Fault(apiserver.Fault{Path: "/api/v1/namespaces/kube-system", Status: http.StatusForbidden})
	s.Fault(apiserver.Fault{Path: "/version", Status: http.StatusForbidden})
	s.Fault(apiserver.Fault{Path: setsPath, Skip: 1, Status: http.StatusInternalServerError})
	snap := read(t, newReader(t, s), Request{ClusterUID: true})
	want := []string{
		"list apps/controllerrevisions in ", "list apps/daemonsets in ",
		"get namespaces in kube-system forbidden", "list nodes in  forbidden",
	}
	if diff := cmp.Diff(want, where(snap.Incomplete)); diff != "" {
		t.Error(diff)
	}
	if len(snap.Pods) != 4 || len(snap.DaemonSets) != 2 || snap.Source.ServerVersion != "" {
		t.Errorf("%d pods, %d daemonsets, version %q", len(snap.Pods), len(snap.DaemonSets), snap.Source.ServerVersion)
	}
	if words := snap.Incomplete[3].Error; !strings.Contains(words, `User "jane" cannot list resource "nodes"`) {
		t.Errorf("the server's words: %q", words)
	}
}

func TestAForbiddenClusterWideListBecomesOnePerNamespace(t *testing.T) {
	s := apiserver.New(t, cluster(2)...)
	s.Fault(apiserver.Fault{Path: podsPath, Status: http.StatusForbidden})
	s.Fault(apiserver.Fault{Path: revisionsPath, Status: http.StatusForbidden})
	s.Fault(apiserver.Fault{Path: "/api/v1/namespaces/kube-system/pods", Status: http.StatusForbidden})
	r := newReader(t, s)
	for _, req := range []Request{{}, {AllPods: true}} {
		snap := read(t, r, req)
		if diff := cmp.Diff([]string{"list pods in kube-system forbidden"}, where(snap.Incomplete)); diff != "" {
			t.Error(diff)
		}
		if len(snap.Pods) != 2 || snap.Pods[0].Namespace != "monitoring" || len(snap.Revisions) != 2 || snap.AllPods {
			t.Errorf("%d pods, %d revisions, all %t", len(snap.Pods), len(snap.Revisions), snap.AllPods)
		}
	}
	if s.Count("/namespaces/default/") != 0 {
		t.Error("a namespace without DaemonSets was asked for")
	}
}

func TestFailuresOfTheSecondPass(t *testing.T) {
	s := apiserver.New(t, cluster(20)...)
	s.Fault(apiserver.Fault{Path: "/api/v1/namespaces/monitoring/pods", Status: http.StatusForbidden})
	s.Fault(apiserver.Fault{Path: "/api/v1/namespaces/monitoring/events", Status: http.StatusForbidden})
	s.Fault(apiserver.Fault{Path: "/api/v1/namespaces/monitoring", Status: http.StatusForbidden})
	s.Fault(apiserver.Fault{Path: podsPath, Query: "spec.nodeName=", Status: http.StatusForbidden})
	r := newReader(t, s)
	snap := read(t, r, Request{})
	before := len(snap.Pods)
	s.Reset()
	more := moreOf("monitoring/agent")
	more.EventNamespaces, more.Namespaces = []string{"monitoring"}, []string{"monitoring"}
	for _, n := range snap.Nodes {
		more.Nodes = append(more.Nodes, n.Name)
	}
	readMore(t, r, snap, more)
	want := []string{
		"list events in monitoring forbidden", "get namespaces in monitoring forbidden",
		"list pods in monitoring forbidden", "list pods by spec.nodeName in  forbidden",
	}
	if diff := cmp.Diff(want, where(snap.Incomplete)); diff != "" {
		t.Error(diff)
	}
	if len(snap.Pods) != before || len(snap.FullNodes) != 0 {
		t.Errorf("%d pods of %d, full nodes %v", len(snap.Pods), before, snap.FullNodes)
	}
	if _, doubt := snap.Missing(snapshot.ResourcePods, "kube-system"); doubt {
		t.Error("a refusal of nodes' pods casts doubt on the pods of namespaces")
	}
	if n := s.Count("spec.nodeName"); n > 2*concurrency {
		t.Errorf("%d requests after the first refusal", n)
	}
}

func TestAnExpiredListStartsAnew(t *testing.T) {
	s := apiserver.New(t, cluster(1001)...)
	s.Fault(apiserver.Fault{Path: nodesPath, Query: "continue=", Skip: 1, Times: 3, Status: http.StatusGone})
	r := newReader(t, s)
	snap := read(t, r, named("monitoring", "agent"))
	if len(snap.Nodes) != 1001 || len(snap.Incomplete) != 0 {
		t.Errorf("%d nodes, incomplete %v", len(snap.Nodes), snap.Incomplete)
	}
	// 1, 2, 3 gone; 1, 2 gone; 1, 2 gone; 1, 2, 3
	if n := s.Count("/nodes?"); n != 3+2+2+3 {
		t.Errorf("%d requests for nodes", n)
	}
}

func TestAListThatAlwaysExpiresIsInconsistent(t *testing.T) {
	s := apiserver.New(t, cluster(501)...)
	s.Fault(apiserver.Fault{Path: nodesPath, Query: "continue=", Status: http.StatusGone})
	snap := read(t, newReader(t, s), named("monitoring", "agent"))
	if len(snap.Nodes) != 0 || len(snap.Incomplete) != 1 || !strings.HasPrefix(snap.Incomplete[0].Error, "inconsistent: ") {
		t.Errorf("%d nodes, incomplete %v", len(snap.Nodes), snap.Incomplete)
	}
	if n := s.Count("/nodes?"); n != 2*(1+restarts) {
		t.Errorf("%d requests for nodes", n)
	}
}

func TestAServerThatIgnoresContinueEnds(t *testing.T) {
	s := apiserver.New(t, cluster(1001)...)
	first := apiserver.New(t, cluster(1001)...)
	page, err := newReader(t, first).core.Get().Resource("nodes").Param("limit", "500").
		SetHeader("Accept", "application/json").DoRaw(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.Fault(apiserver.Fault{Path: nodesPath, ContentType: "application/json", Body: string(page)})
	snap := read(t, newReader(t, s), named("monitoring", "agent"))
	if len(snap.Incomplete) != 1 || !strings.Contains(snap.Incomplete[0].Error, "ignores the parameter continue") || len(snap.Nodes) != 0 {
		t.Errorf("%d nodes, incomplete %v", len(snap.Nodes), snap.Incomplete)
	}
}

func TestTheEndOfTimeIsNeverAPartialReport(t *testing.T) {
	for _, path := range []string{setsPath, nodesPath, podsPath, revisionsPath, "/version"} {
		s := apiserver.New(t, cluster(1)...)
		s.Fault(apiserver.Fault{Path: path, Hang: true})
		ctx, cancel := context.WithCancel(t.Context())
		s.Before(func(r apiserver.Request) {
			if r.Path == path {
				cancel()
			}
		})
		if snap, err := newReader(t, s).Read(ctx, Request{}); snap != nil || !errors.Is(err, context.Canceled) {
			t.Errorf("%s, cancelled: %v, %v", path, snap, err)
		}
		if path == "/version" {
			continue
		}
		cfg := s.Config()
		cfg.Timeout = 30 * time.Millisecond // of one request, as --request-timeout sets it
		r, err := NewReader(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if snap, err := r.Read(t.Context(), Request{}); snap != nil || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s, timed out: %v, %v", path, snap, err)
		}
	}
}

func TestASecondPassThatEndsEarlyChangesNothing(t *testing.T) {
	s := apiserver.New(t, cluster(2)...)
	r := newReader(t, s)
	snap := read(t, r, Request{})
	s.Delete(podOf(daemonSet("monitoring", "agent"), 0))
	s.Fault(apiserver.Fault{Path: podsPath, Query: "spec.nodeName=", Hang: true})
	ctx, cancel := context.WithCancel(t.Context())
	s.Before(func(req apiserver.Request) {
		if req.Path == podsPath {
			cancel()
		}
	})
	more := moreOf("monitoring/agent")
	more.Nodes = []string{"node-00000"}
	if err := r.ReadMore(ctx, snap, more); !errors.Is(err, context.Canceled) {
		t.Errorf("error: %v", err)
	}
	if len(snap.Pods) != 4 || snap.FullNodes != nil {
		t.Errorf("pods: %v, full nodes %v", podNames(snap), snap.FullNodes)
	}
}

func TestBrokenAnswersAreRecorded(t *testing.T) {
	huge := string(magic) + "\x12\xff\xff\xff\xff\xff\xff\xff\xff\x7f"
	for _, tc := range []struct {
		name  string
		fault apiserver.Fault
		want  string
	}{
		{"half a page", apiserver.Fault{Truncate: 300}, "unexpected EOF"},
		{"the connection breaks off in the body", apiserver.Fault{CutAt: 300}, ""},
		{"the connection breaks off", apiserver.Fault{}, ""},
		{"a page of a proxy", apiserver.Fault{ContentType: "text/html; charset=utf-8", Body: "<html>log in</html>"}, "text/html"},
		{"no content type that is known", apiserver.Fault{ContentType: "application/cbor", Body: "x"}, "neither protobuf nor JSON"},
		{"a content type that is none", apiserver.Fault{ContentType: ";;", Body: "{}"}, ""},
		{"wrong magic", apiserver.Fault{ContentType: protobufType, Body: "k8t\x00\x0a"}, "magic"},
		{"a length that overflows", apiserver.Fault{ContentType: protobufType, Body: huge}, "protobuf"},
		{"another kind", apiserver.Fault{ContentType: "application/json", Body: `{"kind":"PodList","items":[]}`}, `kind "PodList" where NodeList`},
		{"a null", apiserver.Fault{ContentType: "application/json", Body: `null`}, `kind "" where NodeList`},
		{"deep nesting", apiserver.Fault{ContentType: "application/json", Body: strings.Repeat("[", 20000)}, "exceeded max depth"},
		{"success where a list was asked for", apiserver.Fault{ContentType: "application/json", Body: `{"kind":"Status","status":"Success"}`}, "a Status"},
		{"failure with code 200", apiserver.Fault{ContentType: "application/json", Body: `{"kind":"Status","status":"Failure","message":"no"}`}, "no"},
		{"an item that is none", apiserver.Fault{ContentType: "application/json", Body: `{"kind":"NodeList","items":[7]}`}, "decode Node"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := apiserver.New(t, cluster(1)...)
			tc.fault.Path = nodesPath
			s.Fault(tc.fault)
			snap := read(t, newReader(t, s), Request{})
			if len(snap.Incomplete) != 1 || snap.Incomplete[0].Resource != "nodes" || snap.Nodes != nil {
				t.Fatalf("nodes %v, incomplete %v", snap.Nodes, snap.Incomplete)
			}
			if !strings.Contains(snap.Incomplete[0].Error, tc.want) {
				t.Errorf("error %q lacks %q", snap.Incomplete[0].Error, tc.want)
			}
		})
	}
}

func TestAnAnswerThatNeverEndsIsCut(t *testing.T) {
	body := &limitedBody{ReadCloser: http.NoBody, left: 3}
	if n, err := body.Read(make([]byte, 8)); n != 0 || err == nil || errors.Is(err, errTooLarge) {
		t.Errorf("an empty body: %d, %v", n, err)
	}
	s := apiserver.New(t, cluster(1)...)
	cfg := readConfig(s.Config())
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { return limitBodies{next, 100} })
	r, err := NewReader(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Read(t.Context(), Request{}); !errors.Is(err, errTooLarge) {
		t.Errorf("error: %v", err)
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
	s.Fault(apiserver.Fault{Query: "limit=", Status: http.StatusForbidden})
	var got *NotFoundError
	if _, err := r.Read(t.Context(), named("monitoring", "proxy")); !errors.As(err, &got) || got.Existing != nil {
		t.Errorf("with lists forbidden: %v", err)
	}
}

func TestASelectorThatSelectsEverythingIsNotSent(t *testing.T) {
	for _, sel := range []*metav1.LabelSelector{nil, {}} {
		d := daemonSet("monitoring", "agent")
		d.Spec.Selector = sel
		s := apiserver.New(t, append(cluster(1), d)...)
		snap := read(t, newReader(t, s), named("monitoring", "agent"))
		if diff := cmp.Diff([]string{"list pods in monitoring"}, where(snap.Incomplete)); diff != "" || len(snap.Pods) != 0 {
			t.Errorf("%v: %d pods, %s", sel, len(snap.Pods), diff)
		}
		if s.Count("/pods") != 0 {
			t.Errorf("%v: %q", sel, s.Lines())
		}
	}
}
