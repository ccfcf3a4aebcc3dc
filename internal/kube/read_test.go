package kube

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit/apiserver"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

func TestReadAsksForNoMoreThanTheQuestionNeeds(t *testing.T) {
	s := apiserver.New(t, cluster(3)...)
	r := newReader(t, s)
	const (
		version   = "GET /version"
		nodes     = "GET /api/v1/nodes?limit=500"
		ofAgent   = "GET /apis/apps/v1/namespaces/monitoring/daemonsets/agent"
		agentRevs = "GET /apis/apps/v1/namespaces/monitoring/controllerrevisions?labelSelector=app%3Dagent&limit=500"
		agentPods = "GET /api/v1/namespaces/monitoring/pods?labelSelector=app%3Dagent&limit=500"
	)
	selected, err := labels.Parse("team=agent")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		req  Request
		want []string
	}{
		{"one DaemonSet by name", named("monitoring", "agent"), []string{agentPods, nodes, agentRevs, ofAgent, ofAgent, version}},
		{"a namespace", Request{Scope: snapshot.Scope{Namespace: "monitoring"}}, []string{
			"GET /api/v1/namespaces/monitoring/pods?labelSelector=pod-template-generation&limit=500", nodes, agentRevs,
			"GET /apis/apps/v1/namespaces/monitoring/daemonsets?limit=500", "GET /apis/apps/v1/namespaces/monitoring/daemonsets?limit=500", version,
		}},
		{"a selector", Request{Scope: snapshot.Scope{Selector: selected}}, []string{
			agentPods, nodes,
			"GET /apis/apps/v1/daemonsets?labelSelector=team%3Dagent&limit=500", "GET /apis/apps/v1/daemonsets?labelSelector=team%3Dagent&limit=500",
			agentRevs, version,
		}},
		{"everything", Request{}, []string{
			nodes, "GET /api/v1/pods?labelSelector=pod-template-generation&limit=500",
			"GET /apis/apps/v1/controllerrevisions?labelSelector=controller-revision-hash&limit=500",
			"GET /apis/apps/v1/daemonsets?limit=500", "GET /apis/apps/v1/daemonsets?limit=500", version,
		}},
		{"a capture", Request{AllPods: true, KeepFull: true, ClusterUID: true}, []string{
			"GET /api/v1/namespaces/kube-system", nodes, "GET /api/v1/pods?limit=500",
			"GET /apis/apps/v1/controllerrevisions?labelSelector=controller-revision-hash&limit=500",
			"GET /apis/apps/v1/daemonsets?limit=500", "GET /apis/apps/v1/daemonsets?limit=500", version,
		}},
		{"an empty namespace", Request{Scope: snapshot.Scope{Namespace: "empty"}}, []string{
			nodes, "GET /apis/apps/v1/namespaces/empty/daemonsets?limit=500", version,
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s.Reset()
			read(t, r, tc.req)
			slices.Sort(tc.want)
			if diff := cmp.Diff(tc.want, s.Lines()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReadFillsTheSnapshot(t *testing.T) {
	s := apiserver.New(t, cluster(3)...)
	s.Set(broken(podOf(daemonSet("monitoring", "agent"), 2)))
	var heard []string
	req := Request{ClusterUID: true, Progress: func(line string) { heard = append(heard, line) }}
	snap := read(t, newReader(t, s), req)
	if got := snap.Source; got.Server != s.URL() || got.ServerVersion != "v1.37.2" || got.ClusterUID != "uid--kube-system" || !got.TakenAt.Equal(now) {
		t.Errorf("source: %+v", got)
	}
	if len(snap.Nodes) != 3 || len(snap.DaemonSets) != 2 || len(snap.Revisions) != 2 || len(snap.Pods) != 6 || len(snap.Incomplete) != 0 {
		t.Fatalf("%d nodes, %d daemonsets, %d revisions, %d pods, incomplete %v", len(snap.Nodes), len(snap.DaemonSets), len(snap.Revisions), len(snap.Pods), snap.Incomplete)
	}
	if snap.Nodes[0].ManagedFields != nil || snap.Nodes[0].Status.Images != nil || snap.DaemonSets[0].ManagedFields != nil || snap.Revisions[0].ManagedFields != nil {
		t.Error("an object was not trimmed")
	}
	for _, p := range snap.Pods {
		if whole := p.Full != nil; whole != (p.Namespace == "monitoring" && p.Node == "node-00002") {
			t.Errorf("%s: whole object kept: %t", p.Name, whole)
		}
	}
	if !slices.Contains(heard, "nodes: 3") || !slices.Contains(heard, "pods: 6") {
		t.Errorf("progress: %q", heard)
	}
	for _, r := range s.Requests() {
		if r.UserAgent != UserAgent || r.Path != "/version" && !strings.HasPrefix(r.Accept, "application/vnd.kubernetes.protobuf,") {
			t.Errorf("%s: user agent %q, accept %q", r, r.UserAgent, r.Accept)
		}
	}
}

func TestACaptureKeepsEveryPodWhole(t *testing.T) {
	snap := read(t, newReader(t, apiserver.New(t, cluster(2)...)), Request{AllPods: true, KeepFull: true})
	if len(snap.Pods) != 5 || !snap.AllPods {
		t.Fatalf("%d pods, all: %t", len(snap.Pods), snap.AllPods)
	}
	for _, p := range snap.Pods {
		if p.Full == nil || p.Full.ManagedFields != nil {
			t.Errorf("%s: %v", p.Name, p.Full)
		}
	}
}

func TestPagesAreFollowedToTheEnd(t *testing.T) {
	s := apiserver.New(t, cluster(1001)...)
	snap := read(t, newReader(t, s), named("monitoring", "agent"))
	if len(snap.Nodes) != 1001 || len(snap.Pods) != 1001 {
		t.Errorf("%d nodes, %d pods", len(snap.Nodes), len(snap.Pods))
	}
	if n, p := s.Count("/nodes?"), s.Count("/pods?"); n != 3 || p != 3 {
		t.Errorf("%d requests for nodes, %d for pods", n, p)
	}
	if got := len(s.Requests()); got != 10 {
		t.Errorf("%d requests: %q", got, s.Lines())
	}
}

func TestRequestsDoNotGrowWithBrokenNodes(t *testing.T) {
	const n = 1000
	objs := cluster(n)
	for i, o := range objs {
		if p, ok := o.(*corev1.Pod); ok && p.Namespace == "monitoring" {
			objs[i] = broken(p)
		}
	}
	s := apiserver.New(t, objs...)
	r := newReader(t, s)
	snap := read(t, r, Request{})
	if got := len(s.Requests()); got != 10 { // 2 pages of nodes, 4 of pods, 2 of DaemonSets, revisions, version
		t.Errorf("first pass: %d requests: %q", got, s.Lines())
	}
	s.Reset()
	more := moreOf("monitoring/agent")
	more.EventNamespaces, more.Namespaces = []string{"monitoring"}, []string{"monitoring"}
	for i := range 50 { // as many as the analysis ever asks for
		more.Nodes = append(more.Nodes, fmt.Sprintf("node-%05d", i))
	}
	readMore(t, r, snap, more)
	if got := len(s.Requests()); got != 2+1+1+1+50 { // pages of agent, events, namespace, who waits for a node, nodes
		t.Errorf("second pass: %d requests: %q", got, s.Lines())
	}
}

func TestProtobufAndJSONGiveTheSameSnapshot(t *testing.T) {
	objs := cluster(3)
	agent := daemonSet("monitoring", "agent")
	objs = append(objs, broken(podOf(agent, 1)), event(podOf(agent, 1), "BackOff"))
	var snaps []*snapshot.Snapshot
	for _, json := range []bool{false, true} {
		s := apiserver.New(t, objs...)
		if json {
			s.JSON()
		}
		r := newReader(t, s)
		snap := read(t, r, Request{AllPods: true, KeepFull: true, ClusterUID: true})
		more := moreOf("monitoring/agent")
		more.EventNamespaces, more.Namespaces, more.Nodes = []string{"monitoring"}, []string{"monitoring"}, []string{"node-00001"}
		readMore(t, r, snap, more)
		one := read(t, r, named("monitoring", "agent"))
		snap.Source.Server, one.Source.Server = "", ""
		snaps = append(snaps, snap, one)
	}
	for i, what := range []string{"all", "one"} {
		if diff := cmp.Diff(snaps[i], snaps[i+2]); diff != "" {
			t.Errorf("%s: protobuf (-), JSON (+):\n%s", what, diff)
		}
	}
	if len(snaps[0].Events) != 1 || snaps[0].Incomplete != nil {
		t.Errorf("events %v, incomplete %v", snaps[0].Events, snaps[0].Incomplete)
	}
}

func TestReadsComeInTheOrderThatKeepsMissingHonest(t *testing.T) {
	s := apiserver.New(t, cluster(2)...)
	read(t, newReader(t, s), Request{})
	var order []string
	for _, r := range s.Requests() {
		if r.Path != "/version" {
			order = append(order, r.Path[strings.LastIndex(r.Path, "/")+1:])
		}
	}
	slices.Sort(order[1:3]) // these two are independent of each other
	if diff := cmp.Diff([]string{"daemonsets", "controllerrevisions", "nodes", "pods", "daemonsets"}, order); diff != "" {
		t.Error(diff)
	}
}

func TestTheSecondReadingOfDaemonSetsCounts(t *testing.T) {
	agent, proxy := daemonSet("monitoring", "agent"), daemonSet("kube-system", "proxy")
	agent.Generation, agent.Status.ObservedGeneration = 5, 5
	s := apiserver.New(t, append(cluster(1), agent, daemonSet("monitoring", "stale"))...)
	stale := daemonSet("monitoring", "stale")
	stale.Generation = 9
	s.Set(stale)
	s.Before(func(r apiserver.Request) {
		if !strings.HasSuffix(r.Path, "/pods") {
			return
		}
		next := daemonSet("monitoring", "agent")
		next.Generation, next.Status.ObservedGeneration = 6, 5
		s.Set(next, daemonSet("monitoring", "newcomer"), daemonSet("monitoring", "stale"))
		s.Delete(proxy)
	})
	var got []string
	for _, d := range read(t, newReader(t, s), Request{}).DaemonSets {
		got = append(got, fmt.Sprintf("%s generation %d", d.Name, d.Generation))
	}
	// proxy was deleted, newcomer's pods were not asked for, and a server that
	// lags behind cannot take stale back to an older generation.
	if diff := cmp.Diff([]string{"agent generation 6", "stale generation 9"}, got); diff != "" {
		t.Error(diff)
	}
}

// The controller makes a revision before it says that it has observed the
// generation: revisions that were listed before that may lack it.
func TestRevisionsAreListedAgainWhereAGenerationWasObservedSince(t *testing.T) {
	second := revision(daemonSet("monitoring", "agent"))
	second.Name, second.UID, second.Revision = "agent-second", "uid-second", 2
	for _, tc := range []struct {
		name   string
		change func(*appsv1.DaemonSet)
		lists  int
	}{
		{"quiet", func(*appsv1.DaemonSet) {}, 1},
		{"a new template", func(d *appsv1.DaemonSet) { d.Generation, d.Status.ObservedGeneration = 2, 2 }, 2},
		{"observed only now", func(d *appsv1.DaemonSet) { d.Status.ObservedGeneration = 2 }, 2},
		{"not observed yet", func(d *appsv1.DaemonSet) { d.Generation = 2 }, 1},
		{"created anew", func(d *appsv1.DaemonSet) { d.UID = "uid-anew" }, 2},
	} {
		for _, req := range []Request{named("monitoring", "agent"), {}} {
			s := apiserver.New(t, cluster(1)...)
			s.Before(func(r apiserver.Request) {
				if !strings.HasSuffix(r.Path, "/pods") {
					return
				}
				d := daemonSet("monitoring", "agent")
				tc.change(d)
				rev := second.DeepCopy()
				rev.OwnerReferences = controlledBy(d)
				s.Set(d, rev)
			})
			snap := read(t, newReader(t, s), req)
			if got := s.Count("/controllerrevisions"); got != tc.lists {
				t.Errorf("%s: revisions were listed %d times, want %d", tc.name, got, tc.lists)
			}
			newest := slices.ContainsFunc(snap.Revisions, func(r *appsv1.ControllerRevision) bool { return r.Name == second.Name })
			if newest != (tc.lists == 2) {
				t.Errorf("%s: the newest revision was read: %t", tc.name, newest)
			}
		}
	}
}

// What the first list said of revisions stands for nothing once it was outrun.
func TestRevisionsThatCannotBeListedAgainAreUnread(t *testing.T) {
	s := apiserver.New(t, cluster(1)...)
	s.Fault(apiserver.Fault{Path: "/apis/apps/v1/namespaces/monitoring/controllerrevisions", Skip: 1, Status: http.StatusForbidden})
	s.Before(func(r apiserver.Request) {
		if strings.HasSuffix(r.Path, "/pods") {
			d := daemonSet("monitoring", "agent")
			d.Generation, d.Status.ObservedGeneration = 2, 2
			s.Set(d)
		}
	})
	snap := read(t, newReader(t, s), named("monitoring", "agent"))
	if _, unread := snap.Missing(snapshot.ResourceRevisions, "monitoring"); !unread || len(snap.Revisions) > 0 || len(snap.Incomplete) != 1 {
		t.Errorf("revisions %v, incomplete %v", snap.Revisions, snap.Incomplete)
	}
}

func TestRevisionsOfOthersAreLeftOut(t *testing.T) {
	other := daemonSet("monitoring", "other")
	rev := revision(other)
	rev.Labels["app"] = "agent" // found by the selector, owned by another
	orphan := revision(daemonSet("monitoring", "orphan"))
	orphan.OwnerReferences = nil
	s := apiserver.New(t, append(cluster(1), runtime.Object(rev), orphan)...)
	r := newReader(t, s)
	for _, req := range []Request{named("monitoring", "agent"), {}} {
		for _, got := range read(t, r, req).Revisions {
			if got.Name == rev.Name || got.Name == orphan.Name {
				t.Errorf("%s is owned by no DaemonSet of the scope", got.Name)
			}
		}
	}
}
