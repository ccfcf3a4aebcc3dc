package kube

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kruntime "k8s.io/apimachinery/pkg/runtime"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

func leaseObject(t testing.TB, run string) *coordinationv1.Lease {
	l := aLease()
	l.Name, l.ResourceVersion, l.Run = rollout.LeaseName("agent"), "", []byte(run)
	obj, err := l.object()
	if err != nil {
		t.Fatal(err)
	}
	return obj
}

// watched is a Live over a server with two nodes, that has listed everything.
func watched(t *testing.T) (*Live, *liveServer) {
	t.Helper()
	ds := target()
	s := newLiveServer(t, ds, revision(ds), node(0), node(1), podOf(ds, 0), podOf(ds, 1), lonePod("web", "web", 0), leaseObject(t, `{"n":1}`))
	r, err := NewReader(s.config())
	if err != nil {
		t.Fatal(err)
	}
	w, err := NewWriter(s.config(), false)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	l, err := r.Watch(ctx, w, ds, snapshot.Source{Context: "c"})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Sync(ctx); err != nil {
		t.Fatal(err)
	}
	return l, s
}

// eventually waits until what holds, woken by the watch itself.
func eventually(t *testing.T, l *Live, what string, holds func(s *snapshot.Snapshot) bool) {
	t.Helper()
	late := time.After(20 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		s := l.Snapshot(time.Now())
		if holds(s) {
			return
		}
		select {
		case <-l.Changed():
		case <-tick.C:
		case <-late:
			t.Fatalf("not seen: %s; pods %v, incomplete %v", what, podNames(s), s.Incomplete)
		}
	}
}

func has(name string) func(s *snapshot.Snapshot) bool {
	return func(s *snapshot.Snapshot) bool { return slices.Contains(podNames(s), name) }
}

func TestAWatchTellsWhatHappens(t *testing.T) {
	l, s := watched(t)
	first := l.Snapshot(now)
	if len(first.DaemonSets) != 1 || len(first.Revisions) != 1 || len(first.Nodes) != 2 || first.Source.Context != "c" || !first.Source.TakenAt.Equal(now) {
		t.Errorf("%+v", first)
	}
	ds := target()
	s.remove(podOf(ds, 0))
	s.set(podOf(ds, 7))
	eventually(t, l, "one pod for another", func(s *snapshot.Snapshot) bool {
		return has("monitoring/agent-00007")(s) && !has("monitoring/agent-00000")(s)
	})
	s.set(leaseObject(t, `{"n":2}`))
	eventually(t, l, "the Lease", func(*snapshot.Snapshot) bool {
		lease, err := l.Lease()
		return err == nil && lease != nil && string(lease.Run) == `{"n":2}`
	})
	s.remove(leaseObject(t, `{"n":2}`))
	eventually(t, l, "no Lease", func(*snapshot.Snapshot) bool {
		lease, err := l.Lease()
		return err == nil && lease == nil
	})
}

func TestACutWatchIsTakenUpAgain(t *testing.T) {
	l, s := watched(t)
	for i := range 3 {
		s.cut()
		s.set(podOf(target(), 10+i))
		eventually(t, l, "a pod after the cut", has(fmt.Sprintf("monitoring/agent-%05d", 10+i)))
		if got := l.Snapshot(time.Now().Add(time.Hour)).Incomplete; len(got) != 0 {
			t.Errorf("a watch that ended and goes on is no failure: %v", got)
		}
	}
}

func TestAServerThatIsDownIsTold(t *testing.T) {
	l, s := watched(t)
	s.be(func() { s.down = true })
	s.cut()
	soon := func(d time.Duration) func(*snapshot.Snapshot) bool {
		return func(*snapshot.Snapshot) bool { return len(l.Snapshot(time.Now().Add(d)).Incomplete) >= 5 }
	}
	eventually(t, l, "five failures", soon(brokenFor+time.Second))
	if s.asked("refused") > 400 {
		t.Errorf("it asked %d times", s.asked("refused"))
	}
	failed := l.Snapshot(time.Now().Add(brokenFor + time.Second)).Incomplete[0]
	if failed.Resource == "" || failed.Error == "" {
		t.Errorf("%+v", failed)
	}
	s.be(func() { s.down = false })
	s.set(podOf(target(), 5))
	eventually(t, l, "what happened meanwhile", has("monitoring/agent-00005"))
	eventually(t, l, "nothing is amiss", func(*snapshot.Snapshot) bool { return len(l.Snapshot(time.Now().Add(time.Hour)).Incomplete) == 0 })
}

func TestAPollHealsAWatchThatHangs(t *testing.T) {
	l, s := watched(t)
	s.be(func() { s.deaf = true })
	ds := target()
	s.remove(podOf(ds, 0))
	s.set(podOf(ds, 7))
	if err := l.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := l.Snapshot(now)
	if has("monitoring/agent-00000")(got) || !has("monitoring/agent-00007")(got) {
		t.Errorf("pods: %v", podNames(got))
	}
	// The watch wakes up and tells what is long past.
	s.be(func() { s.deaf = false })
	s.set(podOf(ds, 8))
	eventually(t, l, "the news", func(s *snapshot.Snapshot) bool {
		if has("monitoring/agent-00000")(s) {
			t.Error("a pod came back")
		}
		return has("monitoring/agent-00008")(s)
	})
}

