// Command verbs prints docs/rollout-verbs.md from the table of what each verb
// does in each phase.
package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

//go:generate go run . ../../../docs/rollout-verbs.md

func main() {
	if err := os.WriteFile(os.Args[1], page(), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

const intro = `# What each verb does in each phase

Made from the table in ` + "`pkg/rollout/verbs.go`" + ` by ` + "`make generate`" + `. The table is the one that ds-rollout itself asks: a verb that is refused here ends with exit code 2 and changes nothing.

A verb writes what is asked into the Lease of the run; the driver takes it before it decides anything else. Where nobody drives, it is taken by the next ` + "`resume`, `undo` or `abort`" + `. The command ` + "`resume`" + ` also goes on with a run whose driver has died, in whatever phase: for that no verb is written.

Two verbs ask for more than a phase: ` + "`approve`" + ` is taken only while the run waits for an approval, and only of the very wave or node that it waits for, so that nobody lets pass what nobody has seen; ` + "`retry`" + ` only of a node that has failed.

`

const columns = `The columns: **then** is the phase that the run stores; **strategy**, **template**, **cordons** and **Lease** are what they are once the verb has taken effect; **exit** is the exit code of the command that drives, once the verb has taken effect.
`

// page is the document: first which verb may be asked when, then what it does.
func page() []byte {
	var b bytes.Buffer
	b.WriteString(intro)
	b.WriteString(overview())
	b.WriteString("\n## Phases\n\n| phase | what it is |\n| --- | --- |\n")
	for _, p := range rollout.Phases() {
		fmt.Fprintf(&b, "| %s | %s |\n", p, meanings[p])
	}
	b.WriteString("\n## Effects\n\n" + columns)
	for _, p := range rollout.Phases() {
		b.WriteString(effects(p))
	}
	return b.Bytes()
}

// meanings say what a phase is. A test demands one of each.
var meanings = map[rollout.Phase]string{
	rollout.Arming:    "the strategy is taken over, and the template brought where the run brings one; no pod is touched",
	rollout.Running:   "nodes are brought to the target",
	rollout.Paused:    "rests because that was asked for: an approval, the end of a window, a person",
	rollout.Stopped:   "rests because something is wrong: a failure, a gate, a full ceiling, somebody who interferes",
	rollout.Undoing:   "the older template is back, and the nodes that were touched are brought to it",
	rollout.Aborting:  "nodes in flight land on whatever they come up with, then all is cleaned up; the template stays",
	rollout.Finishing: "every node is settled: cordons, strategy, copies of the annotation and the Lease are cleaned up",
	rollout.Ended:     "all is cleaned up but the Lease, which is deleted next",
}

func overview() string {
	var b strings.Builder
	b.WriteString("| phase |")
	for _, v := range rollout.Verbs() {
		fmt.Fprintf(&b, " %s |", v)
	}
	b.WriteString("\n| --- |" + strings.Repeat(" --- |", len(rollout.Verbs())) + "\n")
	for _, p := range rollout.Phases() {
		fmt.Fprintf(&b, "| %s |", p)
		for _, v := range rollout.Verbs() {
			word := "-"
			if rollout.Allowed(p, v) {
				word = "yes"
			}
			fmt.Fprintf(&b, " %s |", word)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// effects are those of one phase: what is allowed in rows, and why the others
// are not in one line a reason.
func effects(p rollout.Phase) string {
	var rows, refused strings.Builder
	verbs := map[string][]string{} // refused, by the reason
	var reasons []string
	for _, e := range rollout.Table() {
		switch {
		case e.Phase != p:
		case !e.Allowed:
			if verbs[e.Because] == nil {
				reasons = append(reasons, e.Because)
			}
			verbs[e.Because] = append(verbs[e.Because], "`"+string(e.Verb)+"`")
		default:
			fmt.Fprintf(&rows, "| %s | %s | %s | %s | %s | %s | %s |\n",
				e.Verb, then(e), e.Strategy, e.Template, e.Cordons, e.Lease, exit(e.Exit))
		}
	}
	for _, why := range reasons {
		fmt.Fprintf(&refused, "- refused, since %s: %s\n", why, strings.Join(verbs[why], ", "))
	}
	out := fmt.Sprintf("\n### %s\n\n", p)
	if rows.Len() > 0 {
		out += "| verb | then | strategy | template | cordons | Lease | exit |\n| --- | --- | --- | --- | --- | --- | --- |\n" + rows.String()
	}
	if rows.Len() > 0 && refused.Len() > 0 {
		out += "\n"
	}
	return out + refused.String()
}

func then(e rollout.Effect) string {
	if e.Then == "" {
		return "the same"
	}
	return string(e.Then)
}

func exit(code int) string {
	if code == rollout.ExitGoesOn {
		return "goes on"
	}
	return fmt.Sprint(code)
}
