package coverage

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/eligibility"
)

// endingToleration is a taint, and for how many seconds pods tolerate it.
type endingToleration struct {
	taint   TaintEvidence
	seconds int64
}

// endingTolerations finds nodes whose pod is evicted over and over. The DaemonSet
// controller asks whether a taint is tolerated, and not for how long; the taint
// eviction controller asks just that, and begins anew with each pod
// (processPodOnNode of pkg/controller/tainteviction, v1.37.2). A transient taint
// is left out: to go from such a node after a while is what was meant.
func (a *analysis) endingTolerations() {
	ends := func(t corev1.Toleration) bool { return t.TolerationSeconds != nil }
	if !slices.ContainsFunc(a.d.Spec.Template.Spec.Tolerations, ends) {
		return
	}
	found := map[endingToleration][]string{}
	for _, n := range a.ix.s.Nodes {
		if t, ok := a.endsOn(n); ok {
			found[t] = append(found[t], n.Name)
		}
	}
	byTaint := func(x, y endingToleration) int {
		return cmp.Or(cmp.Compare(x.taint.String(), y.taint.String()), cmp.Compare(x.seconds, y.seconds))
	}
	for _, t := range slices.SortedFunc(maps.Keys(found), byTaint) {
		text := fmt.Sprintf("taint %s is tolerated for %ds: then the pod is evicted, and the controller makes it again, without end", t.taint, t.seconds)
		a.find(TolerationEnds, text, Evidence{Taints: []TaintEvidence{t.taint}}, found[t]...)
	}
}

// endsOn is the taint of a node by which its pod is evicted first.
func (a *analysis) endsOn(n *corev1.Node) (endingToleration, bool) {
	var first endingToleration
	ends := false
	evicts := func(t corev1.Taint) bool { return t.Effect == corev1.TaintEffectNoExecute }
	if !slices.ContainsFunc(n.Spec.Taints, evicts) {
		return first, false
	}
	e := a.rules.Explain(n, a.gate, a.opts.Transient)
	if !e.Answer.ShouldRun {
		return first, false
	}
	for _, t := range e.Taints {
		if t.Class != "" || !evicts(t.Taint) || t.By == nil || t.By.TolerationSeconds == nil {
			continue
		}
		if s := max(0, *t.By.TolerationSeconds); !ends || s < first.seconds {
			first, ends = endingToleration{taint: taintEvidence([]eligibility.TaintResult{t})[0], seconds: s}, true
		}
	}
	return first, ends
}