func TestListsThatAreNotAnsweredAreTold(t *testing.T) {
	l, s := watched(t)
	s.be(func() { s.mute = true })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := l.Poll(ctx); err == nil {
		t.Fatal("no error")
	}
	if got := l.Snapshot(time.Now().Add(brokenFor + time.Second)).Incomplete; len(got) == 0 {
		t.Error("nobody is told that lists hang")
	}
	s.be(func() { s.mute = false })
	if err := l.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := l.Snapshot(time.Now().Add(time.Hour)).Incomplete; len(got) != 0 {
		t.Errorf("%v", got)
	}
	gone, giveUp := context.WithCancel(t.Context())
	giveUp()
	_ = l.Poll(gone)
	if got := l.Snapshot(time.Now().Add(time.Hour)).Incomplete; len(got) != 0 {
		t.Errorf("a list that was given up: %v", got)
	}
}

func TestOurOwnWritesAreReadAtOnce(t *testing.T) {
	l, s := watched(t)
	s.be(func() { s.deaf = true })
	n := node(0)
	n.ResourceVersion, n.Spec.Unschedulable = "5000", true
	p := podOf(target(), 0)
	p.ResourceVersion, p.DeletionTimestamp = "5001", &metav1.Time{Time: born}
	for _, o := range []kruntime.Object{n, p} {
		l.Learn(o)
	}
	got := l.Snapshot(now)
	if !got.Nodes[0].Spec.Unschedulable || got.Pods[0].Deleted == 0 {
		t.Errorf("%+v", got.Pods[0])
	}
	if err := l.Poll(t.Context()); err != nil { // of a server that lags
		t.Fatal(err)
	}
	if got := l.Snapshot(now); !got.Nodes[0].Spec.Unschedulable || got.Pods[0].Deleted == 0 {
		t.Error("a list that lags took it back")
	}
}

func TestALookIsPastTheWatches(t *testing.T) {
	l, s := watched(t)
	s.be(func() { s.deaf = true })
	base := l.Snapshot(now)
	ds := target()
	n := node(0)
	n.Spec.Unschedulable = true
	s.remove(podOf(ds, 0))
	s.set(n)
	fresh, err := l.Look(t.Context(), base, rollout.Look{Node: "node-00000", Pods: true})
	if err != nil {
		t.Fatal(err)
	}
	if has("monitoring/agent-00000")(fresh) || !has("monitoring/agent-00001")(fresh) || !fresh.Nodes[0].Spec.Unschedulable || len(fresh.Nodes) != 2 {
		t.Errorf("pods %v", podNames(fresh))
	}
	if !has("monitoring/agent-00000")(base) || base.Nodes[0].Spec.Unschedulable {
		t.Error("it changed what it was given")
	}
	s.remove(podOf(ds, 1), ds, node(0))
	if fresh, err = l.Look(t.Context(), base, rollout.Look{Node: "node-00000", Pods: true}); err != nil || len(fresh.DaemonSets) != 0 || len(fresh.Nodes) != 1 {
		t.Errorf("%+v, %v", fresh, err)
	}
	if fresh, err = l.Look(t.Context(), base, rollout.Look{All: true}); err != nil || len(fresh.Pods) != 0 || len(fresh.DaemonSets) != 0 {
		t.Errorf("%+v, %v", fresh, err)
	}
	s.be(func() { s.down = true })
	if _, err := l.Look(t.Context(), base, rollout.Look{Node: "node-00001", Pods: true}); err == nil {
		t.Error("a look that failed is no look")
	}
}

func TestANamesakeIsNotTheDaemonSet(t *testing.T) {
	l, s := watched(t)
	other := target()
	other.UID = "other-uid"
	s.remove(target(), podOf(target(), 0))
	s.set(other)
	eventually(t, l, "the new one", func(s *snapshot.Snapshot) bool { return len(s.DaemonSets) == 1 && s.DaemonSets[0].UID == "other-uid" })
}

func TestFollowingNodes(t *testing.T) {
	l, s := watched(t)
	l.Follow([]string{"node-00000", "not-there"})
	eventually(t, l, "all pods of the node", func(s *snapshot.Snapshot) bool {
		return s.FullNodes["node-00000"] && s.FullNodes["not-there"] && has("web/web-00000")(s)
	})
	base := l.Snapshot(now)
	fresh, err := l.Look(t.Context(), base, rollout.Look{Node: "node-00000", Pods: true})
	if err != nil || !has("web/web-00000")(fresh) || !fresh.PodsComplete("node-00000") {
		t.Errorf("%v, %v", podNames(fresh), err)
	}
	for _, p := range base.Pods {
		if p.Namespace == "web" && p.Full == nil {
			t.Error("what a drain spares cannot be seen")
		}
	}
	s.remove(lonePod("web", "web", 0))
	eventually(t, l, "it left", func(s *snapshot.Snapshot) bool { return !has("web/web-00000")(s) })
	l.Follow(nil)
	if got := l.Snapshot(now); len(got.FullNodes) != 0 {
		t.Errorf("still followed: %v", got.FullNodes)
	}
}

// Nothing is left running by what has ended.
func TestWatchesEndWithTheirContext(t *testing.T) {
	watching := func() int {
		b := make([]byte, 1<<20)
		return strings.Count(string(b[:runtime.Stack(b, true)]), "kube.(*feed).run(")
	}
	settle := func(want int) {
		t.Helper()
		late := time.After(20 * time.Second)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for watching() != want {
			select {
			case <-tick.C:
			case <-late:
				t.Fatalf("%d watches, not %d", watching(), want)
			}
		}
	}
	settle(0) // of the tests before
	ds := target()
	s := newLiveServer(t, ds, node(0))
	r, err := NewReader(s.config())
	if err != nil {
		t.Fatal(err)
	}
	w, err := NewWriter(s.config(), false)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	l, err := r.Watch(ctx, w, ds, snapshot.Source{})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Sync(ctx); err != nil {
		t.Fatal(err)
	}
	l.Follow([]string{"node-00000"})
	settle(6)
	l.Follow(nil)
	settle(5)
	cancel()
	settle(0)
}
