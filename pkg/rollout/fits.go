package rollout

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/eligibility"
)

// misfit is a node whose pod a template would cost.
type misfit struct {
	node string
	why  string
}

// misfits are the nodes whose pods the DaemonSet controller would delete at
// once were the template this one: manage deletes the pod of every node that it
// should not go on running on, in one pass, whatever the update strategy and
// its ceiling say (podsShouldBeOnNode and manage of
// pkg/controller/daemon/daemon_controller.go, v1.37.2). A pod that would not
// come back but may stay, as with a taint NoSchedule, is not among them, and
// neither is one that the template that is there costs already.
func (v *View) misfits(next *corev1.PodTemplateSpec) []misfit {
	var out []misfit
	is, was := eligibility.Compile(&next.Spec), eligibility.Compile(&v.DaemonSet.Spec.Template.Spec)
	for i := range v.Nodes {
		n := &v.Nodes[i]
		if !slices.ContainsFunc(n.Pods, live) {
			continue
		}
		// Which of the two holds only a feature gate of the server tells.
		for _, comparison := range []bool{false, true} {
			if !is.Evaluate(n.Node, comparison).ShouldContinue && was.Evaluate(n.Node, comparison).ShouldContinue {
				out = append(out, misfit{n.Node.Name, notHere(is, n.Node, comparison)})
				break
			}
		}
	}
	return out
}

// notHere is the first rule that keeps a running pod off a node.
func notHere(rules *eligibility.Rules, node *corev1.Node, comparison bool) string {
	// Without patterns there is no error.
	transient, _ := eligibility.NewTransient(nil)
	e := rules.Explain(node, comparison, transient)
	if !e.NodeNameOK {
		return "nodeName is " + e.NodeName
	}
	if failing := e.Failing(); len(failing) > 0 {
		return "it asks for " + failing[0].String()
	}
	for _, t := range e.Untolerated() {
		if t.Taint.Effect == corev1.TaintEffectNoExecute {
			return "it does not tolerate " + t.Taint.ToString()
		}
	}
	return "its node affinity matches no node"
}

// misfitWords say what a template, which is called so, would cost, and where.
func misfitWords(template string, list []misfit) string {
	nodes := make([]string, 0, len(list))
	for _, m := range list {
		nodes = append(nodes, m.node)
	}
	pods := "1 pod"
	if len(list) > 1 {
		pods = fmt.Sprintf("%d pods", len(list))
	}
	return fmt.Sprintf("%s does not fit %s (%s): the DaemonSet controller would delete %s there at once, under no ceiling",
		template, names(nodes), list[0].why, pods)
}

// mendMisfits is what may be done about it.
const mendMisfits = "keep what those nodes need in the template, or label them as it asks"
