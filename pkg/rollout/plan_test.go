package rollout

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"pgregory.net/rapid"

	"github.com/kubectl-ds/kubectl-ds/pkg/coverage"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// planned is a world before its run.
func planned(nodes int) *world {
	w := newWorld(nodes)
	delete(w.ds.Annotations, ArmAnnotation)
	flipped(w)
	w.pol = &Policy{}
	return w
}

func (w *world) plan(t testing.TB, in PlanInput) *Plan {
	t.Helper()
	in.Now = t0
	p, err := MakePlan(w.view(), w.pol, in)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func order(p *Plan) string {
	var out []string
	for _, w := range p.Waves {
		out = append(out, strings.Join(w.Members, ","))
	}
	return strings.Join(out, " | ")
}

func TestPlanOrder(t *testing.T) {
	cases := []struct {
		name  string
		nodes int
		given func(w *world)
		want  string
	}{
		{"by default one canary, then the rest by name", 4, func(*world) {}, "n0 | n1,n2,n3"},
		{"a canary for each architecture", 4, func(w *world) { w.n(3).Labels[archLabel] = "arm64" }, "n0,n3 | n1,n2"},
		{"waves are cumulative and rounded up", 7, func(w *world) {
			w.pol.Waves = []intstr.IntOrString{intstr.FromInt32(1), intstr.FromString("30%"), intstr.FromString("100%")}
		}, "n0 | n1,n2 | n3,n4,n5,n6"},
		{"what no wave names comes last", 3, func(w *world) { w.pol.Waves = []intstr.IntOrString{intstr.FromInt32(1), intstr.FromInt32(2)} }, "n0 | n1 | n2"},
		{"by zone, with canaries spread all the same", 6, func(w *world) {
			w.pol.Order, w.pol.Waves = []string{"zone"}, []intstr.IntOrString{intstr.FromInt32(3), intstr.FromString("100%")}
		}, "n0,n1,n2 | n3,n4,n5"},
		{"turned round", 3, func(w *world) { w.pol.Order = []string{"-name"} }, "n2 | n1,n0"},
		{"by a label", 3, func(w *world) { w.n(2).Labels["x"] = ""; w.n(0).Labels["x"] = "z"; w.pol.Order = []string{"label=x"} }, "n1 | n2,n0"},
		{"canaries come from their selector", 3, func(w *world) { w.n(2).Labels["canary"] = "yes"; w.pol.CanarySelector = "canary=yes" }, "n2 | n0,n1"},
		{"the control plane goes last", 3, func(w *world) { w.n(0).Labels["node-role.kubernetes.io/control-plane"] = "" }, "n1 | n2,n0"},
		{"excluded nodes are left out", 3, func(w *world) { w.pol.ExcludeNodes = []string{"n1"} }, "n0 | n2"},
		{"only the named nodes", 3, func(w *world) { w.pol.Nodes = []string{"n2"} }, "n2"},
		{"lost nodes come last, if they come back", 3, func(w *world) { w.notReady(0, corev1.ConditionUnknown) }, "n1 | n2 | n0"},
		{"a pod that would not come back is not among them", 3, func(w *world) { w.taint(1) }, "n0 | n2"},
		{"down nodes go before all others but the canaries, however late their wave would be", 6, func(w *world) {
			w.p(4).Ready, w.p(5).Ready = false, false
			w.pol.Waves = []intstr.IntOrString{intstr.FromInt32(1), intstr.FromInt32(2), intstr.FromInt32(4)}
		}, "n0 | n4 | n5,n1 | n2,n3"},
		{"down nodes go first of all where there is one wave", 3, func(w *world) {
			w.p(2).Ready = false
			w.pol.Waves = []intstr.IntOrString{intstr.FromString("100%")}
		}, "n2,n0,n1"},
		{"a canary that is down goes before the other ones, and no other node joins them", 4, func(w *world) {
			w.p(1).Ready, w.p(3).Ready = false, false
			w.pol.Waves = []intstr.IntOrString{intstr.FromInt32(2), intstr.FromInt32(3)}
			w.pol.CanarySpread = []string{"arch"}
		}, "n1,n0 | n3 | n2"},
		{"down nodes keep their order among themselves", 4, func(w *world) {
			w.p(1).Ready, w.p(3).Ready = false, false
			w.pol.Order = []string{"-name"}
			w.pol.Waves = []intstr.IntOrString{intstr.FromString("100%")}
		}, "n3,n1,n2,n0"},
		{"down nodes that are set aside go first as well", 4, func(w *world) {
			w.p(3).Ready, w.pol.FenceBroken = false, true
			w.pol.Waves = []intstr.IntOrString{intstr.FromInt32(1), intstr.FromInt32(2)}
		}, "n0 | n3 | n1,n2"},
		{"a control plane that is down goes before the control plane that is not, in the waves at the end", 5, func(w *world) {
			w.n(0).Labels["node-role.kubernetes.io/control-plane"] = ""
			w.n(1).Labels["node-role.kubernetes.io/control-plane"] = ""
			w.p(1).Ready, w.p(4).Ready = false, false
			w.pol.Waves = []intstr.IntOrString{intstr.FromInt32(1), intstr.FromInt32(3), intstr.FromInt32(4)}
		}, "n2 | n4,n3 | n1 | n0"},
		{"a pod that serves and is not yet available is not down for the order", 4, func(w *world) {
			w.ds.Spec.MinReadySeconds = 60
			w.p(3).ReadySince = snapshot.Time(t0.Unix())
		}, "n0 | n1,n2,n3"},
		{"what is current is not among them", 3, func(w *world) { w.p(1).Labels = map[string]string{hashLabel: "h2"} }, "n0 | n2"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := planned(c.nodes)
			c.given(w)
			if got := order(w.plan(t, PlanInput{})); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// youngAndDown lets the first pod be new, and its container wait.
func (w *world) youngAndDown(reason string, restarts int32) {
	p := w.p(0)
	p.Ready, p.Created = false, snapshot.Time(t0.Add(-20*time.Second).Unix())
	p.Restarts = restarts
	p.Full = &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: p.Name, Namespace: p.Namespace, UID: p.UID, CreationTimestamp: metav1.NewTime(t0.Add(-20 * time.Second))},
		Spec:       corev1.PodSpec{NodeName: p.Node, Containers: []corev1.Container{{Name: "agent"}}},
		Status: corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{{
			Name: "agent", RestartCount: restarts, State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason}},
		}}},
	}
}

