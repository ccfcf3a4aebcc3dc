package pairs

import corev1 "k8s.io/api/core/v1"

const (
	noSchedule = corev1.TaintEffectNoSchedule
	noExecute  = corev1.TaintEffectNoExecute
	prefer     = corev1.TaintEffectPreferNoSchedule
	exists     = corev1.TolerationOpExists
	equal      = corev1.TolerationOpEqual
)

// taintCases are about taints and the template's tolerations.
func taintCases() []Case {
	no := int64(0)
	tainted := func(taints ...corev1.Taint) corev1.Node { return onNode("n1", nil, taints...) }
	dedicated := taint("dedicated", "x", noSchedule)
	return []Case{
		{Name: "NoSchedule keeps a new pod away and lets a running one stay", Node: tainted(dedicated), Stay: true},
		{Name: "NoExecute keeps a new pod away and removes a running one", Node: tainted(taint("dedicated", "x", noExecute))},
		{Name: "PreferNoSchedule is not looked at", Node: tainted(taint("dedicated", "x", prefer)), Run: true, Stay: true},
		{Name: "an unknown effect is not looked at", Node: tainted(taint("dedicated", "x", "NoAdmit")), Run: true, Stay: true},
		{Name: "an empty effect is not looked at", Node: tainted(taint("dedicated", "x", "")), Run: true, Stay: true},
		{Name: "both effects of one key count apart", Node: tainted(dedicated, taint("dedicated", "x", noExecute))},
		{Name: "tolerating NoExecute of a key leaves its NoSchedule",
			Template: tolerating(corev1.Toleration{Key: "dedicated", Operator: exists, Effect: noExecute}),
			Node:     tainted(dedicated, taint("dedicated", "x", noExecute)), Stay: true},
		{Name: "tolerating NoSchedule of a key leaves its NoExecute",
			Template: tolerating(corev1.Toleration{Key: "dedicated", Operator: exists, Effect: noSchedule}),
			Node:     tainted(dedicated, taint("dedicated", "x", noExecute))},
		{Name: "a toleration without an effect tolerates every effect",
			Template: tolerating(corev1.Toleration{Key: "dedicated", Operator: exists}),
			Node:     tainted(dedicated, taint("dedicated", "x", noExecute)), Run: true, Stay: true},
		{Name: "a toleration without a key tolerates every key",
			Template: tolerating(corev1.Toleration{Operator: exists}),
			Node:     tainted(dedicated, taint("gpu", "", noExecute)), Run: true, Stay: true},
		{Name: "Equal without a key compares the value of any key",
			Template: tolerating(corev1.Toleration{Operator: equal, Value: "x"}), Node: tainted(dedicated), Run: true, Stay: true},
		{Name: "an absent operator means Equal",
			Template: tolerating(corev1.Toleration{Key: "dedicated", Value: "x"}), Node: tainted(dedicated), Run: true, Stay: true},
		{Name: "Equal with another value does not tolerate",
			Template: tolerating(corev1.Toleration{Key: "dedicated", Operator: equal, Value: "y!"}), Node: tainted(dedicated), Stay: true},
		{Name: "Exists does not look at the value",
			Template: tolerating(corev1.Toleration{Key: "dedicated", Operator: exists, Value: "5"}), Node: tainted(dedicated), Run: true, Stay: true},
		{Name: "an unknown operator tolerates nothing",
			Template: tolerating(corev1.Toleration{Key: "dedicated", Operator: "exists"}), Node: tainted(dedicated), Stay: true},
		{Name: "tolerationSeconds of zero tolerate as well",
			Template: tolerating(corev1.Toleration{Key: "dedicated", Operator: exists, TolerationSeconds: &no}),
			Node:     tainted(taint("dedicated", "x", noExecute)), Run: true, Stay: true},
		{Name: "one untolerated taint among tolerated ones decides",
			Template: tolerating(corev1.Toleration{Key: "dedicated", Operator: exists}),
			Node:     tainted(dedicated, taint("gpu", "", noSchedule)), Stay: true},
	}
}

