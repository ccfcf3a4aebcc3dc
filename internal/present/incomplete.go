package present

import (
	"fmt"
	"slices"
	"strings"

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
	var out []string
	for _, k := range order {
		out = append(out, wrapCommand("", incompleteLine(k.verb, k.resource, k.err, k.remedy, where[k], o), o.Width)...)
	}
	return out
}

func incompleteLine(verb, resource, err, remedy string, namespaces []string, o Options) string {
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
	if remedy == "" {
		return what + "."
	}
	// What the report says about a refused read begins with the command.
	if command, ok := strings.CutSuffix(remedy, " prints the role that grants it"); ok {
		return what + ". Grant: " + Safe(command)
	}
	return what + "; " + Safe(remedy)
}