func TestPlanRefusals(t *testing.T) {
	cases := []struct {
		name  string
		given func(w *world, in *PlanInput)
		want  string // check that refuses; empty for none
		fix   string
	}{
		{"a plan that is well", func(*world, *PlanInput) {}, "", ""},
		{"a ceiling that is full names both ways out", func(w *world, _ *PlanInput) { w.p(0).Ready = false }, "baseline", "raise --max-unavailable, or set it aside: --fence-broken"},
		{"a ceiling that a young pod fills which crashes", func(w *world, _ *PlanInput) { w.youngAndDown("CrashLoopBackOff", 3) }, "baseline", "--fence-broken"},
		{"a young pod that only starts", func(w *world, _ *PlanInput) { w.youngAndDown("ContainerCreating", 0) }, "", ""},
		{"broken nodes that are set aside", func(w *world, _ *PlanInput) { w.p(0).Ready = false; w.pol.FenceBroken = true }, "", ""},
		{"a permission that is missing", func(_ *world, in *PlanInput) { in.Denied = []string{"delete pods"} }, "permissions", "rbac"},
		{"a run that is there already", func(_ *world, in *PlanInput) { in.HeldBy = "r9" }, "lock", ""},
		{"left armed by a run that has ended", func(w *world, _ *PlanInput) { w.ds.Annotations[ArmAnnotation] = Armed{Run: "r9"}.String() }, "", ""},
		{"armed by hand", func(w *world, _ *PlanInput) {
			w.ds.Annotations[ArmAnnotation] = Armed{Run: ArmedByHand, Original: "RollingUpdate"}.String()
		}, "", ""},
		{"surge", func(w *world, _ *PlanInput) {
			w.ds.Spec.UpdateStrategy.RollingUpdate = &appsv1.RollingUpdateDaemonSet{MaxSurge: intOr(1)}
		}, "surge", "--accept-gap"},
		{"surge with an accepted gap", func(w *world, _ *PlanInput) {
			w.ds.Spec.UpdateStrategy.RollingUpdate = &appsv1.RollingUpdateDaemonSet{MaxSurge: intOr(1)}
			w.pol.AcceptGap = true
		}, "", ""},
		{"a strategy that Argo CD owns", func(w *world, _ *PlanInput) { owned(w, "argocd-controller", `{"f:spec":{"f:updateStrategy":{}}}`) }, "owner", "--allow-owner argocd-controller"},
		{"a strategy that is OnDelete in the manifest of Argo CD", func(w *world, _ *PlanInput) {
			owned(w, "argocd-controller", `{"f:spec":{"f:updateStrategy":{},"f:template":{}}}`)
			w.ds.Spec.UpdateStrategy.Type = appsv1.OnDeleteDaemonSetStrategyType
		}, "", ""},
		{"an undo of a template that Argo CD owns", func(w *world, _ *PlanInput) {
			owned(w, "argocd-controller", `{"f:spec":{"f:updateStrategy":{},"f:template":{}}}`)
			w.ds.Spec.UpdateStrategy.Type = appsv1.OnDeleteDaemonSetStrategyType
			w.pol.OnFailure = FailUndo
		}, "owner", "--allow-owner"},
		{"an owner that is accepted", func(w *world, _ *PlanInput) {
			owned(w, "argocd-controller", `{"f:spec":{"f:updateStrategy":{}}}`)
			w.pol.AllowOwner = []string{"argocd-controller"}
		}, "", ""},
		{"a person who applied the manifest", func(w *world, _ *PlanInput) {
			owned(w, "kubectl-client-side-apply", `{"f:spec":{"f:updateStrategy":{},"f:template":{}}}`)
		}, "", ""},
		{"a strategy at its defaults that an update of Helm may only own by default", func(w *world, _ *PlanInput) {
			managed(w.ds, "helm", metav1.ManagedFieldsOperationUpdate, strategyFields)
			w.ds.Spec.UpdateStrategy.RollingUpdate = &appsv1.RollingUpdateDaemonSet{MaxUnavailable: intOr(1), MaxSurge: intOr(0)}
		}, "", ""},
		{"a strategy that Helm has set", func(w *world, _ *PlanInput) {
			managed(w.ds, "helm", metav1.ManagedFieldsOperationUpdate, strategyFields)
			w.ds.Spec.UpdateStrategy.RollingUpdate = &appsv1.RollingUpdateDaemonSet{MaxUnavailable: intOr(3), MaxSurge: intOr(0)}
		}, "owner", "--allow-owner helm"},
		{"an operator's DaemonSet", func(w *world, _ *PlanInput) {
			yes := true
			w.ds.OwnerReferences = []metav1.OwnerReference{{Kind: "Tigera", Name: "x", Controller: &yes}}
		}, "owner", ""},
		{"nothing to do", func(w *world, _ *PlanInput) {
			for i := range w.s.Pods {
				w.s.Pods[i].Labels = map[string]string{hashLabel: "h2"}
			}
		}, "", ""},
		{"an undo that has no way back", func(w *world, _ *PlanInput) { w.pol.OnFailure, w.ds.Spec.RevisionHistoryLimit = FailUndo, new(int32) }, "undo", ""},
		{"a budget that a drain can never meet", func(w *world, in *PlanInput) {
			w.pol.Drain = &Drain{}
			in.Budgets = []*policyv1.PodDisruptionBudget{budget("web", nil, intOr(0))}
		}, "disruption", ""},
		{"a budget on the DaemonSet itself holds no delete back", func(_ *world, in *PlanInput) {
			in.Budgets = []*policyv1.PodDisruptionBudget{budget("kube-system", intOr(1), nil)}
		}, "", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := planned(3)
			var in PlanInput
			c.given(w, &in)
			p := w.plan(t, in)
			var got []string
			for _, ch := range p.Checks {
				if ch.Result == CheckRefuse {
					got = append(got, ch.Name)
					if !strings.Contains(ch.Fix, c.fix) {
						t.Errorf("the way out is %q, want %q in it", ch.Fix, c.fix)
					}
				}
			}
			if strings.Join(got, ",") != c.want || p.Refused() != (c.want != "") {
				t.Errorf("refused by %v, want %q: %+v", got, c.want, p.Checks)
			}
		})
	}
}

