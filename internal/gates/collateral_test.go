package gates

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

func builtin(b rollout.BuiltinGate) *rollout.Policy { return probeOf(rollout.Probe{Builtin: b}) }

func TestOtherPodsDidNotGetWorse(t *testing.T) {
	for _, tc := range []struct {
		name    string
		before  func(*world)
		after   func(*world)
		outcome rollout.GateOutcome
		words   string
	}{
		{"nothing happened", nil, nil, rollout.GatePass, "3 other pods as before"},
		{"one is not ready any more", nil, func(w *world) { notReady(w.pod("web-1")) }, rollout.GateFail, "1 other pod got worse: default/web-1 is not ready"},
		{"one restarted", nil, func(w *world) { w.pod("web-1").Status.ContainerStatuses[0].RestartCount = 1 }, rollout.GateFail, "default/web-1 restarted (1, was 0)"},
		{"one was evicted by the kubelet", nil, func(w *world) {
			w.pod("web-1").Status.Phase, w.pod("web-1").Status.Reason = corev1.PodFailed, "Evicted"
		}, rollout.GateFail, "default/web-1 failed (Evicted)"},
		{"one has done its work", nil, func(w *world) { w.pod("web-1").Status.Phase = corev1.PodSucceeded }, rollout.GatePass, "2 other pods as before, 1 deleted or replaced"},
		{"one was deleted", nil, func(w *world) { w.remove("web-1") }, rollout.GatePass, "2 other pods as before, 1 deleted or replaced"},
		{"one is being deleted", nil, func(w *world) { deleted(notReady(w.pod("web-1"))) }, rollout.GatePass, "1 deleted or replaced"},
		{"one of a DaemonSet is not back", nil, func(w *world) { w.remove("cni-1") }, rollout.GateHold, "kube-system/cni-1 is not back"},
		{"one of a DaemonSet is back and not ready", nil, func(w *world) {
			w.remove("cni-1")
			w.add(notReady(pod("kube-system/cni-2", "DaemonSet/cni")))
		}, rollout.GateHold, "kube-system/cni-1 is not back"},
		{"one of a DaemonSet is back", nil, func(w *world) {
			w.remove("cni-1")
			w.add(pod("kube-system/cni-2", "DaemonSet/cni"))
		}, rollout.GatePass, "2 other pods as before, 1 deleted or replaced"},
		{"a static pod was replaced by another", nil, func(w *world) {
			w.remove("proxy-n1")
			w.add(pod("kube-system/etcd-n1", "Node/n1"))
		}, rollout.GateHold, "kube-system/proxy-n1 is not back"},
		{"a static pod is back", nil, func(w *world) { w.pod("proxy-n1").UID = "again" }, rollout.GatePass, "1 deleted or replaced"},
		{"one that was not ready before", func(w *world) { notReady(w.pod("web-1")) }, func(w *world) { w.pod("web-1").Status.ContainerStatuses[0].RestartCount = 9 }, rollout.GatePass, "2 other pods as before"},
		{"a newcomer that is not ready", nil, func(w *world) { w.add(notReady(pod("default/job-1", "Job/job"))) }, rollout.GatePass, "3 other pods as before"},
		{"the DaemonSet's own pod is not ready", nil, func(w *world) { notReady(w.pod("vector-new")) }, rollout.GatePass, "3 other pods as before"},
		{"many", func(w *world) {
			for _, n := range []string{"a", "b", "c", "d"} {
				w.add(pod("x/"+n, "ReplicaSet/x"))
			}
		}, func(w *world) {
			for _, n := range []string{"a", "b", "c", "d"} {
				notReady(w.pod(n))
			}
		}, rollout.GateFail, "4 other pods got worse: x/a is not ready, x/b is not ready, x/c is not ready +1"},
		{"no right to look now", nil, func(w *world) { w.refuse = "pods" }, rollout.GateError, "cannot look: list pods: forbidden"},
	} {
		for _, complete := range []bool{true, false} { // the view has them, or they are listed
			t.Run(tc.name, func(t *testing.T) {
				w := newWorld()
				w.add(pod("kube-system/cni-1", "DaemonSet/cni"))
				w.add(pod("kube-system/proxy-n1", "Node/n1"))
				if tc.before != nil {
					tc.before(w)
				}
				r := newRunner(t, builtin(rollout.GateCollateral), w, Options{})
				r.Begin(t.Context(), w.view(complete).Node("n1"))
				if listed := slices.Contains(w.reads, "list pods"); listed == complete {
					t.Errorf("complete %t: reads %v", complete, w.reads)
				}
				w.replace()
				if tc.after != nil {
					tc.after(w)
				}
				check(t, w.ask(t, r, rollout.AfterNode), tc.outcome, tc.words)
			})
		}
	}
}

