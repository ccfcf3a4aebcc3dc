package coverage

import (
	"encoding/binary"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/eligibility"
)

// exclusion is why the rules say no. Nodes that are alike in all that the rules
// read share one: the thousands that lack a GPU cost no more than one of them.
type exclusion struct {
	reasons []Reason // the first is the reason
	detail  *Detail
	failing []eligibility.RequirementResult
	// oneOf is how many conditions there are where just one does not hold and
	// that looks unintended; else 0.
	oneOf   int
	leaving bool // see leavingFor
	steady  bool // without its transient taints it would run
}

// readByRules lists the labels that decide about a node: those that the template
// names, and those that tell virtual nodes. byName is set where the node's name
// decides as well.
func readByRules(template *corev1.PodSpec) (keys []string, byName bool) {
	keys = slices.Collect(maps.Keys(template.NodeSelector))
	byName = template.NodeName != ""
	if a := template.Affinity; a != nil && a.NodeAffinity != nil && a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution != nil {
		for _, term := range a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms {
			byName = byName || len(term.MatchFields) > 0
			for i := range term.MatchExpressions {
				keys = append(keys, term.MatchExpressions[i].Key)
			}
		}
	}
	keys = append(keys, virtualLabels...)
	slices.Sort(keys)
	return slices.Compact(keys), byName
}

// exclusion explains why a node should not run the DaemonSet.
func (a *analysis) exclusion(n *corev1.Node) *exclusion {
	if a.alike == nil {
		a.alike = map[string]*exclusion{}
		a.reads, a.byName = readByRules(&a.d.Spec.Template.Spec)
	}
	a.likeness = a.signature(n, a.likeness[:0])
	if x, ok := a.alike[string(a.likeness)]; ok {
		return x
	}
	e := a.rules.Explain(n, a.gate, a.opts.Transient)
	x := &exclusion{
		reasons: a.exclusions(&e, n),
		detail:  &Detail{shared: true, Evidence: a.exclusionEvidence(&e)},
		failing: e.Failing(),
		leaving: leavingFor(e.Untolerated()),
		steady:  a.rules.Steady(n, a.gate, a.opts.Transient),
	}
	x.detail.Contributing = x.reasons[1:]
	if oneAway(&e, x.failing) {
		x.oneOf = 1 + len(selective(e.Passing()))
	}
	a.alike[string(a.likeness)] = x
	return x
}

// signature is equal for nodes that are alike. Lengths stand before texts, so
// that none can look like two others.
func (a *analysis) signature(n *corev1.Node, b []byte) []byte {
	text := func(s string) {
		b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
	}
	for _, k := range a.reads {
		v, ok := n.Labels[k]
		b = append(b, flag(ok))
		text(v)
	}
	for i := range n.Spec.Taints {
		t := &n.Spec.Taints[i]
		text(t.Key)
		text(t.Value)
		text(string(t.Effect))
		b = append(b, flag(t.TimeAdded != nil))
	}
	if a.byName {
		text(n.Name)
	}
	return b
}

func flag(set bool) byte {
	if set {
		return 1
	}
	return 0
}

// own gives a verdict a detail of its own, so that it can be written.
func own(v *Verdict) *Detail {
	if d := detail(v); !d.shared {
		return d
	}
	d := *v.Detail
	d.shared = false
	d.Contributing = slices.Clone(d.Contributing)
	d.Evidence.Requirements = slices.Clone(d.Evidence.Requirements)
	v.Detail = &d
	return v.Detail
}
