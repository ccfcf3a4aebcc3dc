package coverage

import (
	"cmp"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/eligibility"
)

const anotherTermHolds = "no, another term holds"

// deny notes that a rule keeps the pod away, and whether it also sends a
// running one away: all do but NoSchedule taints.
func (x *explainer) deny(number int, leave bool) {
	x.no = append(x.no, number)
	if leave {
		x.leave = append(x.leave, number)
	}
}

// eligibility adds the rules that the controller asks, in its order.
func (x *explainer) eligibility() {
	e := &x.rules
	switch {
	case e.NodeName == "":
		x.rule("nodeName", "the template names no node", pass, false)
	case e.NodeNameOK:
		x.rule("nodeName", "the template names this node; no scheduler is asked", pass, false)
	default:
		x.deny(x.rule("nodeName", "the template names "+e.NodeName, fail, true), true)
	}
	if len(e.Selector) == 0 {
		x.rule("nodeSelector", "the template has none", pass, false)
	}
	for _, q := range e.Selector {
		if q.OK {
			x.rule("nodeSelector", requirementText(q), pass, false)
			continue
		}
		x.deny(x.rule("nodeSelector", requirementText(q), fail, true), true)
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

// affinity has a line for each term of the required node affinity, of which
// one must hold.
func (x *explainer) affinity() {
	e := &x.rules
	switch {
	case !e.Affinity:
		x.rule("nodeAffinity", "the template requires none", pass, false)
	case len(e.Terms) == 0:
		x.deny(x.rule("nodeAffinity", "required, without a term: no node matches", fail, true), true)
	}
	for i, t := range e.Terms {
		text := fmt.Sprintf("term %d of %d: %s", i+1, len(e.Terms), termText(t))
		switch {
		case t.OK:
			x.rule("nodeAffinity", text, pass, false)
		case e.AffinityOK:
			// A term that fails decides only where no other holds.
			x.rule("nodeAffinity", text, anotherTermHolds, false)
		default:
			x.deny(x.rule("nodeAffinity", text, fail, true), true)
		}
	}
}

func termText(t eligibility.TermResult) string {
	if t.Empty {
		return "empty: it selects no node"
	}
	var parts []string
	for _, q := range t.Requirements {
		s := requirementText(q)
		if !q.OK && q.Err == "" && len(t.Requirements) > 1 {
			s += " (fails)"
		}
		parts = append(parts, s)
	}
	text := strings.Join(parts, ", ")
	if t.Broken {
		text += "; an invalid term selects no node"
	}
	return text
}

// requirementText is a condition, and what the node has.
func requirementText(q eligibility.RequirementResult) string {
	text := q.String()
	if q.Field {
		text = "field " + text
	}
	switch {
	case q.Err != "":
		return text + "; invalid: " + q.Err
	case q.Has && q.Field:
		return text + "; the node is " + orEmpty(q.Value)
	case q.Has:
		return text + "; the node has " + orEmpty(q.Value)
	case q.Field:
		return text + "; there is no such field"
	default:
		return text + "; label absent"
	}
}

func (x *explainer) taint(t eligibility.TaintResult) {
	text := taintEvidence([]eligibility.TaintResult{t})[0].String()
	switch {
	case !t.Decides && t.Taint.Effect == corev1.TaintEffectPreferNoSchedule:
		x.rule("taint", text+"; PreferNoSchedule keeps no DaemonSet pod away", pass, false)
		return
	case !t.Decides:
		x.rule("taint", text+"; the controller does not know this effect", pass, false)
		return
	case t.GateDependent:
		x.gateTaint(t, text)
		return
	case t.Tolerated:
		x.rule("taint", text+"; "+tolerationOf(t), pass, false)
		return
	}
	template, added := x.d.Rules.Tolerations()
	x.deny(x.rule("taint", fmt.Sprintf("%s; none of %d template, %d default", text, template, added), failText(t), true),
		t.Taint.Effect == corev1.TaintEffectNoExecute)
}

func failText(t eligibility.TaintResult) string {
	if t.Class != "" {
		return fail + ", transient"
	}
	return fail
}

// gateTaint is a taint that only a toleration with Lt or Gt tolerates, which
// counts only with a feature gate of the server.
func (x *explainer) gateTaint(t eligibility.TaintResult, text string) {
	for _, on := range x.d.Rules.Explain(x.n, true, x.r.Options.Transient).Taints {
		if on.Taint == t.Taint {
			text += "; " + tolerationOf(on)
		}
	}
	text += ", only with feature gate TaintTolerationComparisonOperators"
	switch {
	case x.gateOpen():
		x.deny(x.rule("taint", text, unknown, true), t.Taint.Effect == corev1.TaintEffectNoExecute)
	case x.d.Gate:
		x.rule("taint", text+", which status says is on", pass, false)
	default:
		x.deny(x.rule("taint", text+", which is off", failText(t), true), t.Taint.Effect == corev1.TaintEffectNoExecute)
	}
}

// tolerationOf says which toleration lets the pod be: one of the template by
// its place, or one that the controller adds.
func tolerationOf(t eligibility.TaintResult) string {
	switch {
	case t.By == nil:
		return "no toleration"
	case t.ByDefault:
		return "default toleration " + strings.TrimPrefix(t.By.Key, "node.kubernetes.io/")
	}
	text := fmt.Sprintf("template toleration %d (%s)", t.ByIndex+1, cmp.Or(t.By.Operator, corev1.TolerationOpEqual))
	if s := t.By.TolerationSeconds; s != nil && t.Taint.Effect == corev1.TaintEffectNoExecute {
		// The controller does not look at the seconds, and makes another pod.
		text += fmt.Sprintf(", for %ds: then the pod is evicted, and made again", max(0, *s))
	}
	return text
}

// shouldRun is what the rules above come to.
func (x *explainer) shouldRun() {
	answer := x.rules.Answer
	now, result := "yes", "yes"
	switch {
	case x.gateOpen():
		now, result = x.gateText(), unknown
	case !answer.ShouldRun:
		now, result = fmt.Sprintf("no (%s)", numbers(x.no)), "no"
	}
	steady := "no"
	if x.v.Steady {
		steady = "yes"
	}
	x.rule("should run", fmt.Sprintf("now: %s. steady: %s. may a running pod stay: %s", now, steady, x.stayText()), result, false)
}

func (x *explainer) gateText() string {
	word := func(on bool) string {
		if x.d.Rules.Evaluate(x.n, on).ShouldRun {
			return "yes"
		}
		return "no"
	}
	return fmt.Sprintf("%s with the gate on, %s with it off (%s)", word(true), word(false), numbers(x.no))
}

func (x *explainer) stayText() string {
	switch {
	case !x.rules.Answer.ShouldContinue:
		return fmt.Sprintf("no (%s)", numbers(x.leave))
	case x.rules.Answer.ShouldRun:
		return "yes"
	}
	for _, t := range x.rules.Taints {
		if t.Taint.Effect == corev1.TaintEffectNoExecute {
			return "yes (each NoExecute taint is tolerated)"
		}
	}
	return "yes (no NoExecute taint)"
}

func numbers(ns []int) string {
	var out []string
	for _, n := range ns {
		out = append(out, fmt.Sprint(n))
	}
	return strings.Join(out, ", ")
}
