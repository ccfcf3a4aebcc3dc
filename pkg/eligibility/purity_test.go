package eligibility_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/eligibility"
)

// typical is a DaemonSet as most are: linux only, not on one pool, and with
// tolerations for a dedicated pool and for lost nodes.
func typical() *corev1.PodSpec {
	return template(
		selector("kubernetes.io/os", "linux"),
		requires(byLabels(need("eks.amazonaws.com/compute-type", notIn, "fargate", "hybrid"))),
		tolerates("dedicated", "Equal", "gpu", noSchedule),
		tolerates("", "Exists", "", noExecute), forSeconds(300),
	)
}

// typicalNode has 20 labels and two taints, both tolerated, the second one by
// the controller's defaults.
func typicalNode() *corev1.Node {
	l := labels("kubernetes.io/os", "linux", "kubernetes.io/arch", "amd64")
	for i := 'a'; len(l) < 20; i++ {
		l["example.com/"+string(i)] = "value"
	}
	return node(l, taint("dedicated", "gpu", noSchedule), taint("node.kubernetes.io/unschedulable", "", noSchedule))
}

func TestQuestionsChangeNothing(t *testing.T) {
	spec, n, transient := typical(), typicalNode(), known(t, "dedicated")
	wantSpec, wantNode, wantTransient := spec.DeepCopy(), n.DeepCopy(), known(t, "dedicated")
	rules := eligibility.Compile(spec)
	rules.Evaluate(n, true)
	rules.Steady(n, true, transient)
	rules.Selects(n)
	e := rules.Explain(n, true, transient)
	// A caller that writes to a result must not reach the rules either.
	for i := range e.Terms[0].Requirements[0].Values {
		e.Terms[0].Requirements[0].Values[i] = "overwritten"
	}
	for _, r := range e.Taints {
		if r.By == nil {
			t.Fatalf("nothing tolerates %s", r.Taint.ToString())
		}
		*r.By = corev1.Toleration{}
	}
	if all, _ := eligibility.Tolerations(spec); all[1].TolerationSeconds != nil {
		*all[1].TolerationSeconds = 0
	}
	if diff := cmp.Diff(wantSpec, spec); diff != "" {
		t.Errorf("the template changed (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(wantNode, n); diff != "" {
		t.Errorf("the node changed (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(wantTransient, transient); diff != "" {
		t.Errorf("the classes changed (-before +after):\n%s", diff)
	}
	if got := rules.Evaluate(n, true); got != runs {
		t.Errorf("the rules changed: the answer is now %+v", got)
	}
}

func TestRulesKeepNothingOfTheTemplate(t *testing.T) {
	spec, n := typical(), typicalNode()
	rules := eligibility.Compile(spec)
	spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms[0].MatchExpressions[0].Values[0] = "changed"
	spec.NodeSelector["kubernetes.io/os"] = "windows"
	spec.Tolerations[0].Value = "cpu"
	n.Labels["eks.amazonaws.com/compute-type"] = "fargate"
	if got := rules.Evaluate(n, false); got != never {
		t.Errorf("NotIn [fargate] was compiled, and a fargate node gets %+v", got)
	}
	n.Labels["eks.amazonaws.com/compute-type"] = "changed"
	if got := rules.Evaluate(n, false); got != runs {
		t.Errorf("a value written after Compile took part: %+v", got)
	}
}

// Coverage asks for every node of every DaemonSet: 5,000 nodes times 50
// DaemonSets would otherwise leave millions of objects to the collector.
func TestEvaluateAllocatesNothing(t *testing.T) {
	n, transient := typicalNode(), known(t, "readiness.k8s.io/gpu*")
	for _, c := range []struct {
		name     string
		template *corev1.PodSpec
	}{
		{"a typical template", typical()},
		{"fields and numbers", template(requires(
			byLabels(need("example.com/a", exists), need("example.com/b", doesNotExist)),
			corev1.NodeSelectorTerm{
				MatchExpressions: []corev1.NodeSelectorRequirement{need("size", gt, "5")},
				MatchFields:      []corev1.NodeSelectorRequirement{need("metadata.name", notIn, "n2")},
			}))},
		{"comparisons", template(tolerates("dedicated", "Exists", "", ""), tolerates("sla", "Gt", "5", ""))},
	} {
		t.Run(c.name, func(t *testing.T) {
			rules := eligibility.Compile(c.template)
			for name, f := range map[string]func(){
				"Evaluate": func() { rules.Evaluate(n, true) },
				"Steady":   func() { rules.Steady(n, true, transient) },
				"Selects":  func() { rules.Selects(n) },
			} {
				if got := testing.AllocsPerRun(100, f); got != 0 {
					t.Errorf("%s allocates %v times", name, got)
				}
			}
		})
	}
}

func BenchmarkEvaluate(b *testing.B) {
	rules, n := eligibility.Compile(typical()), typicalNode()
	b.ReportAllocs()
	for b.Loop() {
		rules.Evaluate(n, false)
	}
}

func BenchmarkSteady(b *testing.B) {
	rules, n := eligibility.Compile(typical()), typicalNode()
	n.Spec.Taints = append(n.Spec.Taints, taint("startup-taint.cluster-autoscaler.kubernetes.io/x", "", noSchedule))
	transient, err := eligibility.NewTransient(nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		rules.Steady(n, false, transient)
	}
}

func BenchmarkExplain(b *testing.B) {
	rules, n := eligibility.Compile(typical()), typicalNode()
	b.ReportAllocs()
	for b.Loop() {
		rules.Explain(n, false, nil)
	}
}

func BenchmarkCompile(b *testing.B) {
	spec := typical()
	b.ReportAllocs()
	for b.Loop() {
		eligibility.Compile(spec)
	}
}
