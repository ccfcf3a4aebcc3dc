package eligibility

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
)

// requirement is one condition on a node's labels or fields.
type requirement struct {
	Key      string
	Operator corev1.NodeSelectorOperator
	Values   []string
	field    bool // looked up among the fields, not the labels
	// parsed is nil for fields, for nodeSelector and for what does not parse.
	parsed *labels.Requirement
	err    error
}

// term is one nodeSelectorTerm: all its requirements hold, or it does not.
type term struct {
	requirements []requirement
	broken       bool // a requirement does not parse: the term never matches
}

// equality is a condition of a nodeSelector. The values are not validated:
// labels.SelectorFromSet is what the controller uses.
func equality(key, value string) requirement {
	return requirement{Key: key, Operator: corev1.NodeSelectorOpIn, Values: []string{value}}
}

// compileTerm mirrors newNodeSelectorTerm of component-helpers v0.37.2,
// scheduling/corev1/nodeaffinity. A term with any error never matches.
func compileTerm(t *corev1.NodeSelectorTerm) term {
	var out term
	for i := range t.MatchExpressions {
		out.requirements = append(out.requirements, compileExpression(&t.MatchExpressions[i]))
	}
	for i := range t.MatchFields {
		out.requirements = append(out.requirements, compileField(&t.MatchFields[i]))
	}
	out.broken = slices.ContainsFunc(out.requirements, func(r requirement) bool { return r.err != nil })
	return out
}

var operators = map[corev1.NodeSelectorOperator]selection.Operator{
	corev1.NodeSelectorOpIn:           selection.In,
	corev1.NodeSelectorOpNotIn:        selection.NotIn,
	corev1.NodeSelectorOpExists:       selection.Exists,
	corev1.NodeSelectorOpDoesNotExist: selection.DoesNotExist,
	corev1.NodeSelectorOpGt:           selection.GreaterThan,
	corev1.NodeSelectorOpLt:           selection.LessThan,
}

func compileExpression(e *corev1.NodeSelectorRequirement) requirement {
	r := requirement{Key: e.Key, Operator: e.Operator, Values: slices.Clone(e.Values)}
	op, ok := operators[e.Operator]
	if !ok {
		r.err = fmt.Errorf("operator %q is not one of In, NotIn, Exists, DoesNotExist, Gt, Lt", e.Operator)
		return r
	}
	r.parsed, r.err = labels.NewRequirement(e.Key, op, r.Values) // it keeps the values it is given
	return r
}

func compileField(e *corev1.NodeSelectorRequirement) requirement {
	r := requirement{Key: e.Key, Operator: e.Operator, Values: slices.Clone(e.Values), field: true}
	switch {
	case e.Operator != corev1.NodeSelectorOpIn && e.Operator != corev1.NodeSelectorOpNotIn:
		r.err = fmt.Errorf("operator %q of matchFields is not In or NotIn", e.Operator)
	case len(e.Values) != 1:
		r.err = fmt.Errorf("matchFields takes exactly one value, not %d", len(e.Values))
	}
	return r
}

// matches asks one node. Fields: any key is looked up in {metadata.name}, so
// an unknown key is absent: In with a value is false, NotIn is true. A node
// without a name has no fields at all, and then none is asked.
func (r *requirement) matches(node *corev1.Node) bool {
	switch {
	case r.err != nil:
		return false
	case r.field && node.Name == "":
		return true
	case r.field:
		value := ""
		if r.Key == fieldName {
			value = node.Name
		}
		return (value == r.Values[0]) == (r.Operator == corev1.NodeSelectorOpIn)
	case r.parsed != nil:
		return r.parsed.Matches(labels.Set(node.Labels))
	default:
		v, ok := node.Labels[r.Key]
		return ok && v == r.Values[0]
	}
}

func (t *term) matches(node *corev1.Node) bool {
	// An empty term selects no node.
	if len(t.requirements) == 0 || t.broken {
		return false
	}
	for i := range t.requirements {
		if !t.requirements[i].matches(node) {
			return false
		}
	}
	return true
}

// positive reports whether the requirement asks for something to be there,
// rather than for its absence.
func (r *requirement) positive() bool {
	switch r.Operator {
	case corev1.NodeSelectorOpNotIn, corev1.NodeSelectorOpDoesNotExist:
		return false
	default:
		return true
	}
}

// String prints the requirement as kubectl writes selectors.
func (r *requirement) String() string {
	return FormatRequirement(r.Key, r.Operator, r.Values)
}

// FormatRequirement prints a requirement: key=value for one value of In, else
// key OPERATOR [values].
func FormatRequirement(key string, op corev1.NodeSelectorOperator, values []string) string {
	switch {
	case op == corev1.NodeSelectorOpIn && len(values) == 1:
		return key + "=" + values[0]
	case op == corev1.NodeSelectorOpExists || op == corev1.NodeSelectorOpDoesNotExist:
		if len(values) == 0 {
			return key + " " + string(op)
		}
	case (op == corev1.NodeSelectorOpGt || op == corev1.NodeSelectorOpLt) && len(values) == 1:
		return key + " " + string(op) + " " + values[0]
	}
	return key + " " + string(op) + " [" + strings.Join(values, ", ") + "]"
}
