package eligibility

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// Explanation is every rule that was asked for one (DaemonSet, node) pair,
// with operands and result, in the order in which the controller asks.
type Explanation struct {
	NodeName string // what the template names; empty for none
	// NodeNameOK is false where the template names another node.
	NodeNameOK bool
	Selector   []RequirementResult // nodeSelector; all must hold
	Affinity   bool                // a required node affinity is present
	Terms      []TermResult        // one must hold
	AffinityOK bool                // true where none is required
	Taints     []TaintResult
	Answer     Answer
}

// RequirementResult is one condition on the node, and what the node has.
type RequirementResult struct {
	Key      string
	Operator corev1.NodeSelectorOperator
	Values   []string
	Field    bool   // of matchFields
	Has      bool   // the node has the label or field
	Value    string // what it has
	Err      string // why the requirement cannot match any node
	OK       bool
	Positive bool // asks for presence, not for absence
}

// String prints the condition.
func (r RequirementResult) String() string { return FormatRequirement(r.Key, r.Operator, r.Values) }

// TermResult is one nodeSelectorTerm.
type TermResult struct {
	Requirements []RequirementResult
	Empty        bool // an empty term selects no node
	Broken       bool // a requirement does not parse
	OK           bool
}

// Failing returns the requirements of the term that do not hold.
func (t TermResult) Failing() []RequirementResult { return failing(t.Requirements) }

// TaintResult is one taint of the node.
type TaintResult struct {
	Taint corev1.Taint
	// Decides is false for an effect that the controller does not look at.
	Decides   bool
	Tolerated bool
	By        *corev1.Toleration // the first that tolerates it
	ByIndex   int                // its place, from 0, within the template's or the controller's
	ByDefault bool               // it is one that the controller adds
	Class     Class
	// GateDependent is set where only the server's feature gate for
	// comparison operators tells whether the taint is tolerated.
	GateDependent bool
}

// Explain asks every rule, also after one has said no.
func (r *Rules) Explain(node *corev1.Node, comparison bool, transient Transient) Explanation {
	e := Explanation{
		NodeName:   r.nodeName,
		NodeNameOK: r.nodeName == "" || r.nodeName == node.Name,
		Affinity:   r.required,
		AffinityOK: !r.required,
		Answer:     r.Evaluate(node, comparison),
	}
	e.Selector = results(r.selector, node)
	for i := range r.terms {
		t := &r.terms[i]
		res := TermResult{
			Requirements: results(t.requirements, node),
			Empty:        len(t.requirements) == 0,
			Broken:       t.broken,
			OK:           t.matches(node),
		}
		e.AffinityOK = e.AffinityOK || res.OK
		e.Terms = append(e.Terms, res)
	}
	for i := range node.Spec.Taints {
		e.Taints = append(e.Taints, r.explainTaint(&node.Spec.Taints[i], comparison, transient))
	}
	return e
}

func (r *Rules) explainTaint(t *corev1.Taint, comparison bool, transient Transient) TaintResult {
	res := TaintResult{
		Taint:   *t,
		Decides: t.Effect == corev1.TaintEffectNoSchedule || t.Effect == corev1.TaintEffectNoExecute,
		Class:   transient.Class(t),
	}
	if i := r.toleratedBy(t, comparison); i >= 0 {
		res.Tolerated = true
		tol := r.tolerations[i]
		res.By, res.ByIndex = &tol, i
		if i >= r.fromTemplate {
			res.ByDefault, res.ByIndex = true, i-r.fromTemplate
		}
	}
	res.GateDependent = r.comparison && (r.toleratedBy(t, true) >= 0) != (r.toleratedBy(t, false) >= 0)
	return res
}

// Tolerations returns how many tolerations the template brings and how many
// the controller adds.
func (r *Rules) Tolerations() (template, added int) {
	return r.fromTemplate, len(r.tolerations) - r.fromTemplate
}

// Untolerated returns the taints that keep the pod away, all of them.
func (e *Explanation) Untolerated() []TaintResult {
	var out []TaintResult
	for _, t := range e.Taints {
		if t.Decides && !t.Tolerated {
			out = append(out, t)
		}
	}
	return out
}

// SelectorOK reports whether the whole nodeSelector holds.
func (e *Explanation) SelectorOK() bool { return len(failing(e.Selector)) == 0 }

// FailingSelector returns the conditions of nodeSelector that do not hold.
func (e *Explanation) FailingSelector() []RequirementResult { return failing(e.Selector) }

// NearestTerm returns the index of the affinity term with the fewest failing
// requirements, -1 where there is no term that could match any node.
func (e *Explanation) NearestTerm() int {
	best, fewest := -1, 0
	for i, t := range e.Terms {
		if t.Empty || t.Broken {
			continue
		}
		if n := len(t.Failing()); best < 0 || n < fewest {
			best, fewest = i, n
		}
	}
	return best
}

// Failing returns the fewest conditions on labels and fields that would have
// to hold as well: those of nodeSelector, and of the nearest affinity term.
func (e *Explanation) Failing() []RequirementResult {
	out := e.FailingSelector()
	if !e.AffinityOK {
		if i := e.NearestTerm(); i >= 0 {
			out = append(out, e.Terms[i].Failing()...)
		}
	}
	return out
}

// Passing returns the positive conditions that hold: of nodeSelector, and of
// the nearest or matching affinity term.
func (e *Explanation) Passing() []RequirementResult {
	var out []RequirementResult
	keep := func(rs []RequirementResult) {
		for _, r := range rs {
			if r.OK && r.Positive {
				out = append(out, r)
			}
		}
	}
	keep(e.Selector)
	if i := e.NearestTerm(); i >= 0 {
		keep(e.Terms[i].Requirements)
	}
	return out
}

func failing(rs []RequirementResult) []RequirementResult {
	var out []RequirementResult
	for _, r := range rs {
		if !r.OK {
			out = append(out, r)
		}
	}
	return out
}

func results(rs []requirement, node *corev1.Node) []RequirementResult {
	var out []RequirementResult
	for i := range rs {
		r := &rs[i]
		res := RequirementResult{
			Key: r.Key, Operator: r.Operator, Values: slices.Clone(r.Values), Field: r.field,
			OK: r.matches(node), Positive: r.positive(),
		}
		if r.field {
			res.Has, res.Value = r.Key == fieldName, ""
			if res.Has {
				res.Value = node.Name
			}
		} else {
			res.Value, res.Has = node.Labels[r.Key]
		}
		if r.err != nil {
			res.Err = r.err.Error()
		}
		out = append(out, res)
	}
	return out
}
