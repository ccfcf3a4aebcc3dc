package gates

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

func TestConditionsOfTheNodeDidNotGetWorse(t *testing.T) {
	type to struct {
		name corev1.NodeConditionType
		is   corev1.ConditionStatus
	}
	for _, tc := range []struct {
		name          string
		before, after to
		outcome       rollout.GateOutcome
		words         string
	}{
		{"nothing happened", to{}, to{}, rollout.GatePass, "no condition of the node got worse"},
		{"Ready is lost", to{}, to{"Ready", "False"}, rollout.GateFail, "Ready is False (Because), was True"},
		{"nobody reports", to{}, to{"Ready", "Unknown"}, rollout.GateFail, "Ready is Unknown (Because), was True"},
		{"not ready becomes unknown: no worse is known", to{"Ready", "False"}, to{"Ready", "Unknown"}, rollout.GatePass, "no condition"},
		{"unknown becomes not ready", to{"Ready", "Unknown"}, to{"Ready", "False"}, rollout.GateFail, "Ready is False (Because), was Unknown"},
		{"not ready before", to{"Ready", "False"}, to{}, rollout.GatePass, "no condition"},
		{"the disk fills", to{}, to{"DiskPressure", "True"}, rollout.GateFail, "DiskPressure is True (Because), was False"},
		{"the disk is freed", to{"DiskPressure", "True"}, to{"DiskPressure", "False"}, rollout.GatePass, "no condition"},
		{"a problem of somebody else", to{"KernelDeadlock", "False"}, to{"KernelDeadlock", "True"}, rollout.GateFail, "KernelDeadlock is True (Because), was False"},
		{"a problem that is new", to{}, to{"KernelDeadlock", "True"}, rollout.GateFail, "KernelDeadlock is True (Because)"},
		{"a new condition that is well", to{}, to{"KernelDeadlock", "False"}, rollout.GatePass, "no condition"},
		{"one that is well when True", to{"RuntimeHealthy", "True"}, to{"RuntimeHealthy", "False"}, rollout.GateFail, "RuntimeHealthy is False (Because), was True"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld()
			if tc.before.name != "" {
				w.condition(tc.before.name, tc.before.is)
			}
			r := newRunner(t, builtin(rollout.GateConditions), w, Options{})
			r.Begin(t.Context(), w.view(false).Node("n1"))
			if tc.after.name != "" {
				w.condition(tc.after.name, tc.after.is)
			}
			check(t, w.ask(t, r, rollout.AfterNode), tc.outcome, tc.words)
		})
	}
}

func TestConditionsWithoutABaselineMustBeWell(t *testing.T) {
	w := newWorld()
	r := newRunner(t, builtin(rollout.GateConditions), w, Options{})
	w.condition("KernelDeadlock", corev1.ConditionTrue) // nobody knows since when
	check(t, w.ask(t, r, rollout.AfterNode), rollout.GatePass, "no baseline")
	check(t, w.ask(t, r, rollout.BeforeNode), rollout.GatePass, "before the node there is nothing to compare with")
	w.condition(corev1.NodeDiskPressure, corev1.ConditionTrue)
	check(t, w.ask(t, r, rollout.BeforeNode), rollout.GateHold, "DiskPressure is True (Because)")
	w.node.Status.Conditions = nil
	check(t, w.ask(t, r, rollout.AfterNode), rollout.GateHold, "Ready was never reported")
}
