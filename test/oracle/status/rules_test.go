package status

import (
	"fmt"
	"math/rand/v2"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// poolLabel tells the pools of the simulated nodes apart.
const poolLabel = "example.com/pool"

// chance is true n times out of a hundred.
func chance(r *rand.Rand, n int) bool { return r.IntN(100) < n }

func oneOf[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// randomTaints draws what people, kubelets and controllers put on nodes.
func randomTaints(r *rand.Rand) []corev1.Taint {
	if chance(r, 45) {
		return nil
	}
	var out []corev1.Taint
	for _, t := range []corev1.Taint{
		{Key: "dedicated", Value: "gpu", Effect: corev1.TaintEffectNoSchedule},
		{Key: "dedicated", Value: "gpu", Effect: corev1.TaintEffectNoExecute},
		{Key: "rack", Value: "7", Effect: corev1.TaintEffectPreferNoSchedule},
		{Key: corev1.TaintNodeNotReady, Effect: corev1.TaintEffectNoSchedule},
		{Key: corev1.TaintNodeNotReady, Effect: corev1.TaintEffectNoExecute},
		{Key: corev1.TaintNodeUnreachable, Effect: corev1.TaintEffectNoExecute},
		{Key: corev1.TaintNodeUnschedulable, Effect: corev1.TaintEffectNoSchedule},
	} {
		if chance(r, 25) {
			out = append(out, t)
		}
	}
	return out
}

// randomRules writes placement rules into a template. The differential test
// of eligibility knows many more; these are enough to move nodes in and out.
func randomRules(r *rand.Rand, s *corev1.PodSpec) {
	s.NodeSelector, s.Affinity, s.Tolerations, s.HostNetwork, s.NodeName = nil, nil, nil, chance(r, 20), ""
	if chance(r, 25) {
		s.NodeSelector = map[string]string{poolLabel: oneOf(r, "a", "b")}
	}
	if chance(r, 40) {
		pool := corev1.NodeSelectorTerm{MatchExpressions: []corev1.NodeSelectorRequirement{
			{Key: poolLabel, Operator: oneOf(r, corev1.NodeSelectorOpIn, corev1.NodeSelectorOpNotIn), Values: []string{oneOf(r, "a", "b")}}}}
		not := corev1.NodeSelectorTerm{MatchFields: []corev1.NodeSelectorRequirement{
			{Key: metav1.ObjectNameField, Operator: corev1.NodeSelectorOpNotIn, Values: []string{nodeName(r.IntN(nodeCount))}}}}
		terms := oneOf(r, []corev1.NodeSelectorTerm{pool}, []corev1.NodeSelectorTerm{not}, []corev1.NodeSelectorTerm{{}, pool}, []corev1.NodeSelectorTerm{pool, not})
		s.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: terms}}}
	}
	for _, t := range []corev1.Toleration{
		{Key: "dedicated", Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoSchedule},
		{Key: "dedicated", Operator: corev1.TolerationOpEqual, Value: "gpu", Effect: corev1.TaintEffectNoExecute},
		{Key: corev1.TaintNodeNotReady, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoSchedule},
	} {
		if chance(r, 40) {
			s.Tolerations = append(s.Tolerations, t)
		}
	}
	if chance(r, 4) {
		s.NodeName = nodeName(r.IntN(nodeCount))
	}
}

func randomStrategy(r *rand.Rand) appsv1.DaemonSetUpdateStrategy {
	rolling := func(unavailable, surge intstr.IntOrString) appsv1.DaemonSetUpdateStrategy {
		return appsv1.DaemonSetUpdateStrategy{
			Type:          appsv1.RollingUpdateDaemonSetStrategyType,
			RollingUpdate: &appsv1.RollingUpdateDaemonSet{MaxUnavailable: &unavailable, MaxSurge: &surge},
		}
	}
	onDelete := appsv1.DaemonSetUpdateStrategy{Type: appsv1.OnDeleteDaemonSetStrategyType}
	return oneOf(r, onDelete, onDelete, onDelete,
		rolling(intstr.FromInt32(1), intstr.FromInt32(0)),
		rolling(intstr.FromString("50%"), intstr.FromInt32(0)),
		rolling(intstr.FromInt32(0), intstr.FromInt32(1)))
}

// hour is longer than a test takes, so that no pod becomes available while
// two sides look at it.
const hour = 3600

// revise draws a new template now and then, and other rules more rarely.
func revise(r *rand.Rand, d *appsv1.DaemonSet) {
	s := &d.Spec.Template.Spec
	if len(s.Containers) == 0 || chance(r, 35) {
		// Of three versions, so that a revision also comes back.
		s.Containers = []corev1.Container{{Name: "agent", Image: fmt.Sprintf("registry.example/agent:%d", 1+r.IntN(3))}}
	}
	if d.UID == "" || chance(r, 15) {
		randomRules(r, s)
	}
	if d.UID == "" || chance(r, 10) {
		d.Spec.UpdateStrategy = randomStrategy(r)
		d.Spec.MinReadySeconds = oneOf[int32](r, 0, 0, hour)
	}
}

// newDaemonSet draws a DaemonSet whose pods no scheduler takes.
func newDaemonSet(r *rand.Rand, namespace, name, app string) *appsv1.DaemonSet {
	labels := map[string]string{"app": app}
	d := &appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	d.Spec.Selector = &metav1.LabelSelector{MatchLabels: labels}
	d.Spec.Template.Labels = map[string]string{"app": app}
	d.Spec.Template.Spec.SchedulerName = nobody
	revise(r, d)
	return d
}

// nobody is a scheduler that does not exist: the test binds pods itself.
const nobody = "nobody"
