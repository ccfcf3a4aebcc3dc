package eligibility

import (
	"slices"
	"strings"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Rules are the placement rules of a pod template, compiled once and then
// asked about many nodes: parsing dominates the cost of an answer.
type Rules struct {
	nodeName    string
	selector    []requirement // nodeSelector, by key
	required    bool          // a required node affinity is present
	terms       []term        // of the required node affinity, in order
	tolerations []corev1.Toleration
	// fromTemplate is how many of the tolerations come from the template; the
	// rest are those that the controller adds.
	fromTemplate int
	// comparison is set where a toleration uses Lt or Gt, so that the answer
	// may depend on a feature gate of the server.
	comparison bool
}

// Answer is what the controller decides for a (DaemonSet, node) pair.
type Answer struct {
	ShouldRun      bool // the controller creates a pod
	ShouldContinue bool // the controller leaves a running pod alone
}

// Compile reads the placement rules of a pod template. The template is not
// changed and not kept.
func Compile(template *corev1.PodSpec) *Rules {
	r := &Rules{nodeName: template.NodeName}
	for k, v := range template.NodeSelector {
		r.selector = append(r.selector, equality(k, v))
	}
	slices.SortFunc(r.selector, func(a, b requirement) int { return strings.Compare(a.Key, b.Key) })
	if a := template.Affinity; a != nil && a.NodeAffinity != nil && a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution != nil {
		r.required = true
		for i := range a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms {
			r.terms = append(r.terms, compileTerm(&a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms[i]))
		}
	}
	r.tolerations, r.fromTemplate = Tolerations(template)
	for i := range r.tolerations {
		if op := r.tolerations[i].Operator; op == corev1.TolerationOpLt || op == corev1.TolerationOpGt {
			r.comparison = true
		}
	}
	return r
}

// Evaluate answers for one node. comparison is the server's feature gate
// TaintTolerationComparisonOperators (alpha and off by default in v1.37).
func (r *Rules) Evaluate(node *corev1.Node, comparison bool) Answer {
	if r.nodeName != "" && r.nodeName != node.Name || !r.fitsAffinity(node) {
		return Answer{}
	}
	fits, stays := r.fitsTaints(node.Spec.Taints, comparison, nil)
	return Answer{ShouldRun: fits, ShouldContinue: stays}
}

// GateDependent reports whether a toleration uses an operator that counts
// only with the feature gate TaintTolerationComparisonOperators.
func (r *Rules) GateDependent() bool { return r.comparison }

// Steady answers shouldRun with the transient taints of the node set aside.
func (r *Rules) Steady(node *corev1.Node, comparison bool, transient Transient) bool {
	if r.nodeName != "" && r.nodeName != node.Name || !r.fitsAffinity(node) {
		return false
	}
	fits, _ := r.fitsTaints(node.Spec.Taints, comparison, transient)
	return fits
}

// Selects reports whether the node passes everything but taints.
func (r *Rules) Selects(node *corev1.Node) bool {
	return (r.nodeName == "" || r.nodeName == node.Name) && r.fitsAffinity(node)
}

// NodeName is the node that the template names itself, bypassing the
// scheduler; empty for none.
func (r *Rules) NodeName() string { return r.nodeName }

func (r *Rules) fitsAffinity(node *corev1.Node) bool {
	for i := range r.selector {
		if !r.selector[i].matches(node) {
			return false
		}
	}
	if !r.required {
		return true
	}
	for i := range r.terms {
		if r.terms[i].matches(node) {
			return true
		}
	}
	return false
}

// fitsTaints reports whether no NoSchedule or NoExecute taint is untolerated,
// and whether no NoExecute taint is. Taints of a class in setAside are passed
// over; nil sets none aside.
func (r *Rules) fitsTaints(taints []corev1.Taint, comparison bool, setAside Transient) (fits, stays bool) {
	fits, stays = true, true
	for i := range taints {
		t := &taints[i]
		if t.Effect != corev1.TaintEffectNoSchedule && t.Effect != corev1.TaintEffectNoExecute {
			continue
		}
		if setAside != nil && setAside.Class(t) != "" {
			continue
		}
		if r.toleratedBy(t, comparison) < 0 {
			fits = false
			if t.Effect == corev1.TaintEffectNoExecute {
				stays = false
			}
		}
	}
	return fits, stays
}

// toleratedBy returns the index of the first toleration that tolerates the
// taint, -1 for none.
func (r *Rules) toleratedBy(taint *corev1.Taint, comparison bool) int {
	for i := range r.tolerations {
		if r.tolerations[i].ToleratesTaint(logr.Discard(), taint, comparison) {
			return i
		}
	}
	return -1
}

// Tolerations returns what a pod of this template gets: the template's own,
// then those that the controller adds, and how many of them are the
// template's. A toleration of the template that equals a default but for
// tolerationSeconds stands for it without the seconds. Mirrors
// util.AddOrUpdateDaemonPodTolerations (pkg/controller/daemon/util, v1.37.2).
func Tolerations(template *corev1.PodSpec) (all []corev1.Toleration, fromTemplate int) {
	for i := range template.Tolerations {
		all = append(all, *template.Tolerations[i].DeepCopy())
	}
	fromTemplate = len(all)
	add := func(key string, effect corev1.TaintEffect) {
		t := corev1.Toleration{Key: key, Operator: corev1.TolerationOpExists, Effect: effect}
		stands := false
		for i := range all {
			if all[i].MatchToleration(&t) {
				all[i], stands = t, true
			}
		}
		if !stands {
			all = append(all, t)
		}
	}
	add(corev1.TaintNodeNotReady, corev1.TaintEffectNoExecute)
	add(corev1.TaintNodeUnreachable, corev1.TaintEffectNoExecute)
	add(corev1.TaintNodeDiskPressure, corev1.TaintEffectNoSchedule)
	add(corev1.TaintNodeMemoryPressure, corev1.TaintEffectNoSchedule)
	add(corev1.TaintNodePIDPressure, corev1.TaintEffectNoSchedule)
	add(corev1.TaintNodeUnschedulable, corev1.TaintEffectNoSchedule)
	if template.HostNetwork {
		add(corev1.TaintNodeNetworkUnavailable, corev1.TaintEffectNoSchedule)
	}
	return all, fromTemplate
}

// fieldName is the only field that matchFields knows.
const fieldName = metav1.ObjectNameField
