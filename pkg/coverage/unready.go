package coverage

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// unready gives the reason why the pod of a node that should run the
// DaemonSet is not available. Every cause that applies is found; the first in
// the order of the registry is the reason, the others contribute.
func (a *analysis) unready(v *Verdict, n *corev1.Node, p *snapshot.Pod) {
	d := detail(v)
	d.Since = since(p)
	var found []Reason
	found = append(found, a.nodeCauses(n, v.Node, p, d)...)
	if p.Deleted != 0 {
		found = append(found, a.terminating(p, d))
	}
	found = append(found, a.podCauses(v, n, p, d)...)
	if len(found) == 0 {
		found = append(found, Starting)
	}
	v.Reason, d.Contributing = first(found)
	if v.Reason == SchedOther && a.target.known() && !a.target.updated(p) {
		// What keeps it away may stand in its own template, which is not here.
		d.Contributing = append(d.Contributing, OutdatedReason)
	}
	if p.Terminal() || v.Reason == Starting {
		d.Evidence.Churn = a.churnOn(n.Name)
	}
	if v.Reason == Starting && a.blindStart(p) {
		f, _ := a.ix.s.Missing(snapshot.ResourceEvents, a.d.Namespace)
		v.Reason, d.Evidence.Unread = UnknownReason, describeRead(f)
		d.Contributing = append(d.Contributing, Starting)
	}
}

// podCauses are those that lie in the pod, by how far it has come.
func (a *analysis) podCauses(v *Verdict, n *corev1.Node, p *snapshot.Pod, d *Detail) []Reason {
	switch {
	case p.Terminal():
		return []Reason{a.ended(p, d)}
	case p.Node == "":
		return a.pending(v, n, p, d)
	case p.Ready && p.Deleted == 0 && a.ix.ready[v.Node] != corev1.ConditionUnknown:
		if p.ReadySince != 0 {
			d.Evidence.AvailableAt = metaTime(p.ReadySince + snapshot.Time(a.d.Spec.MinReadySeconds))
		}
		d.Since = p.ReadySince
		return []Reason{NotAvailableYet}
	case p.Full != nil && !p.Ready:
		return a.containers(p.Full, p, d)
	}
	return nil
}

// blindStart reports whether a pod has been starting for longer than the
// grace while the events that would say why cannot be read.
func (a *analysis) blindStart(p *snapshot.Pod) bool {
	return a.out.EventsUnread && p.Deleted == 0 && !a.within(p.Created) && p.Created != 0
}

// first takes the reason that stands first in the registry.
func first(found []Reason) (Reason, []Reason) {
	slices.SortStableFunc(found, func(x, y Reason) int { return rank(x) - rank(y) })
	found = slices.Compact(found)
	return found[0], found[1:]
}

// rank is the place of a reason in the registry.
var rank = func() func(Reason) int {
	at := make(map[Reason]int, len(registry))
	for i := range registry {
		at[registry[i].Reason] = i
	}
	return func(r Reason) int { return at[r] }
}()

func since(p *snapshot.Pod) snapshot.Time {
	if p.ReadySince != 0 {
		return p.ReadySince
	}
	return p.Created
}

// nodeCauses are those that lie in the node.
func (a *analysis) nodeCauses(n *corev1.Node, node int32, p *snapshot.Pod, d *Detail) []Reason {
	ready := nodeCondition(n, corev1.NodeReady)
	if virtual(n) && (p.Full == nil || !started(p.Full)) {
		return []Reason{VirtualNode}
	}
	switch a.ix.ready[node] {
	case corev1.ConditionUnknown:
		d.Evidence.Condition = conditionEvidence(ready)
		d.Since = snapshot.TimeOf(&ready.LastTransitionTime)
		return []Reason{NodeLost}
	case corev1.ConditionFalse:
		d.Evidence.Condition = conditionEvidence(ready)
		switch {
		case strings.Contains(ready.Message, "node is shutting down"):
			return []Reason{NodeShutdown}
		case networkDown(ready.Message) && !a.d.Spec.Template.Spec.HostNetwork:
			return []Reason{NodeNotReadyCNI}
		case p.Deleted == 0 && !p.Terminal():
			return []Reason{NodeNotReady}
		}
	case corev1.ConditionTrue:
	}
	return nil
}