func owned(w *world, manager, fields string) {
	w.ds.ManagedFields = append(w.ds.ManagedFields, metav1.ManagedFieldsEntry{Manager: manager, FieldsV1: metav1.NewFieldsV1(fields)})
}

func budget(ns string, minAvailable, maxUnavailable *intstr.IntOrString) *policyv1.PodDisruptionBudget {
	b := &policyv1.PodDisruptionBudget{}
	b.Namespace, b.Name = ns, "budget"
	b.Spec.MinAvailable, b.Spec.MaxUnavailable = minAvailable, maxUnavailable
	b.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": "agent"}}
	return b
}

func TestPlanBadInput(t *testing.T) {
	for want, p := range map[string]*Policy{
		`nodes: the cluster has no node "n9"; is it n0?`: {Selection: Selection{Nodes: []string{"n9"}}},
		`excludeNodes: the cluster has no node`:          {Selection: Selection{ExcludeNodes: []string{"zzzzzzzz"}}},
		`nodeSelector: "pool=gpu" matches no node`:       {Selection: Selection{NodeSelector: "pool=gpu"}},
		`canarySelector: "pool=gpu" matches no node`:     {Selection: Selection{CanarySelector: "pool=gpu"}},
		`maxFailures: -1 is negative`:                    {Failing: Failing{MaxFailures: -1}},
	} {
		_, err := MakePlan(planned(2).view(), p, PlanInput{Now: t0})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestPlanEstimate(t *testing.T) {
	w := planned(10)
	w.pol.MaxUnavailable = intOr(2)
	e := w.plan(t, PlanInput{}).Estimate
	if e.Median != 20 || e.P95 != 20 || e.Samples != 10 || e.Total != 5*30 || e.AtOne != 300 {
		t.Errorf("%+v", e)
	}
}

func TestWhereItCameFromIsWhatMostPodsRun(t *testing.T) {
	w := planned(3)
	newTemplate(w) // revision 3 is current; one pod runs 2, two run 1
	w.p(0).Labels = map[string]string{hashLabel: "h2"}
	if p := w.plan(t, PlanInput{}); p.From.Hash != "h1" || p.Target.Hash != "h3" {
		t.Errorf("from %+v to %+v", p.From, p.Target)
	}
}

// The scope holds each node with a pod or a right to one exactly once, the
// waves cover exactly what is updated, and the run says the same.
func TestPlanCoversEachNodeOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(rt, "nodes")
		w := planned(n)
		for i := range n {
			switch rapid.IntRange(0, 8).Draw(rt, "node") {
			case 0:
				w.taint(i)
			case 1:
				w.p(i).Labels = map[string]string{hashLabel: "h2"}
			case 2:
				w.notReady(i, corev1.ConditionUnknown)
			case 3:
				w.drop(i)
			case 4:
				w.n(i).Labels[archLabel] = "arm64"
			case 5:
				w.p(i).Ready = false
			}
		}
		w.pol.Order = rapid.SampledFrom([][]string{nil, {"zone"}, {"-name"}, {"age", "zone"}, {"fewest-pods"}}).Draw(rt, "order")
		w.pol.Waves = rapid.SampledFrom([][]intstr.IntOrString{nil, {intstr.FromInt32(2)}, {intstr.FromString("10%"), intstr.FromString("50%")}}).Draw(rt, "waves")
		p, err := MakePlan(w.view(), w.pol, PlanInput{Now: t0})
		if err != nil {
			rt.Fatal(err)
		}
		again, _ := MakePlan(w.view(), w.pol, PlanInput{Now: t0})
		if order(p) != order(again) {
			rt.Fatal("two orders")
		}
		seen := map[string]int{}
		for _, x := range p.Nodes {
			seen[x.Node]++
			if (x.Wave > 0) != (x.Verdict == WillUpdate) {
				rt.Fatalf("%s is %s and in wave %d", x.Node, x.Verdict, x.Wave)
			}
		}
		for i := range n {
			v := w.view().Node(name(i))
			want := 0
			if v.ShouldRun || len(v.Pods) > 0 {
				want = 1
			}
			if seen[name(i)] != want {
				rt.Fatalf("%s is there %d times, want %d", name(i), seen[name(i)], want)
			}
		}
		r, err := p.Run(w.run.Identity, "")
		if err != nil {
			rt.Fatal(err)
		}
		for i, m := range r.Members {
			if r.wave(i) != p.Nodes[i].Wave || m.Node != p.Nodes[i].Node {
				rt.Fatalf("the run has %s in wave %d, the plan says %+v", m.Node, r.wave(i), p.Nodes[i])
			}
		}
		startsAsPlanned(rt, w, p, r)
	})
}

