package rollout

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// TemplateDiff says what changes between two templates, a line a change, the
// most telling first: images, then what else containers do, then the pod. It
// names things and counts them, and never tells the value of an environment
// variable, an annotation, an argument or a label of the pod. A template that
// is nil is empty. Names in it come from a cluster and are untrusted.
func TemplateDiff(from, to *corev1.PodTemplateSpec) []string {
	var out []string
	for _, d := range differences(from, to) {
		out = append(out, d.line(true))
	}
	return out
}

// SameTemplate stands in the place of a summary where two revisions do not
// differ in anything that this version knows.
const SameTemplate = "nothing that this version knows"

// ShortDiff is TemplateDiff in one line, for a table: two changes, or the
// first and how many more. Of an image only what changes is named.
func ShortDiff(from, to *corev1.PodTemplateSpec) string {
	ds := differences(from, to)
	switch len(ds) {
	case 0:
		return SameTemplate
	case 1:
		return ds[0].line(false)
	case 2:
		second := ds[1]
		if second.container == ds[0].container {
			second.container = ""
		}
		return ds[0].line(false) + "; " + second.line(false)
	}
	return fmt.Sprintf("%s; %d more", ds[0].line(false), len(ds)-1)
}

// difference is one change of a template.
type difference struct {
	container   string // empty for the pod
	short, long string
	rank        int
}

func (d difference) line(long bool) string {
	s := d.short
	if long {
		s = d.long
	}
	if d.container != "" {
		return d.container + " " + s
	}
	return s
}

// Ranks of differences: what most likely breaks a rollout comes first.
const (
	rankImage = iota
	rankContainer
	rankPod
	rankMeta
)

func differences(from, to *corev1.PodTemplateSpec) []difference {
	if from == nil {
		from = &corev1.PodTemplateSpec{}
	}
	if to == nil {
		to = &corev1.PodTemplateSpec{}
	}
	var out []difference
	out = append(out, containersDiff("", from.Spec.Containers, to.Spec.Containers)...)
	out = append(out, containersDiff("init ", from.Spec.InitContainers, to.Spec.InitContainers)...)
	for _, f := range changedFields(from.Spec, to.Spec) {
		if d, ok := podDiff(f, &from.Spec, &to.Spec); ok {
			out = append(out, d)
		}
	}
	out = append(out, metaDiff(from, to)...)
	slices.SortStableFunc(out, func(a, b difference) int { return a.rank - b.rank })
	return out
}

// metaDiff is about labels and annotations of the pod, by name.
func metaDiff(from, to *corev1.PodTemplateSpec) []difference {
	var out []difference
	was, is := maps.Clone(from.Annotations), maps.Clone(to.Annotations)
	if was[restartedAt] != is[restartedAt] {
		out = append(out, difference{short: "restart", long: "restart (" + restartedAt + ")", rank: rankPod})
	}
	delete(was, restartedAt)
	delete(is, restartedAt)
	if d := keyed("labels", from.Labels, to.Labels); d != "" {
		out = append(out, difference{short: beforeNames(d), long: d, rank: rankMeta})
	}
	if d := keyed("annotations", was, is); d != "" {
		out = append(out, difference{short: beforeNames(d), long: d, rank: rankMeta})
	}
	return out
}

// restartedAt is what `kubectl rollout restart` writes.
const restartedAt = "kubectl.kubernetes.io/restartedAt"

// beforeNames of a line is what stands before the names.
func beforeNames(s string) string {
	s, _, _ = strings.Cut(s, ": ")
	return s
}

// keyed compares values by their names: "labels +1 ~2: a, b, c".
func keyed[V comparable](what string, from, to map[string]V) string {
	var plus, minus, other []string
	for _, k := range slices.Sorted(maps.Keys(to)) {
		if v, ok := from[k]; !ok {
			plus = append(plus, "+"+k)
		} else if v != to[k] {
			other = append(other, "~"+k)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(from)) {
		if _, ok := to[k]; !ok {
			minus = append(minus, "-"+k)
		}
	}
	return counted(what, plus, minus, other)
}

func counted(what string, plus, minus, other []string) string {
	out := what
	for _, c := range []struct {
		sign  string
		names []string
	}{{"+", plus}, {"-", minus}, {"~", other}} {
		if len(c.names) > 0 {
			out += fmt.Sprintf(" %s%d", c.sign, len(c.names))
		}
	}
	if out == what {
		return ""
	}
	return out + ": " + strings.Join(slices.Concat(plus, minus, other), ", ")
}

// byJSON is a map to compare by: a name and what it stands for, in JSON.
func byJSON[T any](list []T, name func(*T) string) map[string]string {
	out := map[string]string{}
	for i := range list {
		b, _ := json.Marshal(list[i]) // of API types: there is no error
		key := name(&list[i])
		if _, twice := out[key]; twice {
			key += fmt.Sprintf(" (%d)", i+1)
		}
		out[key] = string(b)
	}
	return out
}

// changedFields names the fields of two values of one API type that differ in
// JSON, in order. What is new in the API is named, too, and needs no code.
func changedFields(from, to any) []string {
	was, is := fields(from), fields(to)
	var out []string
	for _, k := range slices.Sorted(maps.Keys(is)) {
		if !bytes.Equal(was[k], is[k]) {
			out = append(out, k)
		}
	}
	for k := range was {
		if _, ok := is[k]; !ok {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return out
}

func fields(v any) map[string]json.RawMessage {
	var out map[string]json.RawMessage
	b, err := json.Marshal(v)
	if err != nil || json.Unmarshal(b, &out) != nil {
		return nil
	}
	return out
}
