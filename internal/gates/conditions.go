package gates

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// conditions passes where no condition of the node got worse. Without a
// baseline those that a kubelet sets must be well.
func (r *Runner) conditions(_ context.Context, q *Question) Answer {
	if q.Node == nil {
		return noNode()
	}
	b := r.noted(q.Node)
	if b == nil || b.conditions == nil {
		bad := worseThan(q.Node.Node, nil)
		if _, ok := conditionsOf(q.Node.Node)[corev1.NodeReady]; !ok {
			bad = append(bad, "Ready was never reported")
		}
		if len(bad) > 0 {
			return hold("%s (%s)", some(bad), without(q, nil))
		}
		return pass("the node is well; conditions of others not compared (%s)", without(q, nil))
	}
	if bad := worseThan(q.Node.Node, b.conditions); len(bad) > 0 {
		return fail("%s", some(bad))
	}
	return pass("no condition of the node got worse")
}

// worseThan names the conditions that are worse than they were. Without was,
// those of the kubelet that are not well.
func worseThan(n *corev1.Node, was map[corev1.NodeConditionType]corev1.ConditionStatus) []string {
	var out []string
	for i := range n.Status.Conditions {
		c := &n.Status.Conditions[i]
		then, there := was[c.Type]
		if was == nil && !ofKubelet(c.Type) {
			continue
		}
		if badness(c.Type, c.Status) <= badness(c.Type, then) {
			continue
		}
		words := fmt.Sprintf("%s is %s", c.Type, c.Status)
		if c.Reason != "" {
			words += " (" + short(clean(c.Reason), 60) + ")"
		}
		if there {
			words += ", was " + string(then)
		}
		out = append(out, words)
	}
	return out
}

// badness orders the states of a condition; absent is well.
func badness(t corev1.NodeConditionType, s corev1.ConditionStatus) int {
	well := corev1.ConditionFalse
	if wellWhenTrue(t) {
		well = corev1.ConditionTrue
	}
	switch {
	case s == well, s == "":
		return 0
	case s == corev1.ConditionUnknown:
		return 1
	}
	return 2
}

// wellWhenTrue tells by its name which way a condition reads. Conditions of
// nodes name a problem by convention, with few exceptions.
func wellWhenTrue(t corev1.NodeConditionType) bool {
	for _, end := range []string{"Ready", "Healthy", "Available", "EtcdIsVoter"} {
		if strings.HasSuffix(string(t), end) {
			return true
		}
	}
	return false
}

func ofKubelet(t corev1.NodeConditionType) bool {
	return slices.Contains([]corev1.NodeConditionType{
		corev1.NodeReady, corev1.NodeMemoryPressure, corev1.NodeDiskPressure, corev1.NodePIDPressure, corev1.NodeNetworkUnavailable,
	}, t)
}