// startsAsPlanned holds Decide to the order that the plan shows.
func startsAsPlanned(rt *rapid.T, w *world, p *Plan, r *Run) {
	if len(p.Waves) == 0 || p.Waves[0].Late || p.Policy.OneZoneAtATime != nil && *p.Policy.OneZoneAtATime {
		return
	}
	r.Phase, r.Target = Running, w.run.Target
	list, wave, _ := newDecider(p.Policy, r, w.view(), w.obs, t0).candidates(r)
	var got []string
	for _, i := range list {
		got = append(got, r.Members[i].Node)
	}
	if want := p.Waves[0].Members; wave != 1 || !slices.Equal(got, want) {
		rt.Fatalf("wave %d starts with %v, the plan says %v", wave, got, want)
	}
}

// A node is done here exactly where coverage says Covered.
func TestDoneIsCovered(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(rt, "nodes")
		w := newWorld(n)
		w.ds.Spec.MinReadySeconds = int32(rapid.IntRange(0, 1).Draw(rt, "min") * 30)
		for i := range n {
			w.p(i).Labels = map[string]string{"app": "agent", hashLabel: rapid.SampledFrom([]string{"h1", "h2"}).Draw(rt, "hash")}
			w.p(i).Ready = rapid.Bool().Draw(rt, "ready")
			w.p(i).ReadySince = snapshot.Time(t0.Add(-time.Duration(rapid.IntRange(0, 60).Draw(rt, "since")) * time.Second).Unix())
			if rapid.IntRange(0, 4).Draw(rt, "deleted") == 0 {
				w.p(i).Deleted = snapshot.Time(t0.Unix())
			}
			w.notReady(i, rapid.SampledFrom([]corev1.ConditionStatus{"True", "True", "False", "Unknown"}).Draw(rt, "node"))
		}
		d := newDecider(w.pol, w.run, w.view(), w.obs, t0)
		res := coverage.Analyze(w.s, coverage.Options{Now: t0})
		for i := range n {
			v := res.DaemonSets[0].Verdicts[slices.IndexFunc(w.s.Nodes, func(x *corev1.Node) bool { return x.Name == name(i) })]
			if got, want := d.class(i) == classDone, v.State == coverage.Covered; got != want {
				rt.Fatalf("%s: done %v, coverage says %s", name(i), got, v.State)
			}
		}
	})
}

