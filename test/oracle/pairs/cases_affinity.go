package pairs

import corev1 "k8s.io/api/core/v1"

// affinityCases are about nodeSelector and matchExpressions.
func affinityCases() []Case {
	plain := onNode("n1", map[string]string{"a": "x"})
	sized := onNode("n1", map[string]string{"size": "10"})
	good := labelTerm(requirement("a", corev1.NodeSelectorOpIn, "x"))
	empty := corev1.NodeSelectorTerm{}
	noTerms := requiring()
	emptyList := requiring()
	emptyList.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms = []corev1.NodeSelectorTerm{}
	one := func(op corev1.NodeSelectorOperator, values ...string) corev1.PodSpec {
		return requiring(labelTerm(requirement("size", op, values...)))
	}
	const (
		gt = corev1.NodeSelectorOpGt
		lt = corev1.NodeSelectorOpLt
	)
	return []Case{
		{Name: "a template that names the node itself runs there",
			Template: corev1.PodSpec{NodeName: "n1"}, Node: plain, Run: true, Stay: true},
		{Name: "a nodeSelector with an illegal key still matches",
			Template: corev1.PodSpec{NodeSelector: map[string]string{"not a key!": "not a value!"}},
			Node:     onNode("n1", map[string]string{"not a key!": "not a value!"}), Run: true, Stay: true},
		{Name: "a nodeSelector with an empty value asks for the label",
			Template: corev1.PodSpec{NodeSelector: map[string]string{"b": ""}}, Node: plain},
		{Name: "a required affinity without terms matches no node", Template: noTerms, Node: plain},
		{Name: "a required affinity with an empty list of terms matches no node", Template: emptyList, Node: plain},
		{Name: "an empty term matches no node", Template: requiring(empty), Node: plain},
		{Name: "an empty term beside a good one does no harm", Template: requiring(empty, good), Node: plain, Run: true, Stay: true},
		{Name: "NotIn matches where the key is absent",
			Template: requiring(labelTerm(requirement("b", corev1.NodeSelectorOpNotIn, "x"))), Node: plain, Run: true, Stay: true},
		{Name: "DoesNotExist matches where the key is absent",
			Template: requiring(labelTerm(requirement("b", corev1.NodeSelectorOpDoesNotExist))), Node: plain, Run: true, Stay: true},
		{Name: "an unknown operator breaks its term",
			Template: requiring(labelTerm(requirement("a", "in", "x"))), Node: plain},
		{Name: "a broken term beside a good one does no harm",
			Template: requiring(labelTerm(requirement("a", "in", "x")), good), Node: plain, Run: true, Stay: true},
		{Name: "a good requirement does not save a broken term",
			Template: requiring(labelTerm(requirement("a", corev1.NodeSelectorOpIn, "x"), requirement("b", "", "y"))), Node: plain},
		{Name: "In without values breaks its term",
			Template: requiring(labelTerm(requirement("a", corev1.NodeSelectorOpIn))), Node: plain},
		{Name: "NotIn without values breaks its term",
			Template: requiring(labelTerm(requirement("b", corev1.NodeSelectorOpNotIn))), Node: plain},
		{Name: "Exists with a value breaks its term",
			Template: requiring(labelTerm(requirement("a", corev1.NodeSelectorOpExists, "x"))), Node: plain},
		{Name: "an illegal key breaks its term",
			Template: requiring(labelTerm(requirement("not a key!", corev1.NodeSelectorOpDoesNotExist))), Node: plain},
		{Name: "an illegal value breaks its term",
			Template: requiring(labelTerm(requirement("a", corev1.NodeSelectorOpNotIn, "not a value!"))), Node: plain},
		{Name: "Gt is strict: equal is not greater", Template: one(gt, "10"), Node: sized},
		{Name: "Gt compares as numbers", Template: one(gt, "5"), Node: sized, Run: true, Stay: true},
		{Name: "Gt reads a leading zero as decimal", Template: one(gt, "007"), Node: sized, Run: true, Stay: true},
		{Name: "Gt with two values breaks its term", Template: one(gt, "5", "0"), Node: sized},
		{Name: "Gt with a negative value breaks its term, as it is no label value", Template: one(gt, "-6"), Node: sized},
		{Name: "Gt with a value past int64 breaks its term", Template: one(lt, "9223372036854775808"), Node: sized},
		{Name: "Lt against a label that is absent is false", Template: one(lt, "10"), Node: plain},
		{Name: "Lt against a label past int64 is false",
			Template: one(lt, "9223372036854775807"), Node: onNode("n1", map[string]string{"size": "9223372036854775808"})},
		{Name: "Lt against a label that is no number is false",
			Template: one(lt, "10"), Node: onNode("n1", map[string]string{"size": "1.5"})},
	}
}

// fieldCases are about matchFields.
func fieldCases() []Case {
	const (
		in    = corev1.NodeSelectorOpIn
		notIn = corev1.NodeSelectorOpNotIn
	)
	plain := onNode("n1", map[string]string{"a": "x"})
	field := func(key string, op corev1.NodeSelectorOperator, values ...string) corev1.PodSpec {
		return requiring(fieldTerm(requirement(key, op, values...)))
	}
	return []Case{
		{Name: "matchFields finds a node by its name", Template: field("metadata.name", in, "n1"), Node: plain, Run: true, Stay: true},
		{Name: "matchFields with two values never matches, even one of the two", Template: field("metadata.name", in, "n1", "n2"), Node: plain},
		{Name: "matchFields without values never matches", Template: field("metadata.name", in), Node: plain},
		{Name: "matchFields NotIn leaves out the named node", Template: field("metadata.name", notIn, "n1"), Node: plain},
		{Name: "matchFields NotIn lets the others in", Template: field("metadata.name", notIn, "n2"), Node: plain, Run: true, Stay: true},
		{Name: "matchFields NotIn with two values never matches", Template: field("metadata.name", notIn, "n2", "test-node"), Node: plain},
		{Name: "an unknown field is absent, so In is false", Template: field("metadata.namespace", in, "n1"), Node: plain},
		{Name: "an unknown field is absent, so NotIn is true", Template: field("metadata.namespace", notIn, "n1"), Node: plain, Run: true, Stay: true},
		{Name: "an unknown field is absent, so In with an empty value is true", Template: field("a", in, ""), Node: plain, Run: true, Stay: true},
		{Name: "Exists is no operator of matchFields", Template: field("metadata.name", corev1.NodeSelectorOpExists), Node: plain},
		{Name: "labels and fields of a term must both hold",
			Template: requiring(corev1.NodeSelectorTerm{
				MatchExpressions: []corev1.NodeSelectorRequirement{requirement("a", in, "y")},
				MatchFields:      []corev1.NodeSelectorRequirement{requirement("metadata.name", in, "n1")},
			}), Node: plain},
		{Name: "a node without a name has no fields, and matchFields is passed over",
			Template: field("metadata.name", in, "n1"), Node: onNode("", nil), Run: true, Stay: true},
		{Name: "a broken matchFields breaks its term on a node without a name too",
			Template: field("metadata.name", in, "n1", "n2"), Node: onNode("", nil)},
	}
}
