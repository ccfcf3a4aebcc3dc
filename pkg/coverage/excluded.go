package coverage

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/eligibility"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// excluded judges a node that should not run the DaemonSet and does not.
// Whether that looks unintended is asked once all nodes are known (second).
func (a *analysis) excluded(v *Verdict, n *corev1.Node) {
	v.State = Excluded
	x := a.exclusion(n)
	v.Reason, v.Detail = x.reasons[0], x.detail
	if v.Reason != VirtualNode {
		v.Settling = a.settling(n, nil)
	}
	v.Suspect = v.Hidden && !v.Settling && v.Reason == TaintTransient && !x.leaving
	if a.ix.ready[v.Node] == corev1.ConditionUnknown && v.Hidden {
		d := own(v)
		d.Contributing = append(d.Contributing, NodeLost)
		d.Evidence.Condition = conditionEvidence(nodeCondition(n, corev1.NodeReady))
	}
}

// leavingFor reports whether the node is only kept off by taints of its removal
// that do not say since when: autoscalers set no time, and then nothing speaks
// of a removal that hangs.
func leavingFor(taints []eligibility.TaintResult) bool {
	for i := range taints {
		if taints[i].Class != eligibility.Leaving || taints[i].Taint.TimeAdded != nil {
			return false
		}
	}
	return len(taints) > 0
}

// exclusions lists why the rules say no, the first being the reason.
func (a *analysis) exclusions(e *eligibility.Explanation, n *corev1.Node) []Reason {
	var out []Reason
	if !e.NodeNameOK {
		out = append(out, NodeNamePinned)
	}
	if virtual(n) {
		out = append(out, VirtualNode)
	}
	if !e.AffinityOK && brokenTerm(e) {
		out = append(out, AffinityInvalid)
	}
	if !e.SelectorOK() || !e.AffinityOK && e.NearestTerm() >= 0 || !e.AffinityOK && len(out) == 0 {
		out = append(out, SelectorMismatch)
	}
	var structural, transient, gate bool
	for _, t := range e.Untolerated() {
		gate = gate || t.GateDependent
		if t.Class == "" {
			structural = true
		} else {
			transient = true
		}
	}
	if gate {
		out = append(out, TaintGateDependent)
	}
	if structural {
		out = append(out, TaintStructural)
	}
	if transient {
		out = append(out, TaintTransient)
	}
	return out
}

func brokenTerm(e *eligibility.Explanation) bool {
	for _, t := range e.Terms {
		if t.Broken {
			return true
		}
	}
	return false
}

func (a *analysis) exclusionEvidence(e *eligibility.Explanation) Evidence {
	ev := Evidence{Taints: taintEvidence(e.Untolerated())}
	for _, r := range e.FailingSelector() {
		ev.Requirements = append(ev.Requirements, requirementEvidence(r, 0))
	}
	if e.AffinityOK {
		return ev
	}
	for i, t := range e.Terms {
		for _, r := range t.Requirements {
			if r.Err != "" {
				ev.Requirements = append(ev.Requirements, requirementEvidence(r, i+1))
			}
		}
	}
	if i := e.NearestTerm(); i >= 0 {
		for _, r := range e.Terms[i].Failing() {
			ev.Requirements = append(ev.Requirements, requirementEvidence(r, i+1))
		}
	}
	return ev
}

func requirementEvidence(r eligibility.RequirementResult, term int) RequirementEvidence {
	return RequirementEvidence{
		Requirement: r.String(), Term: term, NodeValue: r.Value, NodeHas: r.Has, Error: r.Err,
	}
}

func taintEvidence(taints []eligibility.TaintResult) []TaintEvidence {
	var out []TaintEvidence
	for _, t := range taints {
		out = append(out, TaintEvidence{
			Key: t.Taint.Key, Value: t.Taint.Value, Effect: string(t.Taint.Effect), Class: string(t.Class),
		})
	}
	return out
}

