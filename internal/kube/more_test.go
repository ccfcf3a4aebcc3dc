package kube

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit/apiserver"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

func moreOf(sets ...string) snapshot.More {
	var m snapshot.More
	for _, s := range sets {
		ns, name, _ := strings.Cut(s, "/")
		m.DaemonSets = append(m.DaemonSets, types.NamespacedName{Namespace: ns, Name: name})
	}
	return m
}

func readMore(t testing.TB, r *Reader, snap *snapshot.Snapshot, more snapshot.More) {
	t.Helper()
	if err := r.ReadMore(t.Context(), snap, more); err != nil {
		t.Fatal(err)
	}
}

func podNames(snap *snapshot.Snapshot) []string {
	var out []string
	for _, p := range snap.Pods {
		out = append(out, p.Namespace+"/"+p.Name)
	}
	return out
}

func TestADaemonSetsOwnListIsFinal(t *testing.T) {
	s := apiserver.New(t, cluster(2)...)
	r := newReader(t, s)
	snap := read(t, r, Request{})
	agent := daemonSet("monitoring", "agent")
	orphan := lonePod("monitoring", "adopted", 1) // selected, and without the label of the broad list
	orphan.Labels = map[string]string{"app": "agent"}
	s.Set(orphan, podOf(agent, 7))
	s.Delete(podOf(agent, 0), podOf(daemonSet("kube-system", "proxy"), 0))
	readMore(t, r, snap, moreOf("monitoring/agent"))
	want := []string{ // agent as it is now, proxy as it was
		"kube-system/proxy-00000", "kube-system/proxy-00001",
		"monitoring/adopted-00001", "monitoring/agent-00001", "monitoring/agent-00007",
	}
	if diff := cmp.Diff(want, podNames(snap)); diff != "" {
		t.Error(diff)
	}
}

func TestANodesListAddsAndNeverTakesAway(t *testing.T) {
	s := apiserver.New(t, cluster(2)...)
	r := newReader(t, s)
	snap := read(t, r, Request{})
	agent, proxy := daemonSet("monitoring", "agent"), daemonSet("kube-system", "proxy")
	s.Set(broken(podOf(proxy, 0)))
	s.Before(func(req apiserver.Request) {
		if strings.Contains(req.Query, "spec.nodeName") {
			s.Set(broken(podOf(agent, 0)), podOf(daemonSet("monitoring", "late"), 0))
			s.Delete(podOf(proxy, 1))
		}
	})
	more := moreOf("monitoring/agent")
	more.Nodes = []string{"node-00000", "node-00001"}
	readMore(t, r, snap, more)
	var got []string
	for _, p := range snap.Pods {
		got = append(got, fmt.Sprintf("%s well=%t", p.Name, p.Well()))
	}
	want := []string{
		"web-00000 well=true",
		"proxy-00000 well=false", // the node's list is the newer one
		"proxy-00001 well=true",  // its successor may be on the way
		"agent-00000 well=true",  // agent's own list was final
		"agent-00001 well=true",
		"late-00000 well=true",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !snap.PodsComplete("node-00000") || !snap.PodsComplete("node-00001") || snap.PodsComplete("node-00002") {
		t.Errorf("full nodes: %v", snap.FullNodes)
	}
}

// Who waits for room that the scheduler keeps on a node is read with the pods of
// nodes; who is bound meanwhile is read as bound.
func TestPodsNominatedToANodeAreReadWithIt(t *testing.T) {
	wait := func(i int, node string) *corev1.Pod {
		p := lonePod("shop", "waits", i)
		p.Spec.NodeName, p.Status.Phase, p.Status.NominatedNodeName = "", corev1.PodPending, node
		return p
	}
	s := apiserver.New(t, append(cluster(2), wait(1, ""), wait(2, "node-00000"), wait(3, "node-00000"))...)
	r := newReader(t, s)
	snap := read(t, r, Request{})
	s.Before(func(req apiserver.Request) {
		if req.Query == "fieldSelector=spec.nodeName%3Dnode-00000&limit=500" {
			bound := wait(3, "node-00000")
			bound.Spec.NodeName = "node-00000"
			s.Set(bound)
		}
	})
	readMore(t, r, snap, snapshot.More{Nodes: []string{"node-00000"}})
	var got []string
	for _, p := range snap.Pods {
		if p.Nominated != "" {
			got = append(got, fmt.Sprintf("%s nominated=%s node=%s", p.Name, p.Nominated, p.Node))
		}
	}
	want := []string{"waits-00002 nominated=node-00000 node=", "waits-00003 nominated=node-00000 node=node-00000"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(snap.FullNodes) != 1 {
		t.Errorf("full nodes: %v", snap.FullNodes)
	}
}

func TestWhatAnEarlierListSawIsForgotten(t *testing.T) {
	orphan := lonePod("monitoring", "orphan", 0)
	orphan.Labels = map[string]string{"app": "agent"}
	unlike := podOf(daemonSet("monitoring", "agent"), 1) // owned, and no longer selected
	unlike.Labels = map[string]string{"app": "other"}
	s := apiserver.New(t, append(cluster(1), orphan, unlike)...)
	r := newReader(t, s)
	snap := read(t, r, Request{AllPods: true})
	s.Delete(orphan)
	readMore(t, r, snap, moreOf("monitoring/agent"))
	want := []string{"default/web-00000", "kube-system/proxy-00000", "monitoring/agent-00000"}
	if diff := cmp.Diff(want, podNames(snap)); diff != "" {
		t.Error(diff)
	}
}

func TestListsReadAtTwoTimesAgreeByTheOwners(t *testing.T) {
	a, b := daemonSet("monitoring", "a"), daemonSet("monitoring", "b")
	p := (&Reader{}).newPass(nil)
	rec := func(pod *corev1.Pod) snapshot.Pod { return p.in.Pod(pod) }
	all := labels.Everything()
	got := mergeOwned(nil, []ownedPods{
		// b's list is first, and older: a's pod was not ready, another of a's is gone since.
		{"monitoring", b.UID, all, []snapshot.Pod{rec(broken(podOf(a, 0))), rec(podOf(a, 1)), rec(podOf(b, 0)), rec(lonePod("monitoring", "x", 0))}},
		{"monitoring", a.UID, all, []snapshot.Pod{rec(podOf(a, 0)), rec(broken(lonePod("monitoring", "x", 0)))}},
	})
	var names []string
	for _, pod := range got {
		names = append(names, fmt.Sprintf("%s well=%t", pod.Name, pod.Well()))
	}
	if diff := cmp.Diff([]string{"b-00000 well=true", "x-00000 well=true", "a-00000 well=true"}, names); diff != "" {
		t.Error(diff)
	}
}

func TestOverlappingSelectorsGiveEachPodOnce(t *testing.T) {
	a, b := daemonSet("monitoring", "a"), daemonSet("monitoring", "b")
	b.Spec.Selector = &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "app", Operator: metav1.LabelSelectorOpExists}}}
	shared := lonePod("monitoring", "a", 3)
	s := apiserver.New(t, a, b, podOf(a, 0), podOf(b, 0), shared)
	r := newReader(t, s)
	want := []string{"monitoring/a-00000", "monitoring/a-00003", "monitoring/b-00000"}
	snap := read(t, r, named("monitoring", "a", "b"))
	if diff := cmp.Diff(want, podNames(snap)); diff != "" {
		t.Errorf("Read: %s", diff)
	}
	readMore(t, r, snap, moreOf("monitoring/a", "monitoring/b"))
	if diff := cmp.Diff(want, podNames(snap)); diff != "" {
		t.Errorf("ReadMore: %s", diff)
	}
}

