package rollout

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// A budget that is never met stands in the way of a drain only where it
// selects a pod that would be evicted from a node of the run.
func TestABudgetMattersByThePodsThatADrainWouldEvict(t *testing.T) {
	web := func(node string) snapshot.Pod {
		return snapshot.Pod{Namespace: "web", Name: "web-1", UID: "web-1", Node: node, Phase: corev1.PodRunning,
			Owner: &snapshot.Owner{Kind: "ReplicaSet", Name: "web", UID: "rs"}, Full: &corev1.Pod{}}
	}
	for _, c := range []struct {
		name string
		set  func(w *world, p *snapshot.Pod)
		want string // in the detail; empty where it starts
	}{
		{"a pod on a node of the run", func(*world, *snapshot.Pod) {}, "the drain of n1 would never end, first for web/web-1"},
		{"on a node that is not of the run", func(w *world, _ *snapshot.Pod) { w.pol.Nodes = []string{"n0"} }, ""},
		{"on a node that runs the target", func(w *world, _ *snapshot.Pod) { w.p(1).Labels = map[string]string{hashLabel: "h2"} }, ""},
		{"on a node that the DaemonSet is not on", func(_ *world, p *snapshot.Pod) { p.Node = "elsewhere" }, ""},
		{"not placed yet", func(_ *world, p *snapshot.Pod) { p.Node = "" }, ""},
		{"of a DaemonSet", func(_ *world, p *snapshot.Pod) { p.Owner.Kind = "DaemonSet" }, ""},
		{"a mirror pod", func(_ *world, p *snapshot.Pod) { p.Owner.Kind = "Node" }, ""},
		{"one that --pod-selector leaves out", func(w *world, _ *snapshot.Pod) { w.pol.Drain.PodSelector = "app=other" }, ""},
		{"one that ended", func(_ *world, p *snapshot.Pod) { p.Phase = corev1.PodSucceeded }, ""},
		{"one that ends", func(_ *world, p *snapshot.Pod) { p.Deleted = 1 }, ""},
		{"one that refuses a drain is no less in the way", func(_ *world, p *snapshot.Pod) { p.Owner = nil }, "first for web/web-1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := planned(3)
			w.pol.Drain = &Drain{}
			p := web("n1")
			c.set(w, &p)
			w.s.AllPods = false
			in := PlanInput{Budgets: []*policyv1.PodDisruptionBudget{budget("web", nil, intOr(0))}, BudgetPods: BudgetPods{"web/budget": {p}}}
			pl := w.plan(t, in)
			i := slices.IndexFunc(pl.Checks, func(x Check) bool { return x.Name == "disruption" })
			got := pl.Checks[i]
			if pl.Refused() != (c.want != "") || !strings.Contains(got.Detail, c.want) {
				t.Errorf("got %+v\nwant %q", got, c.want)
			}
			if c.want != "" && !strings.Contains(got.Fix, "--pod-selector") {
				t.Errorf("the way out names no flag: %s", got.Fix)
			}
		})
	}
}

func TestPlanSaysWhatStaysOnNodesThatAreNotSelected(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(w *world)
		want string
	}{
		{"all are selected", func(*world) {}, ""},
		{"by name", func(w *world) { w.pol.Nodes = []string{"n0"} }, "3 old pods on nodes that are not selected (n1, n2, n3): the run ends with exit code 1, and the strategy stays OnDelete"},
		{"by exclusion", func(w *world) { w.pol.ExcludeNodes = []string{"n0"} }, "1 old pod on nodes that are not selected (n0): the run ends with exit code 1, and the strategy stays OnDelete"},
		{"all of them, of a template that is not changed", func(w *world) { w.pol.ExcludeNodes = []string{"n0", "n1", "n2", "n3"} }, ""},
		{"where the others are current", func(w *world) {
			w.pol.ExcludeNodes = []string{"n0"}
			w.p(0).Labels = map[string]string{hashLabel: "h2"}
		}, ""},
		{"where it was OnDelete before", func(w *world) {
			w.pol.ExcludeNodes = []string{"n0"}
			w.ds.Spec.UpdateStrategy.Type = onDelete
		}, "1 old pod on nodes that are not selected (n0): the run ends with exit code 1"},
		{"and the strategy is given back all the same", func(w *world) { w.pol.ExcludeNodes, w.pol.HandBack = []string{"n0"}, true },
			"1 old pod on nodes that are not selected (n0): the run ends with exit code 1, and the built-in update goes on with them"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := planned(4)
			c.set(w)
			pl := w.plan(t, PlanInput{})
			got := ""
			for _, x := range pl.Checks {
				if x.Name == "others" {
					got = x.Detail
				}
			}
			if got != c.want || pl.Refused() {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
	w := planned(4)
	w.pol.ExcludeNodes = []string{"n0", "n1", "n2", "n3"}
	pl := w.plan(t, PlanInput{Template: w.ds.Spec.Template.DeepCopy()})
	if i := slices.IndexFunc(pl.Checks, func(x Check) bool { return x.Name == "others" }); i < 0 {
		t.Error("a new template of which no pod is replaced leaves old pods, and the plan does not say so")
	}
}