func TestAppliedStrategy(t *testing.T) {
	m := &metav1.ObjectMeta{Annotations: map[string]string{"kubectl.kubernetes.io/last-applied-configuration": `{"spec":{"updateStrategy":{"type":"RollingUpdate"}}}`}}
	if s, ok := AppliedStrategy(m); !ok || s != "RollingUpdate" {
		t.Error(s, ok)
	}
	m.Annotations["kubectl.kubernetes.io/last-applied-configuration"] = `{"spec":{}}`
	if _, ok := AppliedStrategy(m); ok {
		t.Error("it sets none")
	}
}

func TestEventsOfANode(t *testing.T) {
	w := newWorld(2)
	o := w.obs
	states := []*Status{nil, StatusOf(w.pol, w.run, w.view(), o, t0)}
	say := func() { states = append(states, StatusOf(w.pol, w.run, w.view(), o, t0)) }
	w.fly(0)
	say()
	w.p(0).Deleted = snapshot.Time(t0.Unix())
	say()
	w.replace(0, 20*time.Second)
	say()
	w.run.InFlight = nil
	say()
	w.run.Phase, w.run.Because = Paused, &Cause{Code: PauseAsked}
	say()
	w.run.Phase, w.run.Because = Stopped, &Cause{Code: StopGate, Gate: "g"}
	say()
	var got []string
	for i := 1; i < len(states); i++ {
		for _, e := range Events(states[i-1], states[i]) {
			got = append(got, fmt.Sprintf("%s %s", e.Type, e.Node))
		}
	}
	want := "Started |WaveStarted |NodeStarted n0|PodDeleted n0|PodReady n0|NodeDone n0|Paused |Stopped "
	if s := strings.Join(got, "|"); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
}
