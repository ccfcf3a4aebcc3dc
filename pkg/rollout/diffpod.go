package rollout

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// podDiff is about one field of a pod that differs; containers are told apart
// from it.
func podDiff(field string, from, to *corev1.PodSpec) (difference, bool) {
	d := difference{short: field, long: field, rank: rankPod}
	var names string
	switch field {
	case "containers", "initContainers":
		return d, false
	case "volumes":
		name := func(v *corev1.Volume) string { return v.Name }
		names = keyed(field, byJSON(from.Volumes, name), byJSON(to.Volumes, name))
	case "tolerations":
		names = keyed(field, byJSON(from.Tolerations, toleration), byJSON(to.Tolerations, toleration))
	case "nodeSelector":
		names = selectorDiff(from.NodeSelector, to.NodeSelector)
	case "imagePullSecrets":
		name := func(s *corev1.LocalObjectReference) string { return s.Name }
		names = keyed(field, byJSON(from.ImagePullSecrets, name), byJSON(to.ImagePullSecrets, name))
	case "serviceAccountName":
		d.long = change(field, from.ServiceAccountName, to.ServiceAccountName)
	case "serviceAccount": // the old name of the same field
		return d, from.ServiceAccountName == to.ServiceAccountName
	case "priorityClassName":
		d.long = change(field, from.PriorityClassName, to.PriorityClassName)
	case "terminationGracePeriodSeconds":
		d.long = change(field, number(from.TerminationGracePeriodSeconds), number(to.TerminationGracePeriodSeconds))
	case "hostNetwork":
		d.long = change(field, fmt.Sprint(from.HostNetwork), fmt.Sprint(to.HostNetwork))
	case "dnsPolicy":
		d.long = change(field, string(from.DNSPolicy), string(to.DNSPolicy))
	}
	if names != "" {
		d.short, d.long = beforeNames(names), names
	}
	return d, true
}

func change(what, from, to string) string {
	if from == "" {
		from = "none"
	}
	if to == "" {
		to = "none"
	}
	return what + " " + from + " -> " + to
}

func number(n *int64) string {
	if n == nil {
		return ""
	}
	return fmt.Sprint(*n)
}

// toleration in the form in which kubectl writes taints.
func toleration(t *corev1.Toleration) string {
	var b strings.Builder
	b.WriteString(t.Key)
	switch {
	case t.Key == "":
		b.WriteString("every taint")
	case t.Operator == corev1.TolerationOpExists:
	case t.Operator == "" || t.Operator == corev1.TolerationOpEqual:
		b.WriteString("=" + t.Value)
	default:
		b.WriteString(" " + string(t.Operator) + " " + t.Value)
	}
	if t.Effect != "" {
		b.WriteString(":" + string(t.Effect))
	}
	return b.String()
}

// selectorDiff tells values, too: they are labels of nodes, and decide where
// the pod may run.
func selectorDiff(from, to map[string]string) string {
	pairs := func(m map[string]string) map[string]bool {
		out := map[string]bool{}
		for k, v := range m {
			out[k+"="+v] = true
		}
		return out
	}
	return keyed("nodeSelector", pairs(from), pairs(to))
}
