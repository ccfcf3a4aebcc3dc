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
	pass    = "pass"
	fail    = "FAIL"
	none    = "-"
	unknown = "unknown"
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
	if daemonSet < 0 || daemonSet >= len(r.DaemonSets) {
		return nil, fmt.Errorf("no DaemonSet %d among %d", daemonSet, len(r.DaemonSets))
	}
	d := &r.DaemonSets[daemonSet]
	v, err := r.verdictOn(d, node)
	if err != nil {
		return nil, err
	}
	x := r.newExplainer(d, v)
	out := &Explanation{
		TypeMeta:   metav1.TypeMeta{APIVersion: snapshot.APIVersion, Kind: KindExplanation},
		ObjectMeta: copyMeta(objectMeta(d.DaemonSet)),
		Source:     r.source(),
		Node:       node,
		Verdict:    r.verdict(d, v),
		Headline:   x.headline(),
	}
	if r.NodesUnread {
		f, _ := r.Snapshot.Missing(snapshot.ResourceNodes, "")
		x.rule("node", "not read: "+describeRead(f), unknown, true)
	} else {
		x.eligibility()
		out.Changes = x.changes()
	}
	x.podLines()
	if !r.NodesUnread {
		x.roomLines()
	}
	x.whyNotReady()
	out.Rules = x.lines
	if len(out.Changes) == 0 && v.Detail != nil && (v.State.Gap() || v.State == Outdated || v.State == Unknown) {
		// No rule and no room is in the way: what there is to do is what the
		// report says of the verdict.
		out.Fixes, out.Looks = r.fixes(d, v), r.looks(d, v)
		out.Looks = slices.DeleteFunc(out.Looks, func(l string) bool { return strings.HasPrefix(l, explainCommand) }) // it is on the screen
	}
	return out, nil
}

// verdictOn finds the verdict on a node by its name.
func (r *Result) verdictOn(d *DaemonSetResult, node string) (*Verdict, error) {
	for i := range d.Verdicts {
		if v := &d.Verdicts[i]; r.node(v).Name == node {
			return v, nil
		}
	}
	return nil, r.noVerdict(node)
}

// explainer gathers the lines of one explanation.
type explainer struct {
	r     *Result
	d     *DaemonSetResult
	v     *Verdict
	n     *corev1.Node
	ix    *index
	rules eligibility.Explanation
	// target is what tells pods of the current revision from others.
	target target
	// pods are those that the controller maps to the node, in its order.
	pods  []int32
	lines []RuleLine
	// no and leave are the numbers of the rules that keep a pod away, and of
	// those that do not let a running one stay.
	no, leave []int
}

func (r *Result) newExplainer(d *DaemonSetResult, v *Verdict) *explainer {
	s := r.Snapshot
	x := &explainer{
		r: r, d: d, v: v, n: r.node(v), ix: newIndex(s),
		rules: d.Rules.Explain(r.node(v), d.Gate, r.Options.Transient),
	}
	uid := d.DaemonSet.UID
	x.target = currentTarget(d.DaemonSet, revisionsByOwner(s)[uid], s.Pods, x.ix.byOwner[uid])
	x.pods = x.ix.newClaim(d.DaemonSet, make([]int32, len(s.Nodes))).pods(v.Node)
	return x
}

// evidence of the verdict; empty where state and reason say all.
func (x *explainer) evidence() *Evidence {
	if x.v.Detail == nil {
		return &Evidence{}
	}
	return &x.v.Detail.Evidence
}

// gateOpen reports whether only a feature gate of the server tells the answer.
func (x *explainer) gateOpen() bool {
	return x.v.State == Unknown && x.v.Reason == TaintGateDependent
}

// rule adds a numbered line, and returns its number.
func (x *explainer) rule(rule, operands, result string, failed bool) int {
	number := 1
	for _, l := range x.lines {
		number = max(number, l.Number+1)
	}
	x.lines = append(x.lines, RuleLine{Number: number, Rule: rule, Operands: operands, Result: result, Failed: failed})
	return number
}

// more continues the rule above.
func (x *explainer) more(rule, operands, result string, failed bool) {
	x.lines = append(x.lines, RuleLine{Rule: rule, Operands: operands, Result: result, Failed: failed})
}
