package rollout

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// containersDiff compares containers of one kind by name.
func containersDiff(kind string, from, to []corev1.Container) []difference {
	find := func(list []corev1.Container, name string) *corev1.Container {
		if i := slices.IndexFunc(list, func(c corev1.Container) bool { return c.Name == name }); i >= 0 {
			return &list[i]
		}
		return nil
	}
	var out []difference
	for i := range to {
		c := &to[i]
		if was := find(from, c.Name); was != nil {
			out = append(out, containerDiff(kind, was, c)...)
			continue
		}
		out = append(out, difference{container: kind + "container " + c.Name, short: "added", long: "added, image " + c.Image, rank: rankContainer})
	}
	for i := range from {
		if find(to, from[i].Name) == nil {
			out = append(out, difference{container: kind + "container " + from[i].Name, short: "removed", long: "removed", rank: rankContainer})
		}
	}
	return out
}

func containerDiff(kind string, from, to *corev1.Container) []difference {
	var out []difference
	for _, f := range changedFields(from, to) {
		d := difference{container: kind + to.Name, short: f, long: f, rank: rankContainer}
		switch f {
		case "image":
			d.short, d.long = imageDiff(from.Image, to.Image)
			d.rank = rankImage
		case "env":
			env := func(e *corev1.EnvVar) string { return e.Name }
			d.long = keyed("env", byJSON(from.Env, env), byJSON(to.Env, env))
			d.short = beforeNames(d.long)
			if d.short != "" {
				d.long = d.short + " (" + hidden(d.long) + ")" + d.long[len(d.short):]
			}
		case "args", "command":
			d.long = wordsDiff(f, from, to)
			d.short = beforeNames(d.long)
		case "resources":
			d.long = resourcesDiff(&from.Resources, &to.Resources)
		case "volumeMounts":
			at := func(m *corev1.VolumeMount) string { return m.MountPath }
			d.long = keyed(f, byJSON(from.VolumeMounts, at), byJSON(to.VolumeMounts, at))
			d.short = beforeNames(d.long)
		case "ports":
			port := func(p *corev1.ContainerPort) string { return fmt.Sprintf("%d/%s", p.ContainerPort, p.Protocol) }
			d.long = keyed(f, byJSON(from.Ports, port), byJSON(to.Ports, port))
			d.short = beforeNames(d.long)
		}
		if d.long == "" { // only the order differs
			d.short, d.long = f+" order", f+" in another order"
		}
		out = append(out, d)
	}
	slices.SortStableFunc(out, func(a, b difference) int { return a.rank - b.rank })
	return out
}

func hidden(names string) string {
	if strings.Contains(names, ", ") {
		return "values hidden"
	}
	return "value hidden"
}

// imageDiff leaves the repository out of the second image where both have the
// same, and out of both in the short form.
func imageDiff(from, to string) (short, long string) {
	a, b := tagAt(from), tagAt(to)
	if from[:a] != to[:b] || a == len(from) || b == len(to) {
		return "image " + from + " -> " + to, "image " + from + " -> " + to
	}
	was, is := from[a+1:], to[b+1:]
	return "image " + shortDigest(was) + " -> " + shortDigest(is), "image " + from + " -> " + is
}

// tagAt is where tag or digest of an image begin, at their sign.
func tagAt(image string) int {
	if i := strings.IndexByte(image, '@'); i >= 0 {
		if j := strings.LastIndexByte(image[:i], ':'); j > strings.LastIndexByte(image[:i], '/') {
			return j
		}
		return i
	}
	if i := strings.LastIndexByte(image, ':'); i > strings.LastIndexByte(image, '/') {
		return i
	}
	return len(image)
}

func shortDigest(tag string) string {
	const digits = 12
	if i := strings.Index(tag, "sha256:"); i >= 0 && len(tag) > i+7+digits {
		return tag[:i+7+digits]
	}
	return tag
}

// wordsDiff counts arguments, and names long flags without their dashes: what
// stands behind the = of one, or beside it, may be a secret.
func wordsDiff(what string, from, to *corev1.Container) string {
	was, is := from.Args, to.Args
	if what == "command" {
		was, is = from.Command, to.Command
	}
	var plus, minus, other []string
	had, has := flagsOf(was), flagsOf(is)
	for _, k := range slices.Sorted(maps.Keys(has)) {
		if _, ok := had[k]; !ok {
			plus = append(plus, "+"+k[2:])
		} else if had[k] != has[k] {
			other = append(other, "~"+k[2:])
		}
	}
	for _, k := range slices.Sorted(maps.Keys(had)) {
		if _, ok := has[k]; !ok {
			minus = append(minus, "-"+k[2:])
		}
	}
	if out := counted(what, plus, minus, other); out != "" {
		return out
	}
	if len(was) != len(is) {
		return fmt.Sprintf("%s %d -> %d", what, len(was), len(is))
	}
	return what
}

// flagsOf has the long flags of a command line with what they are set to, all
// values of one that stands there more than once.
func flagsOf(words []string) map[string]string {
	out := map[string]string{}
	for _, w := range words {
		name, value, _ := strings.Cut(w, "=")
		if len(name) > 3 && len(name) <= 64 && strings.HasPrefix(name, "--") && strings.Trim(name[2:], flagLetters) == "" {
			out[name] += value + "\x00"
		}
	}
	return out
}

const flagLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

// resourcesDiff tells quantities, which are no secret.
func resourcesDiff(from, to *corev1.ResourceRequirements) string {
	var parts []string
	for _, l := range []struct {
		name    string
		was, is corev1.ResourceList
	}{{"requests", from.Requests, to.Requests}, {"limits", from.Limits, to.Limits}} {
		all := maps.Clone(l.was)
		if all == nil {
			all = corev1.ResourceList{}
		}
		maps.Copy(all, l.is)
		for _, k := range slices.Sorted(maps.Keys(all)) {
			a, had := l.was[k]
			b, has := l.is[k]
			if had == has && a.Cmp(b) == 0 {
				continue
			}
			was, is := "none", "none"
			if had {
				was = a.String()
			}
			if has {
				is = b.String()
			}
			parts = append(parts, fmt.Sprintf("%s.%s %s -> %s", l.name, k, was, is))
		}
	}
	if len(parts) == 0 {
		return "resources"
	}
	return "resources " + strings.Join(parts, ", ")
}
