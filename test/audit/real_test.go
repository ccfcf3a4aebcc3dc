package audit_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit/sim/check"
	"github.com/kubectl-ds/kubectl-ds/test/audit"
	"github.com/kubectl-ds/kubectl-ds/test/cluster"
	"github.com/kubectl-ds/kubectl-ds/test/cluster/simnode"
)

const ns = metav1.NamespaceDefault

// TestTheReplayedWorldIsTheLiveOne lets the real controllers work, and then
// compares what the log says with what the server says.
func TestTheReplayedWorldIsTheLiveOne(t *testing.T) {
	c, err := cluster.Start(t.Context(), cluster.Options{Progress: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	client, err := kubernetes.NewForConfig(c.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	if err := simnode.Create(t.Context(), client, simnode.Nodes("n", 12, nil)...); err != nil {
		t.Fatal(err)
	}
	log := audit.Open(c.AuditLog())
	run := stage{t, client, log}
	run.create("agent:1")
	run.same("after the DaemonSet came up")

	run.image("agent:2")
	h := run.same("after a RollingUpdate")
	deleted := map[string]bool{}
	for i := range h.Writes {
		if w := &h.Writes[i]; w.Kind == "Pod" && w.Verb == "delete" {
			deleted[w.Pre.Pod.Node] = true
			if w.Ours || !strings.Contains(w.Actor, "daemon-set-controller") || w.Post == nil || !w.Post.Pod.Deleted {
				t.Errorf("a delete of the update reads %+v", w)
			}
		}
	}
	if len(deleted) != 12 {
		t.Errorf("the update deleted pods on %d nodes, want 12: %v", len(deleted), slices.Sorted(maps.Keys(deleted)))
	}
	peak(t, h, 1)

	run.breakage()
	run.same("after pods and nodes were broken, evicted and deleted")

	if err := simnode.Return(t.Context(), client, "n-6"); err != nil { // who else would end its pod
		t.Fatal(err)
	}
	if err := client.AppsV1().DaemonSets(ns).Delete(t.Context(), "agent", metav1.DeleteOptions{PropagationPolicy: new(metav1.DeletePropagationForeground)}); err != nil {
		t.Fatal(err)
	}
	run.eventually("the DaemonSet to go", func() bool {
		_, err := client.AppsV1().DaemonSets(ns).Get(t.Context(), "agent", metav1.GetOptions{})
		return err != nil
	})
	run.create("agent:3")
	run.same("after it was deleted and made again")

	if err := c.RestartAPIServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	run.image("agent:4")
	run.same("after a restart of the API server")
}

// peak holds that the built-in update never took more than it may: the replay
// shows it, or the order of writes is wrong.
func peak(t *testing.T, h *check.History, ceiling int) {
	t.Helper()
	up := map[string]map[string]bool{} // node: pods
	begun := false
	for i := range h.Writes {
		w := &h.Writes[i]
		if w.Kind != "Pod" {
			continue
		}
		for _, o := range []*check.Object{w.Pre, w.Post} {
			if o == nil {
				continue
			}
			if up[o.Pod.Node] == nil {
				up[o.Pod.Node] = map[string]bool{}
			}
			up[o.Pod.Node][o.UID] = o == w.Post && o.Pod.Ready && !o.Pod.Deleted
		}
		down := 0
		for _, pods := range up {
			if !slices.Contains(slices.Collect(maps.Values(pods)), true) {
				down++
			}
		}
		begun = begun || w.Verb == "delete"
		if begun && down > ceiling {
			t.Errorf("write %d leaves %d nodes without an available pod, the update may %d", i, down, ceiling)
			return
		}
	}
}

// stage is one cluster and one DaemonSet, agent.
type stage struct {
	t      *testing.T
	client kubernetes.Interface
	log    *audit.Log
}

func (s stage) create(image string) {
	s.t.Helper()
	ds := simnode.DaemonSet(ns, "agent", func(ds *appsv1.DaemonSet) { ds.Spec.Template.Spec.Containers[0].Image = image })
	if _, err := s.client.AppsV1().DaemonSets(ns).Create(s.t.Context(), ds, metav1.CreateOptions{}); err != nil {
		s.t.Fatal(err)
	}
	s.ready()
}

func (s stage) image(image string) {
	s.t.Helper()
	patch := fmt.Appendf(nil, `{"spec":{"template":{"spec":{"containers":[{"name":"agent","image":%q}]}}}}`, image)
	if _, err := s.client.AppsV1().DaemonSets(ns).Patch(s.t.Context(), "agent", types.StrategicMergePatchType, patch, metav1.PatchOptions{}); err != nil {
		s.t.Fatal(err)
	}
	s.ready()
}

func (s stage) ready() {
	s.t.Helper()
	all := simnode.Condition{What: "all up to date", Met: func(ds *appsv1.DaemonSet) bool {
		n := ds.Status.DesiredNumberScheduled
		return n > 0 && ds.Status.UpdatedNumberScheduled == n && ds.Status.NumberReady == n
	}}
	if _, err := simnode.WaitDaemonSet(s.t.Context(), s.client, ns, "agent", all); err != nil {
		s.t.Fatal(err)
	}
}

func (s stage) eventually(what string, done func() bool) {
	s.t.Helper()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-deadline:
			s.t.Fatalf("waited a minute for %s", what)
		case <-tick.C:
		}
	}
}

// breakage does one of each that a log can hold.
func (s stage) breakage() {
	t, ctx := s.t, s.t.Context()
	pods := map[string]corev1.Pod{}
	list, err := s.client.CoreV1().Pods(ns).List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range list.Items {
		pods[p.Spec.NodeName] = p
	}
	for _, err := range []error{
		simnode.Crash(ctx, s.client, ns, pods["n-1"].Name, simnode.CrashReport{Restarts: 3}),
		simnode.SetReady(ctx, s.client, ns, pods["n-2"].Name, false),
		simnode.Evict(ctx, s.client, ns, pods["n-3"].Name),
		s.client.CoreV1().Pods(ns).EvictV1(ctx, &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: pods["n-4"].Name}}),
		s.client.CoreV1().Pods(ns).Delete(ctx, pods["n-5"].Name, metav1.DeleteOptions{GracePeriodSeconds: new(int64(0))}),
		simnode.Lose(ctx, s.client, "n-6"),
		s.client.CoreV1().Pods(ns).Delete(ctx, pods["n-6"].Name, metav1.DeleteOptions{}),
		s.client.CoreV1().Nodes().Delete(ctx, "n-7", metav1.DeleteOptions{}),
		// Its pod would go with the garbage collection of pods, in a minute.
		s.client.CoreV1().Pods(ns).Delete(ctx, pods["n-7"].Name, metav1.DeleteOptions{GracePeriodSeconds: new(int64(0))}),
		simnode.Create(ctx, s.client, simnode.Node{Name: "n-12", Unschedulable: true}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	patch := []byte(`{"spec":{"unschedulable":true,"taints":[{"key":"k","value":"v","effect":"PreferNoSchedule"}]}}`)
	if _, err := s.client.CoreV1().Nodes().Patch(ctx, "n-8", types.StrategicMergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	s.eventually("everything to settle", func() bool {
		now, err := s.client.CoreV1().Pods(ns).List(ctx, metav1.ListOptions{})
		if err != nil {
			return false
		}
		is := map[string]corev1.Pod{}
		for _, p := range now.Items {
			is[p.Spec.NodeName] = p
		}
		again := func(node string) bool { return is[node].UID != pods[node].UID && ready(is[node]) }
		_, left := is["n-7"]
		return again("n-3") && again("n-4") && again("n-5") && !left && ready(is["n-12"]) && is["n-6"].DeletionTimestamp != nil
	})
}

func ready(p corev1.Pod) bool {
	return slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// same replays the log and compares the end of it with the live world. The log
// and the lists are not of one moment, so both are read until they agree.
func (s stage) same(when string) *check.History {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 20*time.Second)
	defer cancel()
	for {
		want := s.live(ctx)
		if err := s.log.Read(); err != nil {
			s.t.Fatal(err)
		}
		h, err := s.log.History(audit.Options{Namespace: ns, DaemonSet: "agent"})
		if err != nil {
			s.t.Fatal(err)
		}
		got := map[string]string{}
		for i := range h.Writes {
			w := &h.Writes[i]
			key := w.Kind + " " + w.Name
			if w.Post == nil {
				delete(got, key)
			} else {
				got[key] = words(w.Post)
			}
		}
		if maps.Equal(got, want) {
			return h
		}
		if ctx.Err() != nil || want == nil {
			for _, k := range slices.Sorted(maps.Keys(want)) {
				if got[k] != want[k] {
					s.t.Errorf("%s: %s is %q, the log says %q", when, k, want[k], got[k])
				}
			}
			for _, k := range slices.Sorted(maps.Keys(got)) {
				if want[k] == "" {
					s.t.Errorf("%s: %s is gone, the log says %q", when, k, got[k])
				}
			}
			s.t.FailNow()
		}
		<-time.After(100 * time.Millisecond)
	}
}

func words(o *check.Object) string {
	switch {
	case o.Pod != nil:
		return fmt.Sprintf("%s on %s of %s %s ready=%t deleted=%t terminal=%t restarts=%d", o.UID, o.Pod.Node, o.Pod.OwnerUID,
			o.Labels[appsv1.DefaultDaemonSetUniqueLabelKey], o.Pod.Ready, o.Pod.Deleted, o.Pod.Terminal, o.Pod.Restarts)
	case o.Node != nil:
		return fmt.Sprintf("%s cordoned=%t ready=%s taints=%v", o.UID, o.Node.Unschedulable, o.Node.Ready, o.Node.Taints)
	case o.DaemonSet != nil:
		return fmt.Sprintf("%s %s", o.UID, o.DaemonSet.Strategy)
	case o.Revision != nil:
		return fmt.Sprintf("%s of %s %d %s", o.UID, o.Revision.OwnerUID, o.Revision.Number, o.Revision.Hash)
	}
	return ""
}

// live says the same of what the server says.
func (s stage) live(ctx context.Context) map[string]string {
	pods, errPods := s.client.CoreV1().Pods(ns).List(ctx, metav1.ListOptions{})
	nodes, errNodes := s.client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	sets, errSets := s.client.AppsV1().DaemonSets(ns).List(ctx, metav1.ListOptions{})
	revisions, errRevisions := s.client.AppsV1().ControllerRevisions(ns).List(ctx, metav1.ListOptions{})
	for _, err := range []error{errPods, errNodes, errSets, errRevisions} {
		if err != nil {
			s.t.Error(err)
			return nil
		}
	}
	out := map[string]string{}
	for i := range pods.Items {
		p := &pods.Items[i]
		restarts := 0
		for _, c := range p.Status.ContainerStatuses {
			restarts += int(c.RestartCount)
		}
		out["Pod "+p.Name] = fmt.Sprintf("%s on %s of %s %s ready=%t deleted=%t terminal=%t restarts=%d", p.UID, p.Spec.NodeName, p.OwnerReferences[0].UID,
			p.Labels[appsv1.DefaultDaemonSetUniqueLabelKey], ready(*p), p.DeletionTimestamp != nil, p.Status.Phase == corev1.PodFailed, restarts)
	}
	for i := range nodes.Items {
		n := &nodes.Items[i]
		var taints []check.Taint
		for _, t := range n.Spec.Taints {
			taints = append(taints, check.Taint{Key: t.Key, Value: t.Value, Effect: string(t.Effect)})
		}
		status := ""
		for _, c := range n.Status.Conditions {
			if c.Type == corev1.NodeReady {
				status = string(c.Status)
			}
		}
		out["Node "+n.Name] = fmt.Sprintf("%s cordoned=%t ready=%s taints=%v", n.UID, n.Spec.Unschedulable, status, taints)
	}
	for i := range sets.Items {
		d := &sets.Items[i]
		out["DaemonSet "+d.Name] = fmt.Sprintf("%s %s", d.UID, d.Spec.UpdateStrategy.Type)
	}
	for i := range revisions.Items {
		r := &revisions.Items[i]
		out["ControllerRevision "+r.Name] = fmt.Sprintf("%s of %s %d %s", r.UID, r.OwnerReferences[0].UID, r.Revision, r.Labels[appsv1.DefaultDaemonSetUniqueLabelKey])
	}
	return out
}