// misplaced judges a node that should not run the DaemonSet and has a pod.
func (a *analysis) misplaced(v *Verdict, n *corev1.Node, ans eligibility.Answer, pods []int32) {
	v.State, v.Pod = Misplaced, a.worth(pods)
	p := &a.ix.s.Pods[v.Pod]
	v.Serves = slices.ContainsFunc(pods, func(i int32) bool { return a.available(&a.ix.s.Pods[i], v.Node) })
	d := detail(v)
	x := a.exclusion(n)
	d.Evidence, d.Contributing = x.detail.Evidence, slices.Clone(x.reasons)
	d.Since = p.Created
	// A pod that is ending counts as well, until it is gone.
	if ans.ShouldContinue && a.latent == "" && len(d.Evidence.Taints) > 0 {
		a.latent = d.Evidence.Taints[0].String()
	}
	switch {
	case p.Deleted != 0:
		v.Reason = a.terminating(p, d)
	case ans.ShouldContinue:
		v.Reason = LatentUnrecreatable
	default:
		v.Reason = DeletionPending
	}
	if a.ix.ready[v.Node] == corev1.ConditionUnknown {
		d.Contributing = append(d.Contributing, NodeLost)
		d.Evidence.Condition = conditionEvidence(nodeCondition(n, corev1.NodeReady))
	}
	v.Settling = a.settling(n, p)
}

// terminating tells a pod within its grace from one that is stuck: the
// deletionTimestamp already contains the grace.
func (a *analysis) terminating(p *snapshot.Pod, d *Detail) Reason {
	d.Evidence.GraceEnds = metaTime(p.Deleted)
	d.Since = p.Deleted
	if p.Full != nil {
		d.Evidence.Finalizers = p.Full.Finalizers
	}
	if overdue(p, a.opts.Now) {
		return TerminatingStuck
	}
	return Terminating
}

// stuckAfter is how many seconds after the end of its grace a pod that is
// still there counts as stuck.
const stuckAfter = 30

// siblings marks a node that goes without while most of its pool run it.
func (a *analysis) siblings(v *Verdict) {
	pool := a.ix.pools.of[v.Node]
	if pool < 0 || wantsPlace(v) {
		return
	}
	others, run := a.sized[pool]-1, a.selected[pool]
	if others < 2 || run*2 <= others {
		return
	}
	v.Suspect = true
	own(v).Evidence.Pool = &PoolEvidence{Label: a.ix.pools.label[pool], Matching: int(run), Nodes: int(a.sized[pool])}
}

// wantsPlace reports whether the DaemonSet asks for a system, an architecture or
// a place that the node has not: pools are mixed in these.
func wantsPlace(v *Verdict) bool {
	for _, q := range v.Detail.Evidence.Requirements {
		if key, _, _ := strings.Cut(q.Requirement, "="); placeLabel(strings.Fields(key + " ")[0]) {
			return true
		}
	}
	return false
}

// nearMisses looks for labels that were probably meant, and marks the node.
func (a *analysis) nearMisses(v *Verdict) {
	n := a.ix.s.Nodes[v.Node]
	if a.labels == nil {
		a.labels = newLabelIndex(a.ix.s.Nodes)
	}
	x := a.exclusion(n)
	for _, r := range x.failing {
		hint := a.labels.hint(r, n)
		if hint == "" {
			continue
		}
		v.Suspect = true
		d := own(v)
		for i := range d.Evidence.Requirements {
			if q := &d.Evidence.Requirements[i]; q.Requirement == r.String() {
				q.Hint = hint
			}
		}
	}
	if !v.Suspect && x.oneOf > 0 {
		v.Suspect = true
		d := own(v)
		if len(d.Evidence.Requirements) > 0 {
			d.Evidence.Requirements[0].Hint = fmt.Sprintf("the only one of %d that does not hold", x.oneOf)
		}
	}
}

// oneAway reports whether a single label stands between the node and the
// DaemonSet although others that not every node has are there. A single
// requirement that fails is what a selector is for, and so is one about the
// system, the architecture or the place: those are no near miss.
func oneAway(e *eligibility.Explanation, failing []eligibility.RequirementResult) bool {
	return len(failing) == 1 && len(e.Untolerated()) == 0 && e.NodeNameOK &&
		len(selective(failing)) == 1 && len(selective(e.Passing())) > 0
}

func selective(rs []eligibility.RequirementResult) []eligibility.RequirementResult {
	var out []eligibility.RequirementResult
	for _, r := range rs {
		if r.Positive && !r.Field && !placeLabel(r.Key) {
			out = append(out, r)
		}
	}
	return out
}

// placeLabel reports whether a label says what or where a machine is, rather
// than what somebody wants of it.
func placeLabel(key string) bool {
	switch key {
	case corev1.LabelOSStable, corev1.LabelArchStable, corev1.LabelHostname,
		corev1.LabelTopologyZone, corev1.LabelTopologyRegion, corev1.LabelInstanceTypeStable:
		return true
	}
	return strings.HasPrefix(key, "beta.kubernetes.io/") || strings.HasPrefix(key, "failure-domain.beta.kubernetes.io/") ||
		strings.HasPrefix(key, "node-role.kubernetes.io/")
}