func TestOtherPodsWithoutABaseline(t *testing.T) {
	const lost = "no baseline: this process did not see the node before its pod was replaced"
	w := newWorld()
	w.add(deleted(notReady(pod("default/leaving", "ReplicaSet/x")))) // neither counts
	w.add(notReady(pod("default/evicted", "ReplicaSet/x")))
	w.pod("evicted").Status.Phase = corev1.PodFailed
	r := newRunner(t, builtin(rollout.GateCollateral), w, Options{})
	check(t, w.ask(t, r, rollout.BeforeNode), rollout.GatePass, "before the node there is nothing to compare with")
	w.replace()
	check(t, w.ask(t, r, rollout.AfterNode), rollout.GatePass, "1 other pod ready; restarts not compared ("+lost+")")
	notReady(w.pod("web-1"))
	check(t, w.ask(t, r, rollout.AfterNode), rollout.GateHold, "default/web-1 is not ready (every other pod must be ready: "+lost+")")

	w.refuse = "pods" // at the baseline only
	r.Begin(t.Context(), w.view(false).Node("n1"))
	w.refuse = ""
	check(t, w.ask(t, r, rollout.AfterNode), rollout.GateHold, "no baseline, it could not be read: list pods: forbidden")
}

func TestTheFirstBaselineStandsUntilItIsForgotten(t *testing.T) {
	w := newWorld()
	r := newRunner(t, builtin(rollout.GateCollateral), w, Options{})
	r.Begin(t.Context(), w.view(false).Node("n1"))
	w.replace()
	notReady(w.pod("web-1"))
	w.reads = nil
	r.Begin(t.Context(), w.view(false).Node("n1")) // a second time, too late
	if len(w.reads) > 0 {
		t.Error(w.reads)
	}
	check(t, w.ask(t, r, rollout.AfterNode), rollout.GateFail, "default/web-1 is not ready")
	r.Forget("n1")
	check(t, w.ask(t, r, rollout.AfterNode), rollout.GateHold, "no baseline")
	r.Begin(t.Context(), w.view(false).Node("n1"))
	check(t, w.ask(t, r, rollout.AfterNode), rollout.GatePass, "0 other pods as before")
}

// What the first try did to other pods is over; what it left broken is not.
func TestANodeThatIsTriedAgainHasRestartsForgiven(t *testing.T) {
	w := newWorld()
	r := newRunner(t, builtin(rollout.GateCollateral), w, Options{})
	r.Begin(t.Context(), w.view(false).Node("n1"))
	w.replace()
	w.pod("web-1").Status.ContainerStatuses[0].RestartCount = 2
	check(t, w.ask(t, r, rollout.AfterNode), rollout.GateFail, "default/web-1 restarted (2, was 0)")
	notReady(w.pod("web-1"))
	r.Again(t.Context(), w.view(false).Node("n1"))
	check(t, w.ask(t, r, rollout.AfterNode), rollout.GateFail, "default/web-1 is not ready")
	w.remove("web-1")
	web := pod("default/web-1", "ReplicaSet/web")
	web.Status.ContainerStatuses[0].RestartCount = 2
	w.add(web)
	check(t, w.ask(t, r, rollout.AfterNode), rollout.GatePass, "1 other pod as before")
	web.Status.ContainerStatuses[0].RestartCount = 3
	check(t, w.ask(t, r, rollout.AfterNode), rollout.GateFail, "default/web-1 restarted (3, was 2)")

	w.refuse = "pods" // then what was noted stands
	r.Again(t.Context(), w.view(false).Node("n1"))
	w.refuse = ""
	check(t, w.ask(t, r, rollout.AfterNode), rollout.GateFail, "default/web-1 restarted (3, was 2)")
	r.Forget("n1")
	r.Again(t.Context(), w.view(false).Node("n1"))
	check(t, w.ask(t, r, rollout.AfterNode), rollout.GatePass, "no baseline")
}

func TestANamesakeOfTheNodeHasNoBaseline(t *testing.T) {
	w := newWorld()
	r := newRunner(t, builtin(rollout.GateCollateral), w, Options{})
	r.Begin(t.Context(), w.view(false).Node("n1"))
	w.node.UID = "another"
	check(t, w.ask(t, r, rollout.AfterNode), rollout.GatePass, "no baseline")
	r.Begin(t.Context(), w.view(false).Node("n1"))
	check(t, w.ask(t, r, rollout.AfterNode), rollout.GatePass, "1 other pod as before")
}

func TestBeginReadsNothingThatNoGateNeeds(t *testing.T) {
	w := newWorld()
	for _, p := range []*rollout.Policy{probeOf(rollout.Probe{Pods: "app=web"}), builtin(rollout.GateConditions), {}} {
		newRunner(t, p, w, Options{}).Begin(t.Context(), w.view(false).Node("n1"))
	}
	if len(w.reads) > 0 {
		t.Error(w.reads)
	}
}
