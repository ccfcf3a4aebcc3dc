package status

import (
	"math/rand/v2"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/kubectl-ds/kubectl-ds/test/oracle/pairs"
)

// drawTemplate draws the rules of a template as the differential test of
// eligibility does, without what an API server refuses by itself. What is left
// out piece by piece here would otherwise make nearly every template invalid;
// the rest (a port of the host together with surge, say) the server refuses,
// and the caller draws again.
func drawTemplate(r *rand.Rand) corev1.PodSpec {
	s := pairs.RandomDaemonSet(r).Spec.Template.Spec
	if !plain(s.NodeName) {
		s.NodeName = ""
	}
	s.Tolerations = slices.DeleteFunc(s.Tolerations, func(t corev1.Toleration) bool { return !validToleration(&t) })
	for k, v := range s.NodeSelector {
		if len(validation.IsQualifiedName(k))+len(validation.IsValidLabelValue(v)) > 0 {
			delete(s.NodeSelector, k)
		}
	}
	if len(s.Containers) == 0 {
		s.Containers = make([]corev1.Container, 1)
	}
	s.Containers[0].Name, s.Containers[0].Image = "agent", image(1)
	if s.Affinity == nil || s.Affinity.NodeAffinity == nil {
		return s
	}
	preferred := s.Affinity.NodeAffinity.PreferredDuringSchedulingIgnoredDuringExecution
	for i := range preferred {
		validTerm(&preferred[i].Preference)
	}
	required := s.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution
	if required != nil && len(required.NodeSelectorTerms) == 0 {
		s.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution = nil
	} else if required != nil {
		for i := range required.NodeSelectorTerms {
			validTerm(&required.NodeSelectorTerms[i])
		}
	}
	return s
}

func plain(nodeName string) bool {
	return nodeName == "" || len(validation.IsDNS1123Subdomain(nodeName)) == 0
}

// validToleration completes a toleration where that is enough. The operators
// that need the feature gate are the other test's: here the gate is off, as it
// is in clusters, and the server refuses them.
func validToleration(t *corev1.Toleration) bool {
	if t.TolerationSeconds != nil && t.Effect != corev1.TaintEffectNoExecute {
		return false
	}
	switch t.Operator {
	case corev1.TolerationOpExists:
		if t.Value != "" {
			return false
		}
	case corev1.TolerationOpEqual, "":
		if t.Key == "" || len(validation.IsValidLabelValue(t.Value)) > 0 {
			return false
		}
	default:
		return false
	}
	switch t.Effect {
	case "", corev1.TaintEffectNoSchedule, corev1.TaintEffectNoExecute, corev1.TaintEffectPreferNoSchedule:
	default:
		return false
	}
	return t.Key == "" || len(validation.IsQualifiedName(t.Key)) == 0
}

// validTerm leaves out the requirements that an API server refuses. What is
// left may be an empty term, which it takes and which matches no node.
func validTerm(t *corev1.NodeSelectorTerm) {
	t.MatchExpressions = slices.DeleteFunc(t.MatchExpressions, func(r corev1.NodeSelectorRequirement) bool {
		values := len(r.Values)
		switch r.Operator {
		case corev1.NodeSelectorOpIn, corev1.NodeSelectorOpNotIn:
			if values == 0 {
				return true
			}
		case corev1.NodeSelectorOpExists, corev1.NodeSelectorOpDoesNotExist:
			if values > 0 {
				return true
			}
		case corev1.NodeSelectorOpGt, corev1.NodeSelectorOpLt:
			if values != 1 {
				return true
			}
		default:
			return true
		}
		return len(validation.IsQualifiedName(r.Key)) > 0 ||
			slices.ContainsFunc(r.Values, func(v string) bool { return len(validation.IsValidLabelValue(v)) > 0 })
	})
	t.MatchFields = slices.DeleteFunc(t.MatchFields, func(r corev1.NodeSelectorRequirement) bool {
		return r.Key != metav1.ObjectNameField || len(r.Values) != 1 || r.Values[0] == "" || !plain(r.Values[0]) ||
			r.Operator != corev1.NodeSelectorOpIn && r.Operator != corev1.NodeSelectorOpNotIn
	})
}

// drawNode draws labels and taints that an API server takes.
func drawNode(r *rand.Rand) (map[string]string, []corev1.Taint) {
	n := pairs.RandomNode(r)
	labels := map[string]string{}
	for k, v := range n.Labels {
		if len(validation.IsQualifiedName(k))+len(validation.IsValidLabelValue(v)) == 0 {
			labels[k] = v
		}
	}
	var taints []corev1.Taint
	for _, t := range n.Spec.Taints {
		switch t.Effect {
		case corev1.TaintEffectNoSchedule, corev1.TaintEffectNoExecute, corev1.TaintEffectPreferNoSchedule:
		default:
			continue
		}
		double := slices.ContainsFunc(taints, func(u corev1.Taint) bool { return u.MatchTaint(&t) })
		if !double && len(validation.IsQualifiedName(t.Key))+len(validation.IsValidLabelValue(t.Value)) == 0 {
			taints = append(taints, t)
		}
	}
	return labels, taints
}
