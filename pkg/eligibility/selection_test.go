package eligibility_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/eligibility"
)

func TestNodeSelectorAndNodeName(t *testing.T) {
	ask(t, []question{
		{"a template without rules runs on every node", template(), node(nil), runs},
		{"a template that names the node runs there", template(nodeName("n1")), node(nil), runs},
		{"a template that names another node does not run, nor stay", template(nodeName("n2")), node(nil), never},
		{"every label of nodeSelector must be there", template(selector("a", "x", "b", "y")), node(labels("a", "x")), never},
		{"labels of nodeSelector compare as text", template(selector("a", "5")), node(labels("a", "05")), never},
		{"an empty value asks for the label itself", template(selector("a", "")), node(nil), never},
		{"an empty value matches an empty value", template(selector("a", "")), node(labels("a", "")), runs},
		{"keys and values of nodeSelector are not validated", template(selector("no key!", "no value!")), node(labels("no key!", "no value!")), runs},
		{"nodeSelector and affinity must both hold", template(selector("a", "x"), requires(byLabels(need("a", in, "y")))), node(labels("a", "x")), never},
	})
}

func TestAffinityTerms(t *testing.T) {
	x := node(labels("a", "x"))
	good, broken, empty := byLabels(need("a", in, "x")), byLabels(need("a", "near", "x")), corev1.NodeSelectorTerm{}
	ask(t, []question{
		{"a required affinity without terms matches no node", template(requires()), x, never},
		{"a required affinity with an empty list of terms matches no node", template(requires([]corev1.NodeSelectorTerm{}...)), x, never},
		{"an empty term matches no node", template(requires(empty)), x, never},
		{"one term that holds is enough", template(requires(byLabels(need("a", in, "y")), good)), x, runs},
		{"an empty term beside a good one does no harm", template(requires(empty, good)), x, runs},
		{"a broken term matches no node", template(requires(broken)), x, never},
		{"a broken term beside a good one does no harm", template(requires(broken, good)), x, runs},
		{"a requirement that holds does not save a broken term", template(requires(byLabels(need("a", in, "x"), need("b", "near")))), x, never},
		{"all requirements of a term must hold", template(requires(byLabels(need("a", in, "x"), need("b", exists)))), x, never},
		{"preferences do not count", func() *corev1.PodSpec {
			s := template(requires(good))
			s.Affinity.NodeAffinity.PreferredDuringSchedulingIgnoredDuringExecution = []corev1.PreferredSchedulingTerm{
				{Weight: 100, Preference: byLabels(need("a", in, "y"))}}
			return s
		}(), x, runs},
	})
}

func TestOperatorsOnLabels(t *testing.T) {
	const maxInt64, tooLarge = "9223372036854775807", "9223372036854775808"
	asks := func(r corev1.NodeSelectorRequirement) *corev1.PodSpec { return template(requires(byLabels(r))) }
	sized := func(v string) *corev1.Node { return node(labels("size", v)) }
	ask(t, []question{
		{"In is false where the key is absent", asks(need("a", in, "x")), node(nil), never},
		{"NotIn is true where the key is absent", asks(need("a", notIn, "x")), node(nil), runs},
		{"NotIn is false for a listed value", asks(need("a", notIn, "y", "x")), node(labels("a", "x")), never},
		{"Exists is true for an empty value", asks(need("a", exists)), node(labels("a", "")), runs},
		{"DoesNotExist is true where the key is absent", asks(need("a", doesNotExist)), node(nil), runs},
		{"In without values breaks the term", asks(need("a", in)), node(labels("a", "x")), never},
		{"NotIn without values breaks the term", asks(need("a", notIn)), node(nil), never},
		{"Exists with a value breaks the term", asks(need("a", exists, "x")), node(labels("a", "x")), never},
		{"DoesNotExist with a value breaks the term", asks(need("a", doesNotExist, "x")), node(nil), never},
		{"an illegal key breaks the term", asks(need("no key!", doesNotExist)), node(nil), never},
		{"Gt compares numbers, not text", asks(need("size", gt, "9")), sized("10"), runs},
		{"Gt is strict", asks(need("size", gt, "10")), sized("10"), never},
		{"Lt is strict", asks(need("size", lt, "10")), sized("10"), never},
		{"Gt is false where the key is absent", asks(need("size", gt, "0")), node(nil), never},
		{"Lt is false where the label is no number", asks(need("size", lt, "10")), sized("1.5"), never},
		{"Lt takes the largest int64", asks(need("size", lt, maxInt64)), sized("1"), runs},
		{"Gt with a value past int64 breaks the term", asks(need("size", gt, tooLarge)), sized("1"), never},
		{"Gt is false for a label past int64", asks(need("size", gt, "1")), sized(tooLarge), never},
		{"Lt with a negative value breaks the term, as it is no label value", asks(need("size", lt, "-6")), sized("-7"), never},
		{"Gt with two values breaks the term", asks(need("size", gt, "1", "2")), sized("10"), never},
	})
}

