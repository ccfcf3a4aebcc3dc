package coverage

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/eligibility"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// Results of a rule, as words.
const (
	pass = "pass"
	fail = "FAIL"
	none = "-"
)

// Find returns the indexes of the DaemonSets of a name; an empty namespace
// means any.
func (r *Result) Find(namespace, name string) []int {
	var out []int
	for i := range r.DaemonSets {
		d := r.DaemonSets[i].DaemonSet
		if d.Name == name && (namespace == "" || d.Namespace == namespace) {
			out = append(out, i)
		}
	}
	return out
}

// ExplainPair names every rule for one DaemonSet, by its index, and one node,
// in the order in which the controller and then the scheduler ask, and what
// would change the verdict. An UnknownNodesError says that there is no such
// node.
func (r *Result) ExplainPair(daemonSet int, node string) (*Explanation, error) {
	d := &r.DaemonSets[daemonSet]
	var v *Verdict
	for i := range d.Verdicts {
		if r.node(&d.Verdicts[i]).Name == node {
			v = &d.Verdicts[i]
		}
	}
	if v == nil {
		return nil, r.unknownNodes(node)
	}
	x := &explainer{
		r: r, d: d, v: v, n: r.node(v),
		rules: d.Rules.Explain(r.node(v), d.Gate, r.Options.Transient),
		ix:    newIndex(r.Snapshot),
	}
	out := &Explanation{
		TypeMeta:   metav1.TypeMeta{APIVersion: snapshot.APIVersion, Kind: KindExplanation},
		ObjectMeta: objectMeta(d.DaemonSet),
		Source:     r.source(),
		Node:       node,
		Verdict:    r.verdict(d, v),
	}
	if !r.NodesUnread {
		x.eligibility()
		out.Headline = x.headline()
		out.Changes = x.changes()
	}
	x.podLines()
	if v.State.ShouldRun() || v.State == Misplaced {
		x.roomLines()
	} else if v.State == Excluded {
		x.wouldFit()
	}
	x.containerLine()
	out.Rules = x.lines
	return out, nil
}

// explainer gathers the lines of one explanation.
type explainer struct {
	r     *Result
	d     *DaemonSetResult
	v     *Verdict
	n     *corev1.Node
	ix    *index
	rules eligibility.Explanation
	lines []RuleLine
	// saying no: numbers of the rules that keep the pod away.
	no []int
}

func (x *explainer) rule(rule, operands, result string, failed bool) {
	number := 1
	for _, l := range x.lines {
		number = max(number, l.Number+1)
	}
	x.lines = append(x.lines, RuleLine{Number: number, Rule: rule, Operands: operands, Result: result, Failed: failed})
}

// more continues the rule above.
func (x *explainer) more(rule, operands, result string, failed bool) {
	x.lines = append(x.lines, RuleLine{Rule: rule, Operands: operands, Result: result, Failed: failed})
}

func (x *explainer) deny() { x.no = append(x.no, x.lines[len(x.lines)-1].Number) }

func (x *explainer) eligibility() {
	e := &x.rules
	switch {
	case e.NodeName == "":
		x.rule("nodeName", "the template names no node", pass, false)
	case e.NodeNameOK:
		x.rule("nodeName", "the template names this node", pass, false)
	default:
		x.rule("nodeName", "the template names "+e.NodeName, fail, true)
		x.deny()
	}
	if len(e.Selector) == 0 {
		x.rule("nodeSelector", "the template has none", pass, false)
	}
	for _, q := range e.Selector {
		x.requirementRule("nodeSelector", "", []eligibility.RequirementResult{q}, q.OK)
	}
	x.affinity()
	for _, t := range e.Taints {
		x.taint(t)
	}
	if len(e.Taints) == 0 {
		x.rule("taint", "the node has none", pass, false)
	}
	x.shouldRun()
}

func (x *explainer) affinity() {
	e := &x.rules
	switch {
	case !e.Affinity:
		x.rule("nodeAffinity", "the template requires none", pass, false)
	case len(e.Terms) == 0:
		x.rule("nodeAffinity", "required, without a term: no node matches", fail, true)
		x.deny()
	}
	for i, t := range e.Terms {
		prefix := fmt.Sprintf("term %d of %d: ", i+1, len(e.Terms))
		switch {
		case t.Empty:
			x.rule("nodeAffinity", prefix+"empty: selects no node", none, false)
		default:
			// A term that fails decides only where no other term holds.
			x.requirementRule("nodeAffinity", prefix, t.Requirements, t.OK)
			if !t.OK && e.AffinityOK {
				last := &x.lines[len(x.lines)-1]
				last.Result, last.Failed = "no, another term holds", false
				x.no = x.no[:len(x.no)-1]
			}
		}
	}
}

