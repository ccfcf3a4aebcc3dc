package present

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/kubectl-ds/kubectl-ds/pkg/coverage"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// effects is what a failed read takes away.
var effects = map[string]string{
	"nodes":                   "nothing can be said about any node",
	"pods":                    "verdicts that need them say Unknown",
	"events":                  "reasons that need them say Unknown",
	"controllerrevisions":     "current and outdated pods may not be told apart",
	"namespaces":              "rules of namespaces are not known",
	snapshot.ResourceNodePods: "the room on nodes is not computed",
	"daemonsets":              "what changed while reading is not known",
	snapshot.ResourceLeases:   "whether somebody drives a rollout is not known",
}

// blind reports whether what could not be read may hide a gap. Who drives a
// rollout does not.
func blind(s coverage.ReportSource) bool {
	return slices.ContainsFunc(s.Incomplete, func(r coverage.IncompleteRead) bool { return r.Resource != snapshot.ResourceLeases })
}

// incomplete has one line for each kind of read that failed, with what grants
// it.
func incomplete(s coverage.ReportSource, o Options) []string {
	type key struct{ verb, resource, err, remedy string }
	where := map[key][]string{}
	var order []key
	for _, r := range s.Incomplete {
		// The server's words name the namespace; what is the same but for that
		// is one line.
		k := key{r.Verb, r.Resource, "", r.Remedy}
		if !strings.Contains(strings.ToLower(r.Error), "forbidden") {
			k.err = r.Error
		}
		if _, seen := where[k]; !seen {
			order = append(order, k)
		}
		if r.Namespace != "" && !slices.Contains(where[k], r.Namespace) {
			where[k] = append(where[k], r.Namespace)
		} else if where[k] == nil {
			where[k] = []string{}
		}
	}
	shared := map[string]int{}
	for _, k := range order {
		shared[k.remedy]++
	}
	var out []string
	for i, k := range order {
		line := incompleteLine(k.verb, k.resource, k.err, where[k], o)
		if k.remedy != "" && shared[k.remedy] == 1 {
			line += remedyOf(k.remedy)
		} else {
			line += "."
		}
		out = append(out, wrapCommand("", line, o.Width)...)
		// What several lines need is said once, after the last of them.
		last := !slices.ContainsFunc(order[i+1:], func(later key) bool { return later.remedy == k.remedy })
		if k.remedy != "" && shared[k.remedy] > 1 && last {
			text := strings.TrimLeft(remedyOf(k.remedy), ".; ")
			first, n := utf8.DecodeRuneInString(text)
			out = append(out, wrapCommand("", string(unicode.ToUpper(first))+text[n:], o.Width)...)
		}
	}
	return out
}

// remedyOf goes on after a line of what could not be read.
func remedyOf(remedy string) string {
	if command, ok := strings.CutPrefix(remedy, coverage.GrantRemedy); ok {
		return ". Grant: " + Safe(command)
	}
	return "; " + Safe(remedy)
}

func incompleteLine(verb, resource, err string, namespaces []string, o Options) string {
	effect, in := effects[resource], ""
	if len(namespaces) > 0 {
		in = " in " + Safe(names(namespaces, 3, o))
	}
	if verb == "" {
		verb = "read"
	}
	if resource == snapshot.ResourceNodePods {
		resource, in = "pods", " in all namespaces"
	}
	what := fmt.Sprintf("Incomplete: %s are forbidden (%s %s%s)", Safe(resource), Safe(verb), Safe(resource), in)
	if err != "" {
		what = fmt.Sprintf("Incomplete: %s%s could not be read (%s)", Safe(resource), in, Safe(err))
	}
	if effect != "" {
		what += ": " + effect
	}
	return what
}
