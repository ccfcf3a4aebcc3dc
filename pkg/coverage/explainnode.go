package coverage

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/kubectl-ds/kubectl-ds/pkg/eligibility"
)

// nodeCandidates are the single changes of the node that may let it run the
// DaemonSet.
func (x *explainer) nodeCandidates() []candidate {
	var out []candidate
	for _, t := range x.rules.Untolerated() {
		if c, ok := x.untaint(t); ok {
			out = append(out, c)
		}
	}
	failing := x.rules.FailingSelector()
	if !x.rules.AffinityOK {
		for _, t := range x.rules.Terms {
			// A label may serve a term that lacks several requirements on it.
			failing = append(failing, t.Failing()...)
		}
	}
	for _, q := range failing {
		if c, ok := x.label(q); ok && !slices.ContainsFunc(out, func(o candidate) bool { return o.do == c.do }) {
			out = append(out, c)
		}
	}
	return out
}

// nodeTogether is all that the node needs, where one change is not enough;
// nil where something cannot be had by changing the node.
func (x *explainer) nodeTogether() []candidate {
	if !x.rules.NodeNameOK || !x.rules.AffinityOK && x.rules.NearestTerm() < 0 {
		return nil
	}
	var out []candidate
	for _, t := range x.rules.Untolerated() {
		c, ok := x.untaint(t)
		if !ok || !strings.HasPrefix(c.do, "kubectl ") {
			return nil // joined lines are one command
		}
		out = append(out, c)
	}
	for _, q := range x.rules.Failing() {
		c, ok := x.label(q)
		if !ok {
			return nil
		}
		if !slices.ContainsFunc(out, func(o candidate) bool { return o.do == c.do }) {
			out = append(out, c)
		}
	}
	return out
}

// untaint takes a taint off the node. Where a controller keeps the taint, no
// command is given: it would come back at once, or the node be used before it
// can be.
func (x *explainer) untaint(t eligibility.TaintResult) (candidate, bool) {
	key, effect := t.Taint.Key, t.Taint.Effect
	c := candidate{node: func(n *corev1.Node) {
		n.Spec.Taints = slices.DeleteFunc(n.Spec.Taints, func(o corev1.Taint) bool { return o.Key == key && o.Effect == effect })
	}}
	what := key + ":" + string(effect)
	switch {
	case !kept(key):
		if !validNode(x.n) || len(validation.IsQualifiedName(key)) > 0 {
			return c, false
		}
		c.do = x.r.Options.command("kubectl", "taint", "node", x.n.Name, what+"-")
	case t.Class == eligibility.Broken:
		c.do = "mend the node: " + what + " goes when it is well"
	case t.Class == eligibility.Arriving:
		c.do = "wait for the node: " + what + " goes when it has started"
	default: // the node leaves, or is of the control plane
		return c, false
	}
	return c, true
}

// kept reports whether a taint is not for a person to take off: a controller
// sets it and takes it off itself, or it guards the control plane against
// everybody's pods. Out-of-service is set by a person, who has to take it off.
func kept(key string) bool {
	switch key {
	case corev1.TaintNodeOutOfService:
		return false
	case "node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master":
		return true
	case "ToBeDeletedByClusterAutoscaler", "DeletionCandidateOfClusterAutoscaler", "cloud.google.com/impending-node-termination":
		return true
	}
	return slices.ContainsFunc([]string{
		"node.kubernetes.io/", "node.cloudprovider.kubernetes.io/", "node.cluster.x-k8s.io/", "karpenter.sh/", "aws-node-termination-handler/",
	}, func(prefix string) bool { return strings.HasPrefix(key, prefix) })
}

// label is the change of a label that lets a requirement hold, if one is safe.
func (x *explainer) label(q eligibility.RequirementResult) (candidate, bool) {
	if q.Field || q.Err != "" || fact(q.Key) || !validNode(x.n) || len(validation.IsQualifiedName(q.Key)) > 0 {
		return candidate{}, false
	}
	switch q.Operator {
	case corev1.NodeSelectorOpIn:
		return x.setLabel(q.Key, q.Values)
	case corev1.NodeSelectorOpExists:
		return x.setLabel(q.Key, []string{"true"})
	case corev1.NodeSelectorOpNotIn, corev1.NodeSelectorOpDoesNotExist:
		return candidate{
			do:   x.r.Options.command("kubectl", "label", "node", x.n.Name, q.Key+"-"),
			node: func(n *corev1.Node) { delete(n.Labels, q.Key) },
		}, true
	case corev1.NodeSelectorOpGt, corev1.NodeSelectorOpLt: // a number that somebody has to choose
	}
	return candidate{}, false
}

// setLabel takes the first value that a label may have and that is enough;
// where none is, the first that a label may have.
func (x *explainer) setLabel(key string, values []string) (candidate, bool) {
	var out candidate
	for _, v := range values[:min(len(values), 8)] {
		if len(validation.IsValidLabelValue(v)) > 0 {
			continue
		}
		c := candidate{
			do: x.r.Options.command("kubectl", "label", "node", x.n.Name, key+"="+v, "--overwrite"),
			node: func(n *corev1.Node) {
				if n.Labels == nil {
					n.Labels = map[string]string{}
				}
				n.Labels[key] = v
			},
		}
		if runs := x.enough(c); runs || out.node == nil {
			out = c
			if runs {
				break
			}
		}
	}
	return out, out.node != nil
}

func (x *explainer) enough(c candidate) bool {
	n := x.n.DeepCopy()
	c.node(n)
	runs, _ := x.answer(x.d.Rules, n)
	return runs
}

// fact reports whether a label says what a machine is, where it stands or who
// made it: to change it would be a lie, and its owner would set it back.
func fact(key string) bool {
	if strings.HasPrefix(key, "node-role.kubernetes.io/") {
		return key == "node-role.kubernetes.io/control-plane" || key == "node-role.kubernetes.io/master"
	}
	pool := slices.Contains(poolLabels, key) && key != "pool" && key != "node.kubernetes.io/pool"
	return pool || placeLabel(key) || key == corev1.LabelWindowsBuild ||
		slices.ContainsFunc(foundLabels, func(prefix string) bool { return strings.HasPrefix(key, prefix) })
}

// foundLabels begin labels that clouds and the discovery of features set to
// what they find on the machine.
var foundLabels = []string{
	"nvidia.com/", "amd.com/", "feature.node.kubernetes.io/", "karpenter.k8s.",
	"cloud.google.com/", "eks.amazonaws.com/", "kubernetes.azure.com/",
}

// validNode reports whether a name from a capture may stand in a command: one
// that the API server would not take could be read as a flag.
func validNode(n *corev1.Node) bool { return len(validation.IsDNS1123Subdomain(n.Name)) == 0 }