func TestEventsAndNamespaces(t *testing.T) {
	agent, proxy := daemonSet("monitoring", "agent"), daemonSet("kube-system", "proxy")
	normal := event(podOf(agent, 0), "Pulled")
	normal.Type = corev1.EventTypeNormal
	onNode := event(podOf(agent, 0), "NodeNotReady")
	onNode.Namespace, onNode.InvolvedObject = "default", corev1.ObjectReference{Kind: "Node", Name: "node-00000"}
	s := apiserver.New(t, append(cluster(1), event(podOf(agent, 0), "BackOff"), normal, onNode, event(podOf(proxy, 0), "BackOff"))...)
	r := newReader(t, s)
	snap := read(t, r, Request{})
	more := snapshot.More{EventNamespaces: []string{"monitoring", "default", "monitoring"}, Namespaces: []string{"monitoring", "gone"}}
	readMore(t, r, snap, more)
	if n := len(s.Requests()); n != 6+2+2 {
		t.Errorf("%d requests: %q", n, s.Lines())
	}
	onNode.Count = 9
	s.Set(onNode)
	readMore(t, r, snap, more)
	var got []string
	for _, e := range snap.Events {
		got = append(got, fmt.Sprintf("%s/%s %s x%d", e.Namespace, e.Name, e.Reason, e.Count))
	}
	if diff := cmp.Diff([]string{"/node-00000 NodeNotReady x9", "monitoring/agent-00000 BackOff x3"}, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]snapshot.Namespace{{Name: "monitoring", Enforce: "baseline"}}, snap.Namespaces); diff != "" {
		t.Error(diff)
	}
	if len(snap.Incomplete) != 0 {
		t.Errorf("incomplete: %v", snap.Incomplete)
	}
}

func TestManyNamespacesAreOneList(t *testing.T) {
	s := apiserver.New(t)
	var more snapshot.More
	for i := range 11 {
		name := fmt.Sprintf("ns-%02d", i)
		s.Set(namespace(name))
		more.Namespaces = append(more.Namespaces, name)
	}
	s.Set(namespace("unasked"))
	r := newReader(t, s)
	snap := &snapshot.Snapshot{}
	readMore(t, r, snap, more)
	if len(snap.Namespaces) != 11 || len(s.Requests()) != 1 {
		t.Errorf("%d namespaces by %q", len(snap.Namespaces), s.Lines())
	}
	s.Reset()
	more.Namespaces = more.Namespaces[:10]
	readMore(t, r, snap, more)
	if len(s.Requests()) != 10 || s.Count("?") != 0 {
		t.Errorf("requests: %q", s.Lines())
	}
	s.Reset()
	readMore(t, r, snap, snapshot.More{Namespaces: []string{""}, EventNamespaces: []string{""}})
	if len(snap.Namespaces) != 12 || len(s.Requests()) != 2 {
		t.Errorf("%d namespaces by %q", len(snap.Namespaces), s.Lines())
	}
}

func TestNothingMoreAsksNothing(t *testing.T) {
	s := apiserver.New(t)
	readMore(t, newReader(t, s), &snapshot.Snapshot{}, moreOf("not/there"))
	if len(s.Requests()) != 0 {
		t.Errorf("requests: %q", s.Lines())
	}
}
