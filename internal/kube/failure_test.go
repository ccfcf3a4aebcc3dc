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
