package testkit

import (
	"maps"
	"strconv"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Hash is the revision hash of current pods and revisions, unless a test has
// another one.
const Hash = "6f4c9d7b8"

// DaemonSetBuilder builds a DaemonSet.
type DaemonSetBuilder struct{ ds appsv1.DaemonSet }

// DaemonSet begins one of a container "agent" that runs everywhere, 90 days
// old, with the label app=NAME as selector, updated by RollingUpdate.
func DaemonSet(namespace, name string) *DaemonSetBuilder {
	b := &DaemonSetBuilder{}
	labels := map[string]string{"app": name}
	b.ds.Namespace, b.ds.Name, b.ds.UID = namespace, name, types.UID(namespace+"/"+name)
	b.ds.CreationTimestamp = Ago(90 * 24 * time.Hour)
	b.ds.Spec.Selector = &metav1.LabelSelector{MatchLabels: labels}
	b.ds.Spec.Template.Labels = maps.Clone(labels)
	b.ds.Spec.Template.Spec.Containers = []corev1.Container{{Name: "agent", Image: "registry.example/" + name + ":1"}}
	b.ds.Spec.UpdateStrategy.Type = appsv1.RollingUpdateDaemonSetStrategyType
	return b.Generation(1, 1)
}

// Template changes the pod template's spec by hand.
func (b *DaemonSetBuilder) Template(change func(*corev1.PodSpec)) *DaemonSetBuilder {
	change(&b.ds.Spec.Template.Spec)
	return b
}

// Select adds node selectors, each key=value.
func (b *DaemonSetBuilder) Select(keyValues ...string) *DaemonSetBuilder {
	return b.Template(func(s *corev1.PodSpec) {
		if s.NodeSelector == nil {
			s.NodeSelector = map[string]string{}
		}
		maps.Copy(s.NodeSelector, pairs(keyValues))
	})
}

// Require adds a term of the required node affinity; its requirements are
// written KEY OPERATOR [VALUE,VALUE...]. Terms are alternatives.
func (b *DaemonSetBuilder) Require(requirements ...string) *DaemonSetBuilder {
	var term corev1.NodeSelectorTerm
	for _, r := range requirements {
		f := strings.Fields(r)
		q := corev1.NodeSelectorRequirement{Key: f[0], Operator: corev1.NodeSelectorOperator(f[1])}
		if len(f) > 2 {
			q.Values = strings.Split(f[2], ",")
		}
		term.MatchExpressions = append(term.MatchExpressions, q)
	}
	return b.Template(func(s *corev1.PodSpec) {
		if s.Affinity == nil {
			s.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
				RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{},
			}}
		}
		terms := s.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution
		terms.NodeSelectorTerms = append(terms.NodeSelectorTerms, term)
	})
}

// Tolerate adds tolerations with operator Exists for these keys.
func (b *DaemonSetBuilder) Tolerate(keys ...string) *DaemonSetBuilder {
	for _, k := range keys {
		b.Toleration(corev1.Toleration{Key: k, Operator: corev1.TolerationOpExists})
	}
	return b
}

// TolerateAll tolerates every taint.
func (b *DaemonSetBuilder) TolerateAll() *DaemonSetBuilder {
	return b.Toleration(corev1.Toleration{Operator: corev1.TolerationOpExists})
}

// Toleration adds one toleration.
func (b *DaemonSetBuilder) Toleration(t corev1.Toleration) *DaemonSetBuilder {
	return b.Template(func(s *corev1.PodSpec) { s.Tolerations = append(s.Tolerations, t) })
}

// Requests sets what the container asks, as Resources reads it.
func (b *DaemonSetBuilder) Requests(nameQuantity ...string) *DaemonSetBuilder {
	return b.Template(func(s *corev1.PodSpec) { s.Containers[0].Resources.Requests = Resources(nameQuantity...) })
}

// Image sets the container's image.
func (b *DaemonSetBuilder) Image(image string) *DaemonSetBuilder {
	return b.Template(func(s *corev1.PodSpec) { s.Containers[0].Image = image })
}

// OnDelete lets nobody but a person replace pods.
func (b *DaemonSetBuilder) OnDelete() *DaemonSetBuilder {
	b.ds.Spec.UpdateStrategy = appsv1.DaemonSetUpdateStrategy{Type: appsv1.OnDeleteDaemonSetStrategyType}
	return b
}

// MaxUnavailable bounds the rolling update, as in 2 or 10%.
func (b *DaemonSetBuilder) MaxUnavailable(n string) *DaemonSetBuilder {
	v := intstr.Parse(n)
	b.ds.Spec.UpdateStrategy.RollingUpdate = &appsv1.RollingUpdateDaemonSet{MaxUnavailable: &v}
	return b
}

// MinReadySeconds sets after how many seconds a ready pod is available.
func (b *DaemonSetBuilder) MinReadySeconds(n int32) *DaemonSetBuilder {
	b.ds.Spec.MinReadySeconds = n
	return b
}

// Generation sets the generation and the one that the controller has observed.
func (b *DaemonSetBuilder) Generation(generation, observed int64) *DaemonSetBuilder {
	b.ds.Generation, b.ds.Status.ObservedGeneration = generation, observed
	b.ds.Annotations = map[string]string{appsv1.DeprecatedTemplateGeneration: strconv.FormatInt(generation, 10)}
	return b
}

// Status says what the controller reports where n pods should run and all are
// well, of which ready are ready and available, and updated.
func (b *DaemonSetBuilder) Status(desired, ready, updated, misscheduled int32) *DaemonSetBuilder {
	s := &b.ds.Status
	s.DesiredNumberScheduled, s.CurrentNumberScheduled = desired, desired
	s.NumberReady, s.NumberAvailable, s.NumberUnavailable = ready, ready, desired-ready
	s.UpdatedNumberScheduled, s.NumberMisscheduled = updated, misscheduled
	return b
}

// Build returns the DaemonSet; each call another copy.
func (b *DaemonSetBuilder) Build() *appsv1.DaemonSet { return b.ds.DeepCopy() }

// Revision is a ControllerRevision of d that is so old.
func Revision(d *appsv1.DaemonSet, hash string, number int64, before time.Duration) *appsv1.ControllerRevision {
	labels := maps.Clone(d.Spec.Template.Labels)
	labels[appsv1.DefaultDaemonSetUniqueLabelKey] = hash
	return &appsv1.ControllerRevision{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: d.Namespace, Name: d.Name + "-" + hash, UID: types.UID(string(d.UID) + "-" + hash),
			Labels: labels, CreationTimestamp: Ago(before), OwnerReferences: []metav1.OwnerReference{ownerRef(d)},
		},
		Data:     runtime.RawExtension{Raw: []byte(`{}`)},
		Revision: number,
	}
}

func ownerRef(d *appsv1.DaemonSet) metav1.OwnerReference {
	return *metav1.NewControllerRef(d, appsv1.SchemeGroupVersion.WithKind("DaemonSet"))
}
