package coverage

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// Names that no API server takes, and that a capture may hold all the same.
var hostileNames = []string{"$(reboot)", "a;rm -rf ~", "`id`", "x'y", "--all", "b&c|d>e", "two words", "line\nbreak"}

// renamed is a snapshot whose nodes, pods, DaemonSets and containers have such
// names, consistently.
func renamed(s *snapshot.Snapshot) *snapshot.Snapshot {
	names := map[string]string{}
	name := func(old string) string {
		if old == "" {
			return ""
		}
		if _, ok := names[old]; !ok {
			n := len(names)
			names[old] = fmt.Sprintf("%s%d", hostileNames[n%len(hostileNames)], n)
		}
		return names[old]
	}
	out := *s
	out.Nodes, out.DaemonSets, out.Pods, out.Events, out.Namespaces = nil, nil, nil, slices.Clone(s.Events), slices.Clone(s.Namespaces)
	for _, n := range s.Nodes {
		n = n.DeepCopy()
		n.Name = name(n.Name)
		out.Nodes = append(out.Nodes, n)
	}
	for _, d := range s.DaemonSets {
		d = d.DeepCopy()
		d.Name, d.Namespace = name(d.Name), name(d.Namespace)
		d.Spec.Template.Spec.ServiceAccountName = "s;id"
		out.DaemonSets = append(out.DaemonSets, d)
	}
	for _, p := range s.Pods {
		p.Name, p.Namespace, p.Node, p.Target, p.Nominated = name(p.Name), name(p.Namespace), name(p.Node), name(p.Target), name(p.Nominated)
		if p.Full != nil {
			p.Full = p.Full.DeepCopy()
			for _, list := range [][]corev1.ContainerStatus{p.Full.Status.ContainerStatuses, p.Full.Status.InitContainerStatuses} {
				for i := range list {
					list[i].Name = name(list[i].Name)
				}
			}
			for _, list := range [][]corev1.Container{p.Full.Spec.Containers, p.Full.Spec.InitContainers} {
				for i := range list {
					list[i].Name = name(list[i].Name)
				}
			}
		}
		out.Pods = append(out.Pods, p)
	}
	for i := range out.Events {
		e := &out.Events[i]
		e.Name, e.Namespace = name(e.Name), name(e.Namespace)
	}
	for i := range out.Namespaces {
		out.Namespaces[i].Name = name(out.Namespaces[i].Name)
	}
	for i := range out.Revisions {
		out.Revisions[i] = out.Revisions[i].DeepCopy()
		out.Revisions[i].Namespace = name(out.Revisions[i].Namespace)
	}
	out.Sort()
	return &out
}

var (
	commandStart = regexp.MustCompile(`(^|[:,;] |or: )(kubectl|oc) [a-z]`)
	quoted       = regexp.MustCompile(`(?s)'[^']*'`)
)

// outsideQuotes is what a shell would interpret of a command line.
func outsideQuotes(line string) string {
	line = strings.ReplaceAll(line, `'\''`, "")
	return quoted.ReplaceAllString(line, "''")
}

// Every remedy, fix and look of every case, with names that want to break out.
func TestNoPrintedCommandLetsANameBreakOut(t *testing.T) {
	const flags = "--context 'it''s prod'"
	commands, reasons := 0, map[Reason]bool{}
	for _, c := range loadCases(t) {
		opts := c.result.Options
		opts.CommandFlags = flags
		r := Analyze(renamed(c.snap), opts)
		var texts []string
		for _, item := range r.Report().Items {
			for _, v := range item.Nodes {
				reasons[v.Reason] = true
				texts = append(texts, v.Remedy)
			}
		}
		for _, cause := range r.Causes() {
			texts = append(append(texts, cause.Fixes...), cause.Looks...)
		}
		for _, text := range texts {
			for _, at := range commandStart.FindAllStringIndex(text, -1) {
				line := text[at[0]:]
				commands++
				bare := outsideQuotes(line)
				// Prose may follow a command; nothing in it is special to a shell.
				if strings.ContainsAny(strings.TrimLeft(bare, ":,; "), "$`;&|<>\n\"\\") && !strings.Contains(line, "POD -c CONTAINER") {
					t.Errorf("%s: a name gets out of its quotes: %s", c.name, line)
				}
				if !strings.Contains(line, flags) && !strings.Contains(line, "POD -c CONTAINER") && !strings.HasPrefix(strings.TrimLeft(line, ":,; or"), "kubectl ds-coverage rbac") && !strings.Contains(line, "kubectl ds-rollout;") {
					t.Errorf("%s: it would act on another cluster: %s", c.name, line)
				}
				if strings.Contains(bare, " --all") {
					t.Errorf("%s: a name is taken for a flag: %s", c.name, line)
				}
			}
		}
	}
	if commands < 100 {
		t.Errorf("only %d commands were seen of %v: the cases or the pattern are broken", commands, slices.Sorted(maps.Keys(reasons)))
	}
}
