package coverage

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/eligibility"
)

// Places of a change.
const (
	inTemplate = "template"
	onNode     = "node"
)

// candidate is one change, tried on a copy before it is told.
type candidate struct {
	do       string
	template func(*corev1.PodSpec) // nil for a change of the node
	node     func(*corev1.Node)
	// broad is set where the change drops more than what does not hold: told
	// only where nothing narrower is enough.
	broad bool
	// keep is set where the change is meant only if no node loses the
	// DaemonSet by it.
	keep bool
}

// changes lists what alone would change the verdict for the better, each with
// the number of nodes that should run the DaemonSet before and after,
// recomputed. Where no single change of the template, or of the node, is
// enough, all that it needs are made one.
func (x *explainer) changes() []Change {
	switch x.v.State {
	case Unready:
		return x.roomChanges()
	case Excluded, Misplaced:
		if x.v.Reason == VirtualNode {
			return nil // whatever the rules say, no pod can run there
		}
		return x.ruleChanges()
	case Unknown:
		if x.gateOpen() {
			return x.ruleChanges()
		}
		return nil
	case Covered, Outdated, Missing:
		return nil
	default:
		return nil
	}
}

func (x *explainer) ruleChanges() []Change {
	before := x.shouldRunNodes(x.d.Rules, nil)
	template, node := x.templateCandidates(), x.nodeCandidates()
	var out, stays []Change
	narrow := false
	single := map[string]bool{} // by place: one change is enough
	for _, c := range slices.Concat(template, node) {
		if c.broad && narrow {
			continue
		}
		ch, runs, stay := x.try(c, before)
		switch {
		case runs:
			out = append(out, ch)
			single[ch.Where] = true
			narrow = narrow || c.template != nil && !c.broad
		case stay && x.v.Reason == DeletionPending:
			ch.Effect = "the pod would stay, and not come back"
			stays = append(stays, ch)
		}
	}
	for _, parts := range [][]candidate{x.templateTogether(), x.nodeTogether()} {
		if ch, runs := x.together(parts, before); runs && !single[ch.Where] {
			out = append(out, ch)
		}
	}
	slices.SortStableFunc(out, func(a, b Change) int { return strings.Compare(b.Where, a.Where) }) // the template first
	return append(out, stays...)
}

// try makes a change on a copy, and says whether the node should then run the
// DaemonSet, and whether a running pod may stay.
func (x *explainer) try(c candidate, before int) (ch Change, runs, stays bool) {
	ch = Change{Where: onNode, Do: c.do, From: before, Effect: "should run"}
	if x.v.State == Misplaced {
		ch.Effect = "the pod would come back"
	}
	rules, n := x.d.Rules, x.n
	var changed *corev1.Node
	if c.template != nil {
		spec := x.d.DaemonSet.Spec.Template.Spec.DeepCopy()
		c.template(spec)
		ch.Where, rules = inTemplate, eligibility.Compile(spec)
	} else {
		changed = x.n.DeepCopy()
		c.node(changed)
		n = changed
	}
	runs, stays = x.answer(rules, n)
	if !runs && !stays {
		return ch, false, false
	}
	if c.keep && x.loses(rules) {
		return ch, false, false
	}
	ch.To = x.shouldRunNodes(rules, changed)
	return ch, runs, stays
}

// answer is that of the controller. Where a feature gate is open, Gate is off,
// which tolerates less: what may run then may run with the gate on.
func (x *explainer) answer(rules *eligibility.Rules, n *corev1.Node) (runs, stays bool) {
	a := rules.Evaluate(n, x.d.Gate)
	return a.ShouldRun, a.ShouldContinue
}

// shouldRunNodes counts the nodes of the cluster that should run the DaemonSet
// by other rules, or with one node changed.
func (x *explainer) shouldRunNodes(rules *eligibility.Rules, changed *corev1.Node) int {
	n := 0
	for i, node := range x.r.Snapshot.Nodes {
		if changed != nil && int32(i) == x.v.Node {
			node = changed
		}
		if rules.Evaluate(node, x.d.Gate).ShouldRun {
			n++
		}
	}
	return n
}

// loses reports whether a node that should run the DaemonSet would no longer.
func (x *explainer) loses(rules *eligibility.Rules) bool {
	return slices.ContainsFunc(x.r.Snapshot.Nodes, func(n *corev1.Node) bool {
		return x.d.Rules.Evaluate(n, x.d.Gate).ShouldRun && !rules.Evaluate(n, x.d.Gate).ShouldRun
	})
}

// together makes one change of several of one place; of a single one there is
// nothing to join.
func (x *explainer) together(parts []candidate, before int) (Change, bool) {
	if len(parts) < 2 {
		return Change{}, false
	}
	var c candidate
	var do []string
	for _, p := range parts {
		do = append(do, p.do)
	}
	if parts[0].template != nil {
		c.do = strings.Join(do, ", and ")
		c.template = func(s *corev1.PodSpec) {
			for _, p := range parts {
				p.template(s)
			}
		}
	} else {
		c.do = strings.Join(do, " && ")
		c.node = func(n *corev1.Node) {
			for _, p := range parts {
				p.node(n)
			}
		}
	}
	ch, runs, _ := x.try(c, before)
	return ch, runs
}