func TestMatchFields(t *testing.T) {
	asks := func(key string, op corev1.NodeSelectorOperator, values ...string) *corev1.PodSpec {
		return template(requires(byFields(need(key, op, values...))))
	}
	nameless := node(nil)
	nameless.Name = ""
	ask(t, []question{
		{"In finds the node by name", asks("metadata.name", in, "n1"), node(nil), runs},
		{"In does not find another", asks("metadata.name", in, "n2"), node(nil), never},
		{"NotIn leaves the node out", asks("metadata.name", notIn, "n1"), node(nil), never},
		{"NotIn lets another node in", asks("metadata.name", notIn, "n2"), node(nil), runs},
		{"two values never match, even one of the two", asks("metadata.name", in, "n1", "n2"), node(nil), never},
		{"two values of NotIn never match either", asks("metadata.name", notIn, "n2", "n3"), node(nil), never},
		{"no value never matches", asks("metadata.name", in), node(nil), never},
		{"operators beside In and NotIn never match", asks("metadata.name", exists), node(nil), never},
		{"In of an unknown field is false", asks("spec.unschedulable", in, "n1"), node(nil), never},
		{"NotIn of an unknown field is true", asks("spec.unschedulable", notIn, "n1"), node(nil), runs},
		{"a label is no field", asks("a", in, "x"), node(labels("a", "x")), never},
		{"a node without a name has no fields, and none is asked", asks("metadata.name", in, "n1"), nameless, runs},
		{"labels and fields of one term must both hold", template(requires(corev1.NodeSelectorTerm{
			MatchExpressions: []corev1.NodeSelectorRequirement{need("a", exists)},
			MatchFields:      []corev1.NodeSelectorRequirement{need("metadata.name", in, "n1")},
		})), node(nil), never},
	})
}

func TestWhatTheControllerDoesNotLookAt(t *testing.T) {
	cordoned := node(nil)
	cordoned.Spec.Unschedulable = true
	notReady := node(nil)
	notReady.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionFalse}}
	ask(t, []question{
		{"the field unschedulable", template(), cordoned, runs},
		{"the condition Ready", template(), notReady, runs},
		{"host ports", template(func(s *corev1.PodSpec) {
			s.Containers = []corev1.Container{{Ports: []corev1.ContainerPort{{HostPort: 9100}}}}
		}), node(nil), runs},
	})
}

func TestSelectsPassesOverTaints(t *testing.T) {
	rules := eligibility.Compile(template(selector("a", "x"), nodeName("n1")))
	if !rules.Selects(node(labels("a", "x"), taint("dedicated", "", noExecute))) {
		t.Error("a taint should not matter to Selects")
	}
	if rules.Selects(node(labels("a", "y"))) {
		t.Error("a label should matter to Selects")
	}
	if got := rules.NodeName(); got != "n1" {
		t.Errorf("the template names %q", got)
	}
}
