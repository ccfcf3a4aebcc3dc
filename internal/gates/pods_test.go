package gates

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

func TestPodsOfTheSameNodeAreReady(t *testing.T) {
	elsewhere := notReady(pod("default/web-9", "ReplicaSet/web"))
	elsewhere.Spec.NodeName = "n2"
	done := notReady(pod("default/web-0", "ReplicaSet/web"))
	done.Status.Phase = corev1.PodSucceeded
	for _, tc := range []struct {
		name    string
		change  func(*world)
		outcome rollout.GateOutcome
		words   string
	}{
		{"one that is ready", func(*world) {}, rollout.GatePass, "1 pod matching app=web ready"},
		{"pods that have ended or are elsewhere do not count", func(w *world) { w.add(elsewhere); w.add(done) }, rollout.GatePass, "1 pod matching app=web ready"},
		{"none", func(w *world) { w.remove("web-1") }, rollout.GateHold, "no pod on the node matches app=web"},
		{"only one that has ended", func(w *world) { w.remove("web-1"); w.add(done) }, rollout.GateHold, "no pod on the node matches app=web"},
		{"one of two is not", func(w *world) { w.add(notReady(pod("default/web-2", "ReplicaSet/web"))) }, rollout.GateHold, "1 of 2 pods matching app=web not ready: default/web-2 is not ready"},
		{"one that leaves", func(w *world) { deleted(w.pod("web-1")) }, rollout.GateHold, "default/web-1 is terminating"},
		{"a node that nobody reports for", func(w *world) { w.condition(corev1.NodeReady, corev1.ConditionUnknown) }, rollout.GateHold, "default/web-1 is on a node that nobody reports for"},
		{"no right to look", func(w *world) { w.refuse = "pods" }, rollout.GateError, "cannot look: list pods: forbidden"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld()
			tc.change(w)
			check(t, w.ask(t, newRunner(t, probeOf(rollout.Probe{Pods: "app=web"}), w, Options{}), rollout.AfterNode), tc.outcome, tc.words)
		})
	}
}

func TestThePodOfAnotherDaemonSetIsAvailable(t *testing.T) {
	for _, tc := range []struct {
		name    string
		change  func(*world)
		outcome rollout.GateOutcome
		words   string
	}{
		{"available", func(*world) {}, rollout.GatePass, "kube-system/cni-1 of DaemonSet kube-system/cni available"},
		{"one of two is enough while the other leaves", func(w *world) { w.add(deleted(pod("kube-system/cni-0", "DaemonSet/cni"))) }, rollout.GatePass, "kube-system/cni-1 of"},
		{"not ready", func(w *world) { notReady(w.pod("cni-1")) }, rollout.GateHold, "kube-system/cni-1 is not ready"},
		{"terminating", func(w *world) { deleted(w.pod("cni-1")) }, rollout.GateHold, "kube-system/cni-1 is terminating"},
		{"no pod", func(w *world) { w.remove("cni-1") }, rollout.GateHold, "no pod of DaemonSet kube-system/cni on the node"},
		{"only a failed one", func(w *world) { w.pod("cni-1").Status.Phase = corev1.PodFailed }, rollout.GateHold, "no pod of DaemonSet kube-system/cni on the node"},
		{"a pod of a namesake that is gone", func(w *world) { w.sets[1].UID = "another" }, rollout.GateHold, "no pod of DaemonSet"},
		{"ready not long enough", func(w *world) { w.sets[1].Spec.MinReadySeconds = 90 }, rollout.GateHold, "kube-system/cni-1 is ready, and available in 30s"},
		{"ready long enough", func(w *world) { w.sets[1].Spec.MinReadySeconds = 60 }, rollout.GatePass, "available"},
		{"no such DaemonSet", func(w *world) { w.sets = w.sets[:1] }, rollout.GateFail, "there is no DaemonSet kube-system/cni"},
		{"no right to read it", func(w *world) { w.refuse = "daemonsets" }, rollout.GateError, "cannot look: get daemonsets: forbidden"},
		{"no right to list pods", func(w *world) { w.refuse = "pods" }, rollout.GateError, "cannot look: list pods: forbidden"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld()
			w.sets = append(w.sets, daemonSet("kube-system", "cni"))
			w.add(pod("kube-system/cni-1", "DaemonSet/cni"))
			tc.change(w)
			check(t, w.ask(t, newRunner(t, probeOf(rollout.Probe{DaemonSet: "kube-system/cni"}), w, Options{}), rollout.AfterNode), tc.outcome, tc.words)
		})
	}
}

func TestThePodThatAQuestionIsAbout(t *testing.T) {
	w := newWorld()
	name := func(when rollout.When) string {
		q := w.question(when)
		if p := q.pod(); p != nil {
			return p.Name
		}
		return "none"
	}
	expect := func(when rollout.When, want string) {
		t.Helper()
		if got := name(when); got != want {
			t.Errorf("%s: %s, want %s", when, got, want)
		}
	}
	expect(rollout.BeforeWave, "none")
	expect(rollout.BeforeNode, "vector-old")
	w.run.InFlight = []rollout.Flight{{Node: "n1", PodUID: "uid-vector-old"}}
	expect(rollout.AfterNode, "none") // not replaced yet
	young := pod("logging/vector-new", "DaemonSet/vector")
	young.CreationTimestamp = metav1.NewTime(now.Add(-time.Second))
	w.add(young)
	expect(rollout.AfterNode, "vector-new")
	expect(rollout.BeforeNode, "vector-new")
	deleted(young)
	expect(rollout.AfterNode, "none")
}
