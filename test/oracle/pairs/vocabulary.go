package pairs

import corev1 "k8s.io/api/core/v1"

// Vocabularies. The first word is the plainest; words that stand twice are
// meant to be common. The strange ones are there because the rules treat them
// specially: numbers that are no int64, no legal label value, or no decimal
// integer; keys that are illegal; words that no API server would store.
var (
	nodeNames = []string{"n1", "n1", "n1", "n2", "n2", "test-node", ""}

	labelKeys = []string{"a", "a", "b", "b", "kubernetes.io/os", "size", "size", "name", "type", "not a key!", "metadata.name", ""}

	labelValues = []string{"x", "x", "y", "linux", "production", "simple-daemon", "test", "5", "10", "007", "0",
		"-6", "+5", "9223372036854775807", "9223372036854775808", "1.5", "not a value!", "n1", ""}

	operators = []corev1.NodeSelectorOperator{
		corev1.NodeSelectorOpIn, corev1.NodeSelectorOpIn, corev1.NodeSelectorOpIn,
		corev1.NodeSelectorOpNotIn, corev1.NodeSelectorOpNotIn, corev1.NodeSelectorOpNotIn,
		corev1.NodeSelectorOpExists, corev1.NodeSelectorOpDoesNotExist,
		corev1.NodeSelectorOpDoesNotExist, corev1.NodeSelectorOpGt, corev1.NodeSelectorOpLt,
		"in", "",
	}

	fieldKeys      = []string{"metadata.name", "metadata.name", "metadata.name", "metadata.namespace", "a", ""}
	fieldOperators = []corev1.NodeSelectorOperator{
		corev1.NodeSelectorOpIn, corev1.NodeSelectorOpIn, corev1.NodeSelectorOpNotIn, corev1.NodeSelectorOpNotIn,
		corev1.NodeSelectorOpExists, corev1.NodeSelectorOpGt, "",
	}

	taintKeys = []string{"dedicated", "dedicated", "dedicated", "dedicated", "dedicated", "dedicated", "gpu", "gpu", "gpu",
		corev1.TaintNodeNotReady, corev1.TaintNodeUnreachable, corev1.TaintNodeDiskPressure,
		corev1.TaintNodeMemoryPressure, corev1.TaintNodePIDPressure, corev1.TaintNodeUnschedulable,
		corev1.TaintNodeNetworkUnavailable, corev1.TaintNodeOutOfService, ""}

	taintEffects = []corev1.TaintEffect{corev1.TaintEffectNoSchedule, corev1.TaintEffectNoSchedule, corev1.TaintEffectNoSchedule, corev1.TaintEffectNoSchedule,
		corev1.TaintEffectNoExecute, corev1.TaintEffectPreferNoSchedule, "NoAdmit", ""}

	tolerationEffects = []corev1.TaintEffect{"", "", corev1.TaintEffectNoSchedule, corev1.TaintEffectNoSchedule, corev1.TaintEffectNoExecute,
		corev1.TaintEffectPreferNoSchedule, "NoAdmit"}

	taintValues = []string{"", "5", "5", "10", "10", "x", "007", "0", "-6", "+5", "9223372036854775807", "9223372036854775808", "1.5"}

	tolerationOperators = []corev1.TolerationOperator{corev1.TolerationOpExists, corev1.TolerationOpEqual, "",
		corev1.TolerationOpLt, corev1.TolerationOpLt, corev1.TolerationOpGt, corev1.TolerationOpGt, "exists"}

	// The narrow form of tolerations and taints, see numeric: mostly one key, and
	// numbers of which most are read.
	numericKeys              = []string{"sla", "sla", "sla", "sla", "sla", "sla", "sla", "dedicated"}
	numericOperators         = []corev1.TolerationOperator{corev1.TolerationOpLt, corev1.TolerationOpGt}
	numbers                  = []string{"5", "10", "0", "-6", "9223372036854775807", "-9223372036854775808", "7", "007", "9223372036854775808"}
	numericTolerationEffects = []corev1.TaintEffect{"", "", "", corev1.TaintEffectNoSchedule, corev1.TaintEffectNoSchedule, corev1.TaintEffectNoExecute}
	numericTaintEffects      = []corev1.TaintEffect{corev1.TaintEffectNoSchedule, corev1.TaintEffectNoSchedule, corev1.TaintEffectNoExecute}

	seconds = []int64{300, 0, -1}

	// What the rules must not look at.
	readyStatuses = []corev1.ConditionStatus{corev1.ConditionTrue, corev1.ConditionFalse, corev1.ConditionUnknown}
	memory        = []string{"50M", "200M"}
	hostPorts     = []int32{0, 666}
)
