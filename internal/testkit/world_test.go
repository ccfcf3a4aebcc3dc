package testkit_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit"
	"github.com/kubectl-ds/kubectl-ds/pkg/coverage"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

func verdict(t *testing.T, w *testkit.World) coverage.NodeVerdict {
	t.Helper()
	l := coverage.Analyze(w.Snapshot(), coverage.Options{Now: testkit.Now, Grace: 5 * time.Minute}).Report()
	if len(l.Items) != 1 || len(l.Items[0].Nodes) != 1 {
		t.Fatalf("%d DaemonSets", len(l.Items))
	}
	return l.Items[0].Nodes[0]
}

// What builders begin with is well, and each word changes what it says.
func TestBuildersBuildWhatTheySay(t *testing.T) {
	agent := func() *testkit.DaemonSetBuilder { return testkit.DaemonSet("ops", "agent") }
	d := agent().Build()
	pod := func() *testkit.PodBuilder { return testkit.PodOf(d, "a") }
	revision := testkit.Revision(d, testkit.Hash, 1, 24*time.Hour)
	for _, c := range []struct {
		name   string
		world  *testkit.World
		state  coverage.State
		reason coverage.Reason
	}{
		{"a world that runs is covered", running(agent(), testkit.Node("a")), coverage.Covered, coverage.Current},
		{"a cordoned node too", running(agent(), testkit.Node("a").Cordoned()), coverage.Covered, coverage.Current},
		{"a lost node has left should-run", running(agent(), testkit.Node("a").Lost(time.Hour)), coverage.Misplaced, coverage.LatentUnrecreatable},
		{"unless all taints are tolerated", running(agent().TolerateAll(), testkit.Node("a").Lost(time.Hour)), coverage.Unready, coverage.NodeLost},
		{"a node that is not ready has left as well", running(agent(), testkit.Node("a").NotReady("cni", time.Hour)), coverage.Misplaced, coverage.LatentUnrecreatable},
		{"a taint that is tolerated", running(agent().Tolerate("gpu"), testkit.Node("a").Taint("gpu=yes:NoSchedule")), coverage.Covered, coverage.Current},
		{"a selector", world(agent().Select("disk=ssd"), testkit.Node("a")), coverage.Excluded, coverage.SelectorMismatch},
		{"a label", running(agent().Select("disk=ssd"), testkit.Node("a").Label("disk=ssd")), coverage.Covered, coverage.Current},
		{"a term", world(agent().Require("disk In ssd,nvme"), testkit.Node("a").NoLabels()), coverage.Excluded, coverage.SelectorMismatch},
		{"a young node", world(agent(), revision, testkit.Node("a").Joined(time.Minute)), coverage.Missing, coverage.NodeYoung},
		{"an event", world(agent(), revision, testkit.Node("a"), testkit.Event(d, "DaemonSet", "FailedCreate", "Error creating: exceeded quota: q", time.Minute)), coverage.Missing, coverage.CreateQuota},
		{"an old revision", world(agent(), revision, testkit.Node("a"), pod().Hash("old")), coverage.Outdated, coverage.OutdatedReason},
		{"a pod that crashes", world(agent(), revision, testkit.Node("a"), pod().Crashing(1, "Error", 4)), coverage.Unready, coverage.CrashLoop},
		{"a pod that waits", world(agent(), revision, testkit.Node("a"), pod().Waiting("ImagePullBackOff", "no")), coverage.Unready, coverage.ImagePull},
		{"a pod that no scheduler saw", world(agent(), revision, testkit.Node("a"), pod().Pending("")), coverage.Unready, coverage.SchedNoScheduler},
		{"a pod that ended", world(agent(), revision, testkit.Node("a"), pod().Failed("Evicted", "low on memory")), coverage.Unready, coverage.Evicted},
		{"a pod that is ending", world(agent(), revision, testkit.Node("a"), pod().Terminating(-time.Second)), coverage.Unready, coverage.Terminating},
		{"an orphan", world(agent(), revision, testkit.Node("a"), pod().Orphan()), coverage.Covered, coverage.Current},
		{"a pod of another owner", world(agent(), revision, testkit.Node("a"), pod().OwnedBy("ReplicaSet", "x")), coverage.Missing, coverage.CreateStale},
		{"a list that failed", world(agent(), revision, testkit.Node("a"), pod()).Unread(snapshot.ResourcePods, ""), coverage.Unknown, coverage.UnknownReason},
	} {
		if v := verdict(t, c.world); v.State != c.state || v.Reason != c.reason {
			t.Errorf("%s: %s %s, want %s %s", c.name, v.State, v.Reason, c.state, c.reason)
		}
	}
}

func world(objects ...any) *testkit.World { return testkit.NewWorld().Add(objects...) }

func running(d *testkit.DaemonSetBuilder, n *testkit.NodeBuilder) *testkit.World {
	w := testkit.NewWorld().Add(n)
	w.Run(d, n.Build().Name)
	return w
}

// A builder can be used twice.
func TestWhatWasBuiltIsNotShared(t *testing.T) {
	b := testkit.Node("a")
	one, two := b.Build(), b.Label("x=1").Build()
	if one.Labels["x"] != "" || two.Labels["x"] != "1" {
		t.Errorf("labels %v and %v", one.Labels, two.Labels)
	}
	two.Status.Allocatable[corev1.ResourceCPU] = testkit.Resources("cpu", "9")["cpu"]
	if q := b.Build().Status.Allocatable[corev1.ResourceCPU]; q.Value() != 4 {
		t.Errorf("allocatable %v", q)
	}
}
