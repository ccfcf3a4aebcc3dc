package present

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-ds/kubectl-ds/pkg/coverage"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

func evidenceFacts(s *sheet, v *StoppedView) {
	c := v.Stop.Because
	if c.Node == "" {
		if len(v.Stop.Failed) > 0 {
			s.blank()
			failedFacts(s, v.Stop.Failed)
		}
		return
	}
	s.blank()
	s.fact("node", nodeFact(c.Node, v.Around))
	if c.Message != "" {
		s.fact("why", c.Message)
	}
	if e := v.Stop.Evidence; e != nil {
		s.fact("pod", podFact(v, e))
		containerFacts(s, v, e)
	}
	compareFacts(s, v)
	if a := v.Around; a != nil && len(a.Worse) > 0 {
		s.fact("around it", fmt.Sprintf("%s of this node %s ready before and not now: %s",
			plural(len(a.Worse), "other pod"), was(len(a.Worse)), names(a.Worse, 1, s.o)))
	}
	if look := lookAt(v); look != "" {
		s.fact("look", look)
	}
	if len(v.Stop.Failed) > 1 {
		failedFacts(s, slices.DeleteFunc(slices.Clone(v.Stop.Failed), func(f rollout.Failure) bool { return f.Node == c.Node }))
	}
}

func was(n int) string {
	if n == 1 {
		return "was"
	}
	return "were"
}

// failedFacts names three failures and counts the rest.
func failedFacts(s *sheet, failed []rollout.Failure) {
	const show = 3
	for i, f := range failed {
		if i == show && !s.o.whole() {
			s.fact("", fmt.Sprintf("and %d more", len(failed)-show))
			return
		}
		line := f.Node + ": " + f.Reason
		if f.Message != "" {
			line += ", " + f.Message
		}
		label := "failed"
		if i > 0 {
			label = ""
		}
		s.fact(label, line)
	}
}

func nodeFact(name string, a *rollout.Comparison) string {
	if a == nil {
		return name
	}
	var parts []string
	for _, p := range []string{a.Zone, a.Arch, a.Instance} {
		if p != "" && p == a.Zone {
			p = "zone " + p
		}
		if p != "" {
			parts = append(parts, p)
		}
	}
	out := name
	if len(parts) > 0 {
		out += ": " + strings.Join(parts, ", ")
	}
	switch a.Ready {
	case "True":
		return out + "; node itself Ready"
	case "False":
		return out + "; the node itself is not Ready"
	}
	return out + "; Ready of the node is Unknown: nobody reports for it"
}

func podFact(v *StoppedView, e *coverage.NodeVerdict) string {
	out := ""
	if e.Pod != "" {
		out = e.Pod + ", "
	}
	if e.PodRevision != "" {
		out += "revision " + revisionName(v, e.PodRevision) + ": "
	}
	out += e.State.String()
	if e.Reason == coverage.OutdatedReason {
		return out // its message is the two hashes
	}
	out += ", " + string(e.Reason)
	if e.Evidence.Container == nil && e.Message != "" {
		out += ": " + snapshot.MaskText(e.Message)
	}
	return out
}

func revisionName(v *StoppedView, hash string) string {
	for _, r := range []rollout.Revision{v.Status.Target, v.Status.From} {
		if r.Hash == hash {
			return revisionOf(r)
		}
	}
	return hash
}

func containerFacts(s *sheet, v *StoppedView, e *coverage.NodeVerdict) {
	c := e.Evidence.Container
	if c == nil {
		return
	}
	name := c.Name
	if c.Init {
		name += " (init)"
	}
	var parts []string
	switch {
	case c.ExitCode != nil && c.LastReason != "":
		parts = append(parts, fmt.Sprintf("exit %d (%s)", *c.ExitCode, c.LastReason))
	case c.ExitCode != nil:
		parts = append(parts, fmt.Sprintf("exit %d", *c.ExitCode))
	case c.Reason != "":
		parts = append(parts, c.Reason)
	}
	if c.Signal != 0 {
		parts = append(parts, fmt.Sprintf("signal %d", c.Signal))
	}
	if c.Probe != "" {
		parts = append(parts, c.Probe+" probe fails")
	}
	restarts := plural(int(c.Restarts), "restart")
	if e.Since != nil {
		restarts += " in " + span(v.Status.At.Sub(e.Since.Time))
	}
	s.fact("container", name+": "+strings.Join(append(parts, restarts), ", "))
	if m := capped(c.Message); m != "" && c.ExitCode == nil {
		s.fact("message", m)
	}
	s.fact("last words", capped(c.LastWords))
}

// capped is untrusted text on one line, without what looks like a secret.
func capped(s string) string {
	s = strings.TrimSpace(snapshot.MaskText(s))
	if r := []rune(s); len(r) > maxLastWords {
		return string(r[:maxLastWords]) + "..."
	}
	return s
}

// compareFacts say where the target is fine, and who is like the node that
// failed.
func compareFacts(s *sheet, v *StoppedView) {
	a := v.Around
	if a == nil {
		return
	}
	target := revisionOf(v.Status.Target)
	switch n := len(a.Fine); {
	case n == 0:
		s.fact("compare", target+" is available on no other node of the run yet")
	case n <= 2 && a.FineShare != "":
		s.fact("compare", fmt.Sprintf("%s is fine on %s, %s %s", target, strings.Join(a.Fine, " and "), bothOrAll(n), a.FineShare))
	case a.FineShare != "":
		s.fact("compare", fmt.Sprintf("%s is fine on %d nodes, all %s: %s", target, n, a.FineShare, few(a.Fine, s.o)))
	default:
		s.fact("compare", fmt.Sprintf("%s is fine on %s: %s", target, plural(n, "node"), few(a.Fine, s.o)))
	}
	if l := a.Alike; l != nil && l.Waiting > 0 {
		s.fact("", fmt.Sprintf("%d more %s %s in later waves", l.Waiting, l.What, waitVerb(l.Waiting)))
	}
}

func bothOrAll(n int) string {
	if n == 2 {
		return "both"
	}
	return "which is"
}

func waitVerb(n int) string {
	if n == 1 {
		return "node waits"
	}
	return "nodes wait"
}

// lookAt is a command that only reads.
func lookAt(v *StoppedView) string {
	e := v.Stop.Evidence
	ns := v.Status.Namespace
	switch {
	case e == nil || e.Pod == "":
		return rollout.Command(v.CommandFlags, "kubectl", "ds-coverage", "explain", "-n", ns, v.Status.Name, v.Stop.Because.Node)
	case e.Evidence.Container == nil || e.Evidence.Container.Restarts == 0 && e.Evidence.Container.ExitCode == nil:
		return rollout.Command(v.CommandFlags, "kubectl", "describe", "pod", "-n", ns, e.Pod)
	}
	return rollout.Command(v.CommandFlags, "kubectl", "logs", "-n", ns, e.Pod, "-c", e.Evidence.Container.Name, "--previous")
}
