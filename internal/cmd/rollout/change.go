package rollout

import (
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// change is what a run brings beside its policy.
type change struct {
	// template is the new one; nil where the one that is there stays.
	template *corev1.PodTemplateSpec
	// hash is of the revision that template comes from; empty for a new one.
	hash string
	// words say what it changes, untrusted text.
	words []string
	// notes are about what was asked for and is not part of the change.
	notes []string
}

// live is what a change is computed against.
type live struct {
	ds        *appsv1.DaemonSet
	revisions []*appsv1.ControllerRevision // of the DaemonSet
}

// changeTo makes the change from the template that is there to another.
func (l *live) changeTo(t *corev1.PodTemplateSpec, notes ...string) *change {
	if equality.Semantic.DeepEqual(&l.ds.Spec.Template, t) {
		return &change{notes: append(notes, "what is asked for is the template already: nothing of it changes")}
	}
	return &change{template: t, words: rollout.TemplateDiff(&l.ds.Spec.Template, t), notes: notes}
}

// containers are the containers of a template by name, those of init first.
func containers(t *corev1.PodTemplateSpec) []*corev1.Container {
	var out []*corev1.Container
	for _, list := range [][]corev1.Container{t.Spec.InitContainers, t.Spec.Containers} {
		for i := range list {
			out = append(out, &list[i])
		}
	}
	return out
}

func containerNames(t *corev1.PodTemplateSpec) []string {
	var out []string
	for _, c := range containers(t) {
		out = append(out, c.Name)
	}
	return out
}

func findContainer(t *corev1.PodTemplateSpec, name string) *corev1.Container {
	all := containers(t)
	if i := slices.IndexFunc(all, func(c *corev1.Container) bool { return c.Name == name }); i >= 0 {
		return all[i]
	}
	return nil
}
