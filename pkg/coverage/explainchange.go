package coverage

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/eligibility"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// changes lists what alone would let the node run the DaemonSet, each with the
// number of nodes that should run it before and after, recomputed. Where no
// single change is enough, one that takes all of them together is given.
func (x *explainer) changes() []Change {
	if x.v.State == Unready {
		return x.roomChanges()
	}
	if x.rules.Answer.ShouldRun {
		return nil
	}
	before := x.should(&x.d.DaemonSet.Spec.Template.Spec, nil)
	template, node := x.candidates()
	var out []Change
	for _, c := range template {
		spec := x.d.DaemonSet.Spec.Template.Spec.DeepCopy()
		c.template(spec)
		if eligibility.Compile(spec).Evaluate(x.n, x.d.Gate).ShouldRun {
			out = append(out, Change{Where: "template", Do: c.do, From: before, To: x.should(spec, nil)})
		}
	}
	for _, c := range node {
		n := x.n.DeepCopy()
		c.node(n)
		if x.d.Rules.Evaluate(n, x.d.Gate).ShouldRun {
			out = append(out, Change{Where: "node", Do: c.do, From: before, To: x.should(nil, n)})
		}
	}
	if len(out) == 0 {
		out = x.together(template, node, before)
	}
	return out
}

// candidate is one change, of the template or of the node.
type candidate struct {
	do       string
	template func(*corev1.PodSpec)
	node     func(*corev1.Node)
}

func (x *explainer) candidates() (template, node []candidate) {
	for _, t := range x.rules.Untolerated() {
		taint := t.Taint
		template = append(template, candidate{do: "tolerate " + taint.Key, template: func(s *corev1.PodSpec) {
			s.Tolerations = append(s.Tolerations, corev1.Toleration{Key: taint.Key, Operator: corev1.TolerationOpExists})
		}})
		node = append(node, candidate{
			do: x.r.Options.command("kubectl", "taint", "node", x.n.Name, taint.Key+":"+string(taint.Effect)+"-"),
			node: func(n *corev1.Node) {
				n.Spec.Taints = slices.DeleteFunc(n.Spec.Taints, func(o corev1.Taint) bool { return o.Key == taint.Key && o.Effect == taint.Effect })
			},
		})
	}
	if !x.rules.NodeNameOK {
		template = append(template, candidate{do: "remove nodeName", template: func(s *corev1.PodSpec) { s.NodeName = "" }})
	}
	for _, q := range x.rules.FailingSelector() {
		template = append(template, candidate{do: "remove nodeSelector " + q.Key, template: func(s *corev1.PodSpec) { delete(s.NodeSelector, q.Key) }})
	}
	if !x.rules.AffinityOK {
		template = append(template, candidate{do: "remove the required node affinity", template: func(s *corev1.PodSpec) {
			s.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution = nil
		}})
	}
	for _, q := range x.rules.Failing() {
		if c, ok := x.label(q); ok {
			node = append(node, c)
		}
	}
	return template, node
}

// label is the change of a label that lets a requirement hold, if there is one.
func (x *explainer) label(q eligibility.RequirementResult) (candidate, bool) {
	if q.Field || q.Err != "" {
		return candidate{}, false
	}
	set := func(value string) (candidate, bool) {
		return candidate{
			do: x.r.Options.command("kubectl", "label", "node", x.n.Name, q.Key+"="+value, "--overwrite"),
			node: func(n *corev1.Node) {
				if n.Labels == nil {
					n.Labels = map[string]string{}
				}
				n.Labels[q.Key] = value
			},
		}, true
	}
	switch q.Operator {
	case corev1.NodeSelectorOpIn:
		return set(q.Values[0])
	case corev1.NodeSelectorOpExists:
		return set("true")
	case corev1.NodeSelectorOpNotIn, corev1.NodeSelectorOpDoesNotExist:
		return candidate{
			do:   x.r.Options.command("kubectl", "label", "node", x.n.Name, q.Key+"-"),
			node: func(n *corev1.Node) { delete(n.Labels, q.Key) },
		}, true
	default: // Gt and Lt: a number that somebody has to choose
		return candidate{}, false
	}
}

// together makes one change of all that the template needs, and one of all
// that the node needs.
func (x *explainer) together(template, node []candidate, before int) []Change {
	var out []Change
	join := func(cs []candidate, sep string) string {
		var parts []string
		for _, c := range cs {
			parts = append(parts, c.do)
		}
		return strings.Join(parts, sep)
	}
	spec := x.d.DaemonSet.Spec.Template.Spec.DeepCopy()
	for _, c := range template {
		c.template(spec)
	}
	if len(template) > 1 && eligibility.Compile(spec).Evaluate(x.n, x.d.Gate).ShouldRun {
		out = append(out, Change{Where: "template", Do: join(template, ", and "), From: before, To: x.should(spec, nil)})
	}
	n := x.n.DeepCopy()
	for _, c := range node {
		c.node(n)
	}
	if len(node) > 1 && x.d.Rules.Evaluate(n, x.d.Gate).ShouldRun {
		out = append(out, Change{Where: "node", Do: join(node, " && "), From: before, To: x.should(nil, n)})
	}
	return out
}

// should counts the nodes that should run the DaemonSet, with another template
// or with one node changed.
func (x *explainer) should(spec *corev1.PodSpec, changed *corev1.Node) int {
	rules := x.d.Rules
	if spec != nil {
		rules = eligibility.Compile(spec)
	}
	n := 0
	for _, node := range x.r.Snapshot.Nodes {
		if changed != nil && node.Name == changed.Name {
			node = changed
		}
		if rules.Evaluate(node, x.d.Gate).ShouldRun {
			n++
		}
	}
	return n
}

// roomChanges say what would let a pod that does not fit be scheduled; they
// change nothing about should-run.
func (x *explainer) roomChanges() []Change {
	switch x.v.Reason {
	case SchedInsufficient, SchedNoVictims, SchedNeverFits, SchedTooManyPods:
	default:
		return nil
	}
	n := int(x.d.Counts.Desired)
	var out []Change
	for _, f := range x.r.fixes(x.d, x.v) {
		out = append(out, Change{Where: "template", Do: f, From: n, To: n})
	}
	return out
}

// TemplateRequests are what the scheduler would reserve for a pod of the
// template.
func TemplateRequests(spec *corev1.PodSpec) *snapshot.Requests {
	var in snapshot.Interner
	return in.Pod(&corev1.Pod{Spec: *spec}).Requests
}
