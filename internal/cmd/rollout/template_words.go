package rollout

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
)

// templateWords say what differs between two templates, without any value but
// images: environment, arguments and annotations may hold secrets.
func templateWords(from, to *corev1.PodTemplateSpec) []string {
	var out []string
	for _, c := range containers(to) {
		if old := findContainer(from, c.Name); old != nil {
			out = append(out, containerWords(old, c)...)
		} else {
			out = append(out, fmt.Sprintf("%s is new, image %s", c.Name, c.Image))
		}
	}
	for _, c := range containers(from) {
		if findContainer(to, c.Name) == nil {
			out = append(out, c.Name+" is gone")
		}
	}
	out = append(out, metaWords(from, to)...)
	if rest := otherFields(from, to); len(rest) > 0 {
		out = append(out, rest...)
	}
	return out
}

func containerWords(from, to *corev1.Container) []string {
	var out []string
	say := func(s string) { out = append(out, to.Name+" "+s) }
	if from.Image != to.Image {
		say("image " + from.Image + " -> " + to.Image)
	}
	if plus, minus, other := envDiff(from.Env, to.Env); plus+minus+other > 0 {
		word := "env"
		for _, n := range []struct {
			sign string
			n    int
		}{{"+", plus}, {"-", minus}, {"~", other}} {
			if n.n > 0 {
				word += fmt.Sprintf(" %s%d", n.sign, n.n)
			}
		}
		say(word + " (values hidden)")
	}
	if !equality.Semantic.DeepEqual(from.Command, to.Command) || !equality.Semantic.DeepEqual(from.Args, to.Args) {
		say("command")
	}
	if !equality.Semantic.DeepEqual(from.Resources, to.Resources) {
		say("resources")
	}
	a, b := from.DeepCopy(), to.DeepCopy()
	for _, c := range []*corev1.Container{a, b} {
		c.Image, c.Env, c.Command, c.Args, c.Resources = "", nil, nil, nil, corev1.ResourceRequirements{}
	}
	if !equality.Semantic.DeepEqual(a, b) {
		say("other fields")
	}
	return out
}

// envDiff counts variables that are new, gone and different.
func envDiff(from, to []corev1.EnvVar) (plus, minus, other int) {
	find := func(list []corev1.EnvVar, name string) int {
		return slices.IndexFunc(list, func(e corev1.EnvVar) bool { return e.Name == name })
	}
	for i := range to {
		switch at := find(from, to[i].Name); {
		case at < 0:
			plus++
		case !equality.Semantic.DeepEqual(from[at], to[i]):
			other++
		}
	}
	for i := range from {
		if find(to, from[i].Name) < 0 {
			minus++
		}
	}
	return plus, minus, other
}

func metaWords(from, to *corev1.PodTemplateSpec) []string {
	var out []string
	if from.Annotations[restartedAt] != to.Annotations[restartedAt] && to.Annotations[restartedAt] != "" {
		out = append(out, "restartedAt "+to.Annotations[restartedAt])
	}
	a, b := from.DeepCopy().Annotations, to.DeepCopy().Annotations
	delete(a, restartedAt)
	delete(b, restartedAt)
	if !equality.Semantic.DeepEqual(a, b) {
		out = append(out, "annotations (values hidden)")
	}
	if !equality.Semantic.DeepEqual(from.Labels, to.Labels) {
		out = append(out, "labels")
	}
	return out
}

// otherFields names what else differs, as the fields are written.
func otherFields(from, to *corev1.PodTemplateSpec) []string {
	var out []string
	a, b := from.Spec.DeepCopy(), to.Spec.DeepCopy()
	for _, f := range []struct {
		name string
		same bool
	}{
		{"volumes", equality.Semantic.DeepEqual(a.Volumes, b.Volumes)},
		{"tolerations", equality.Semantic.DeepEqual(a.Tolerations, b.Tolerations)},
		{"nodeSelector", equality.Semantic.DeepEqual(a.NodeSelector, b.NodeSelector)},
		{"affinity", equality.Semantic.DeepEqual(a.Affinity, b.Affinity)},
	} {
		if !f.same {
			out = append(out, f.name)
		}
	}
	for _, s := range []*corev1.PodSpec{a, b} {
		s.InitContainers, s.Containers, s.Volumes, s.Tolerations, s.NodeSelector, s.Affinity = nil, nil, nil, nil, nil, nil
	}
	if !equality.Semantic.DeepEqual(a, b) {
		out = append(out, "other fields of the pod")
	}
	return out
}