// defaultCases are about the tolerations that the controller adds.
func defaultCases() []Case {
	fiveMinutes := int64(300)
	notReady := corev1.Toleration{Key: corev1.TaintNodeNotReady, Operator: exists, Effect: noExecute, TolerationSeconds: &fiveMinutes}
	hostNetwork := corev1.PodSpec{HostNetwork: true}
	noNetwork := onNode("n1", nil, taint(corev1.TaintNodeNetworkUnavailable, "", noSchedule))
	var all []corev1.Taint
	for _, k := range []string{corev1.TaintNodeDiskPressure, corev1.TaintNodeMemoryPressure, corev1.TaintNodePIDPressure, corev1.TaintNodeUnschedulable} {
		all = append(all, taint(k, "", noSchedule))
	}
	return []Case{
		{Name: "pressure and cordons are tolerated by default", Node: onNode("n1", nil, all...), Run: true, Stay: true},
		{Name: "NoExecute of not-ready and unreachable is tolerated by default",
			Node: onNode("n1", nil, taint(corev1.TaintNodeNotReady, "", noExecute), taint(corev1.TaintNodeUnreachable, "", noExecute)),
			Run:  true, Stay: true},
		{Name: "NoSchedule of not-ready is not: the node leaves desired",
			Node: onNode("n1", nil, taint(corev1.TaintNodeNotReady, "", noSchedule), taint(corev1.TaintNodeNotReady, "", noExecute)), Stay: true},
		{Name: "NoSchedule of unreachable is not: the node leaves desired",
			Node: onNode("n1", nil, taint(corev1.TaintNodeUnreachable, "", noSchedule), taint(corev1.TaintNodeUnreachable, "", noExecute)), Stay: true},
		{Name: "NoExecute of pressure is not tolerated by default",
			Node: onNode("n1", nil, taint(corev1.TaintNodeDiskPressure, "", noExecute))},
		{Name: "out-of-service is not tolerated by default",
			Node: onNode("n1", nil, taint(corev1.TaintNodeOutOfService, "", noExecute))},
		{Name: "network-unavailable is tolerated by pods in the host network", Template: hostNetwork, Node: noNetwork, Run: true, Stay: true},
		{Name: "network-unavailable is not tolerated by other pods", Node: noNetwork, Stay: true},
		{Name: "the template's own seconds for a default are replaced",
			Template: tolerating(notReady, notReady), Node: onNode("n1", nil, taint(corev1.TaintNodeNotReady, "", noExecute)), Run: true, Stay: true},
	}
}

// comparisonCases are about Lt and Gt, which a feature gate turns on.
func comparisonCases() []Case {
	sla := func(value string) corev1.Node { return onNode("n1", nil, taint("gpu", value, noSchedule)) }
	with := func(op corev1.TolerationOperator, value string) corev1.PodSpec {
		return tolerating(corev1.Toleration{Key: "gpu", Operator: op, Value: value})
	}
	const (
		gt = corev1.TolerationOpGt
		lt = corev1.TolerationOpLt
	)
	return []Case{
		{Name: "Gt tolerates a greater taint, with the gate on", Template: with(gt, "5"), Node: sla("10"), Stay: true, Flips: true},
		{Name: "Lt tolerates a smaller taint, with the gate on", Template: with(lt, "10"), Node: sla("5"), Stay: true, Flips: true},
		{Name: "Lt is not met by an equal taint", Template: with(lt, "10"), Node: sla("10"), Stay: true},
		{Name: "Lt reads a negative taint", Template: with(lt, "0"), Node: sla("-6"), Stay: true, Flips: true},
		{Name: "Lt does not read a leading zero", Template: with(lt, "10"), Node: sla("007"), Stay: true},
		{Name: "Gt does not read a leading plus", Template: with(gt, "0"), Node: sla("+5"), Stay: true},
		{Name: "Gt does not read a number past int64", Template: with(gt, "0"), Node: sla("9223372036854775808"), Stay: true},
		{Name: "Gt with a value that is no number tolerates nothing", Template: with(gt, "1.5"), Node: sla("10"), Stay: true},
		{Name: "Exists beside Lt tolerates without the gate",
			Template: tolerating(corev1.Toleration{Key: "gpu", Operator: lt, Value: "5"}, corev1.Toleration{Key: "gpu", Operator: exists}),
			Node:     sla("10"), Run: true, Stay: true},
		{Name: "a comparison tolerates NoExecute too, with the gate on",
			Template: with(gt, "5"), Node: onNode("n1", nil, taint("gpu", "10", noExecute)), Flips: true},
	}
}
