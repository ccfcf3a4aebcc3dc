package eligibility_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/eligibility"
)

const (
	noSchedule = corev1.TaintEffectNoSchedule
	noExecute  = corev1.TaintEffectNoExecute
	prefer     = corev1.TaintEffectPreferNoSchedule

	in           = corev1.NodeSelectorOpIn
	notIn        = corev1.NodeSelectorOpNotIn
	exists       = corev1.NodeSelectorOpExists
	doesNotExist = corev1.NodeSelectorOpDoesNotExist
	gt           = corev1.NodeSelectorOpGt
	lt           = corev1.NodeSelectorOpLt
)

// The three answers that there are.
var (
	runs  = eligibility.Answer{ShouldRun: true, ShouldContinue: true}
	stays = eligibility.Answer{ShouldContinue: true}
	never = eligibility.Answer{}
)

// option changes a template.
type option func(*corev1.PodSpec)

func template(options ...option) *corev1.PodSpec {
	s := &corev1.PodSpec{}
	for _, o := range options {
		o(s)
	}
	return s
}

func nodeName(name string) option { return func(s *corev1.PodSpec) { s.NodeName = name } }

func hostNetwork(s *corev1.PodSpec) { s.HostNetwork = true }

func selector(pairs ...string) option {
	return func(s *corev1.PodSpec) { s.NodeSelector = labels(pairs...) }
}

func requires(terms ...corev1.NodeSelectorTerm) option {
	return func(s *corev1.PodSpec) {
		s.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: terms},
		}}
	}
}

func tolerates(key string, op corev1.TolerationOperator, value string, effect corev1.TaintEffect) option {
	return func(s *corev1.PodSpec) {
		s.Tolerations = append(s.Tolerations, corev1.Toleration{Key: key, Operator: op, Value: value, Effect: effect})
	}
}

// forSeconds limits the toleration that the option before it added.
func forSeconds(n int64) option {
	return func(s *corev1.PodSpec) { s.Tolerations[len(s.Tolerations)-1].TolerationSeconds = &n }
}

func need(key string, op corev1.NodeSelectorOperator, values ...string) corev1.NodeSelectorRequirement {
	return corev1.NodeSelectorRequirement{Key: key, Operator: op, Values: values}
}

func byLabels(rs ...corev1.NodeSelectorRequirement) corev1.NodeSelectorTerm {
	return corev1.NodeSelectorTerm{MatchExpressions: rs}
}

func byFields(rs ...corev1.NodeSelectorRequirement) corev1.NodeSelectorTerm {
	return corev1.NodeSelectorTerm{MatchFields: rs}
}

func labels(pairs ...string) map[string]string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return m
}

func node(labels map[string]string, taints ...corev1.Taint) *corev1.Node {
	n := &corev1.Node{}
	n.Name, n.Labels, n.Spec.Taints = "n1", labels, taints
	return n
}

func taint(key, value string, effect corev1.TaintEffect) corev1.Taint {
	return corev1.Taint{Key: key, Value: value, Effect: effect}
}

// question is one row of a table: a template, a node, the answer.
type question struct {
	name     string
	template *corev1.PodSpec
	node     *corev1.Node
	want     eligibility.Answer
}

// ask runs a table with the gate for comparison operators off.
func ask(t *testing.T, rows []question) {
	t.Helper()
	for _, q := range rows {
		t.Run(q.name, func(t *testing.T) {
			if got := eligibility.Compile(q.template).Evaluate(q.node, false); got != q.want {
				t.Errorf("got %+v, want %+v", got, q.want)
			}
		})
	}
}

func known(t *testing.T, patterns ...string) eligibility.Transient {
	t.Helper()
	transient, err := eligibility.NewTransient(patterns)
	if err != nil {
		t.Fatal(err)
	}
	return transient
}