func (x *explainer) requirementRule(rule, prefix string, rs []eligibility.RequirementResult, ok bool) {
	var parts []string
	for _, q := range rs {
		s := q.String()
		switch {
		case q.Err != "":
			s += "; cannot match: " + q.Err
		case q.Has:
			s += "; the node has " + orEmpty(q.Value)
		default:
			s += "; label absent"
		}
		if !q.OK && len(rs) > 1 {
			s += " (fails)"
		}
		parts = append(parts, s)
	}
	text := prefix + strings.Join(parts, ", ")
	if ok {
		x.rule(rule, text, pass, false)
		return
	}
	x.rule(rule, text, fail, true)
	x.deny()
}

func (x *explainer) taint(t eligibility.TaintResult) {
	text := taintEvidence([]eligibility.TaintResult{t})[0].String()
	template, added := x.d.Rules.Tolerations()
	switch {
	case !t.Decides:
		x.rule("taint", text+"; this effect does not keep DaemonSet pods away", pass, false)
	case t.Tolerated && t.ByDefault:
		x.rule("taint", fmt.Sprintf("%s; tolerated by default (%s)", text, tolerationText(*t.By)), pass, false)
	case t.Tolerated:
		x.rule("taint", fmt.Sprintf("%s; template toleration %d (%s)", text, t.ByIndex+1, operatorText(t.By)), pass, false)
	default:
		result := fail
		if t.Class != "" {
			result = fail + ", transient"
		}
		x.rule("taint", fmt.Sprintf("%s; none of %d template, %d default", text, template, added), result, true)
		x.deny()
	}
	if t.GateDependent {
		x.more("", "depends on the server's feature gate TaintTolerationComparisonOperators", none, false)
	}
}

func operatorText(t *corev1.Toleration) string {
	if t.Operator == "" {
		return string(corev1.TolerationOpEqual)
	}
	return string(t.Operator)
}

func (x *explainer) shouldRun() {
	now := "yes"
	if !x.rules.Answer.ShouldRun {
		now = fmt.Sprintf("no (%s)", numbers(x.no))
	}
	steady := "no"
	if x.v.Steady {
		steady = "yes"
	}
	stay := "no"
	if x.rules.Answer.ShouldContinue {
		stay = "yes"
		if !x.rules.Answer.ShouldRun {
			stay = "yes (no NoExecute taint)"
		}
	}
	result := "yes"
	if !x.rules.Answer.ShouldRun {
		result = "no"
	}
	x.rule("should run", fmt.Sprintf("now: %s. steady: %s. may a running pod stay: %s", now, steady, stay), result, false)
}

func numbers(ns []int) string {
	var out []string
	for _, n := range ns {
		out = append(out, fmt.Sprint(n))
	}
	return strings.Join(out, ", ")
}

// headline says how far the node is from running the DaemonSet.
func (x *explainer) headline() string {
	if x.rules.Answer.ShouldRun {
		return ""
	}
	var parts []string
	if !x.rules.NodeNameOK {
		parts = append(parts, "nodeName")
	}
	if n := len(x.rules.Failing()); n > 0 {
		parts = append(parts, amount(n, "requirement"))
	}
	if n := len(x.rules.Untolerated()); n > 0 {
		parts = append(parts, amount(n, "taint"))
	}
	if len(parts) == 0 || !x.rules.AffinityOK && x.rules.NearestTerm() < 0 {
		return "No label of the node can change that"
	}
	text := strings.Join(parts, " and ")
	return strings.ToUpper(text[:1]) + text[1:] + " away from should-run."
}

func amount(n int, noun string) string {
	words := []string{"", "one", "two", "three", "four"}
	if n < len(words) {
		if n == 1 {
			return "one " + noun
		}
		return words[n] + " " + noun + "s"
	}
	return count(n, noun)
}

// UnknownNodesError names nodes that the cluster does not have.
type UnknownNodesError struct {
	Names []string
	Near  []string // names that were perhaps meant
	// Existing are all names of the cluster's nodes.
	Existing []string
}

func (e *UnknownNodesError) Error() string {
	text := "no such node: " + strings.Join(e.Names, ", ")
	if len(e.Near) > 0 {
		text += "; did you mean " + strings.Join(e.Near, ", ") + "?"
	}
	return text
}

func (r *Result) unknownNodes(names ...string) error {
	e := &UnknownNodesError{Names: names}
	for _, n := range r.Snapshot.Nodes {
		e.Existing = append(e.Existing, n.Name)
		if slices.ContainsFunc(names, func(name string) bool { return misspelt(name, n.Name) }) && len(e.Near) < 3 {
			e.Near = append(e.Near, n.Name)
		}
	}
	return e
}