// networkDown knows the kubelet's words for a network plugin that is not
// ready (pkg/kubelet, v1.37.2: "container runtime network not ready:
// NetworkReady=false reason:NetworkPluginNotReady message:...").
func networkDown(message string) bool {
	return strings.Contains(message, "NetworkPluginNotReady") || strings.Contains(message, "network not ready") ||
		strings.Contains(message, "cni plugin not initialized")
}

// ended gives the reason of a pod that is Failed or Succeeded.
func (a *analysis) ended(p *snapshot.Pod, d *Detail) Reason {
	if p.Full == nil {
		if p.Phase == corev1.PodSucceeded {
			return Completed
		}
		return Failed
	}
	st := &p.Full.Status
	if c := worstContainer(p.Full); c != nil {
		d.Evidence.Container = c
	}
	if st.Reason != "" || st.Message != "" {
		// The kubelet's word on the pod itself.
		if d.Evidence.Container == nil {
			d.Evidence.Container = &ContainerEvidence{}
		}
		d.Evidence.Container.Reason, d.Evidence.Container.Message = st.Reason, st.Message
	}
	switch {
	case p.Phase == corev1.PodSucceeded:
		return Completed
	case st.Reason == "Evicted" || st.Reason == "Preempting": // the latter to admit a critical pod
		if c := pressure(a.ix.s.Nodes, a.ix.nodeAt, p.Node); c != nil {
			d.Evidence.Condition = c
		}
		return Evicted
	case st.Reason == "NodeShutdown" || st.Reason == "Terminated":
		return NodeShutdown
	case rejected(st.Reason, st.Message):
		if st.Reason == "NodeAffinity" {
			d.Evidence.Drift = a.admissionDrift(p)
		}
		return RejectedByKubelet
	default:
		return Failed
	}
}

// rejected knows how a kubelet refuses a bound pod: since 1.29 by the message
// (rejectPod of pkg/kubelet, v1.37.2), before by the reasons of its admit
// handlers.
func rejected(reason, message string) bool {
	if strings.HasPrefix(message, "Pod was rejected: ") || strings.HasPrefix(reason, "OutOf") {
		return true
	}
	switch reason {
	case "NodeAffinity", "NodePorts", "TaintToleration", "UnexpectedAdmissionError", "TopologyAffinityError",
		"SMTAlignmentError", "SysctlForbidden", "AppArmor", "PodOSNotSupported", "PodOSSelectorNodeLabelDoesNotMatch",
		"PodFeatureUnsupported", "VolumeAttachmentLimitExceeded", "InvalidNodeInfo", "InitContainerRestartPolicyForbidden",
		"SupplementalGroupsPolicyNotSupported", "PodLevelResourcesNotSupported", "UnknownReason", "UnexpectedPredicateFailureType":
		return true
	}
	return false
}

func pressure(nodes []*corev1.Node, at map[string]int32, name string) *ConditionEvidence {
	i, ok := at[name]
	if !ok {
		return nil
	}
	for _, t := range []corev1.NodeConditionType{corev1.NodeDiskPressure, corev1.NodeMemoryPressure, corev1.NodePIDPressure} {
		if c := nodeCondition(nodes[i], t); c != nil && c.Status == corev1.ConditionTrue {
			return conditionEvidence(c)
		}
	}
	return nil
}

// unreadRevision says which read would tell the current revision.
func (a *analysis) unreadRevision() string {
	if f, ok := a.ix.s.Missing(snapshot.ResourceRevisions, a.d.Namespace); ok {
		return describeRead(f)
	}
	return "no ControllerRevision of this DaemonSet is there, and its pods do not tell"
}
