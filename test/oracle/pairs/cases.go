package pairs

import (
	corev1 "k8s.io/api/core/v1"
)

// Case is a pair with the answer that the controller is known to give. The
// fuzzer starts from the cases.
type Case struct {
	Name     string // a sentence
	Template corev1.PodSpec
	Node     corev1.Node
	// Run and Stay are the answers with the feature gate
	// TaintTolerationComparisonOperators off.
	Run, Stay bool
	// Flips is set where the gate, turned on, makes both answers yes.
	Flips bool
}

// Pair is the question of the case.
func (c Case) Pair() Pair {
	return Pair{DaemonSet: DaemonSetOf(c.Template), Node: c.Node.DeepCopy()}
}

// Cases lists what is known: the shapes of upstream's own
// TestNodeShouldRunDaemonPod, then what its tests leave out.
func Cases() []Case {
	var out []Case
	for _, group := range [][]Case{upstreamCases(), affinityCases(), fieldCases(), taintCases(), defaultCases(), comparisonCases()} {
		out = append(out, group...)
	}
	return out
}

func onNode(name string, labels map[string]string, taints ...corev1.Taint) corev1.Node {
	var n corev1.Node
	n.Name, n.Labels, n.Spec.Taints = name, labels, taints
	return n
}

func taint(key, value string, effect corev1.TaintEffect) corev1.Taint {
	return corev1.Taint{Key: key, Value: value, Effect: effect}
}

func tolerating(tolerations ...corev1.Toleration) corev1.PodSpec {
	return corev1.PodSpec{Tolerations: tolerations}
}

func requirement(key string, op corev1.NodeSelectorOperator, values ...string) corev1.NodeSelectorRequirement {
	return corev1.NodeSelectorRequirement{Key: key, Operator: op, Values: values}
}

func labelTerm(rs ...corev1.NodeSelectorRequirement) corev1.NodeSelectorTerm {
	return corev1.NodeSelectorTerm{MatchExpressions: rs}
}

func fieldTerm(rs ...corev1.NodeSelectorRequirement) corev1.NodeSelectorTerm {
	return corev1.NodeSelectorTerm{MatchFields: rs}
}

func requiring(terms ...corev1.NodeSelectorTerm) corev1.PodSpec {
	return corev1.PodSpec{Affinity: &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
		RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: terms},
	}}}
}
