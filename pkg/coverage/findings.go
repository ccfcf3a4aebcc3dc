package coverage

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// findings are about the DaemonSet as a whole, or about pods without a live
// node.
func (a *analysis) findings() {
	d := a.d
	if d.DeletionTimestamp != nil {
		a.find(DSDeleting, fmt.Sprintf("being deleted since %s; finalizers: %s",
			clock(snapshot.TimeOf(d.DeletionTimestamp)), orNone(strings.Join(d.Finalizers, ", "))), Evidence{Finalizers: d.Finalizers})
	} else if d.Status.ObservedGeneration < d.Generation {
		a.find(StatusLag, fmt.Sprintf("the controller has observed generation %d of %d", d.Status.ObservedGeneration, d.Generation), Evidence{})
	}
	if _, ok := selectorOf(d); !ok {
		a.find(SelectorAll, "spec.selector selects all pods or cannot be read", Evidence{})
	}
	a.held()
	a.readFindings()
	a.eligibilityFindings()
	a.podFindings()
	slices.SortStableFunc(a.out.Findings, func(x, y Finding) int { return rank(x.Reason) - rank(y.Reason) })
}

func (a *analysis) find(r Reason, message string, ev Evidence, nodes ...string) {
	row := rowOf[r]
	a.out.Findings = append(a.out.Findings, Finding{
		Reason: r, Severity: row.Severity, Message: message, Remedy: asFix(row.Remedy), Nodes: nodes, Evidence: ev,
	})
}

func (a *analysis) readFindings() {
	for _, resource := range []string{snapshot.ResourceNodes, snapshot.ResourcePods} {
		if f, ok := a.ix.s.Missing(resource, a.d.Namespace); ok {
			a.find(ReadFailed, describeRead(f), Evidence{Unread: describeRead(f)})
		}
	}
	if a.out.Revision.Inferred {
		text := "the current revision is inferred from the pods and from status"
		if !a.target.known() {
			text = "which revision is current cannot be told"
		}
		a.find(RevisionInferred, text, Evidence{Unread: a.unreadRevision()})
	}
}

func (a *analysis) eligibilityFindings() {
	if a.unreadNodes() {
		return
	}
	if a.out.Counts.Desired == 0 && len(a.ix.s.Nodes) > 0 {
		a.find(NoMatchAnyNode, fmt.Sprintf("none of %d nodes should run it%s", len(a.ix.s.Nodes), a.commonCause()), Evidence{})
		a.out.Findings[len(a.out.Findings)-1].Parked = a.parked()
	}
	for _, h := range a.hiding {
		a.find(TaintHidesNodes, fmt.Sprintf("taint %s alone keeps it off %d of the %d nodes that it selects", h.taint, len(h.nodes), h.of),
			Evidence{Taints: []TaintEvidence{h.taint}}, h.nodes...)
	}
	a.endingTolerations()
}

// parked reports whether it has been the same for long that no node should run
// it: some clusters ship DaemonSets for nodes that they have not.
func (a *analysis) parked() bool {
	const long = 24 * time.Hour
	before := func(t snapshot.Time) bool { return t != 0 && a.opts.Now.Sub(time.Unix(int64(t), 0)) > long }
	s := &a.d.Status
	return s.DesiredNumberScheduled == 0 && s.ObservedGeneration >= a.d.Generation &&
		before(snapshot.TimeOf(&a.d.CreationTimestamp)) && before(a.target.created)
}

// commonCause says which exclusion is the most common one, and what was
// probably meant where a node comes near.
func (a *analysis) commonCause() string {
	type cause struct {
		reason Reason
		what   string
	}
	count, hints := map[cause]int{}, map[cause]string{}
	var best cause
	for i := range a.out.everywhere {
		v := &a.out.everywhere[i]
		if v.State != Excluded {
			continue
		}
		e := &v.Detail.Evidence
		c := cause{v.Reason, requirementKeys(e.Requirements)}
		if c.what == "" {
			c.what = taintList(e.Taints)
		}
		count[c]++
		for _, q := range e.Requirements {
			if q.Hint != "" && hints[c] == "" {
				hints[c] = " (" + q.Hint + ")"
			}
		}
		if n := count[c]; n > count[best] || n == count[best] && cmp.Or(rank(c.reason)-rank(best.reason), strings.Compare(c.what, best.what)) < 0 {
			best = c
		}
	}
	if best.reason == "" {
		return ""
	}
	text := fmt.Sprintf("; most for %s", best.reason)
	if best.what != "" {
		text += ": " + best.what + hints[best]
	}
	return text
}

type hidingTaint struct {
	taint TaintEvidence
	nodes []string
	of    int
}

// hidingTaints finds structural taints that alone exclude more than a tenth of
// the nodes that match otherwise. Control-plane taints and virtual nodes are
// what everybody expects, and are left out.
func (a *analysis) hidingTaints() []hidingTaint {
	byTaint := map[TaintEvidence][]string{}
	matching := a.runs
	for _, i := range a.tainted {
		n := a.ix.s.Nodes[i]
		if !a.rules.Selects(n) {
			continue
		}
		matching++
		if u := a.exclusion(n).detail.Evidence.Taints; len(u) > 0 && u[0].Class == "" {
			if t, one := oneTaint(u); one {
				byTaint[t] = append(byTaint[t], n.Name)
			}
		}
	}
	var out []hidingTaint
	for t, nodes := range byTaint {
		if len(nodes)*10 > matching {
			out = append(out, hidingTaint{taint: t, nodes: nodes, of: matching})
		}
	}
	slices.SortFunc(out, func(x, y hidingTaint) int { return strings.Compare(x.taint.String(), y.taint.String()) })
	return out
}

// oneTaint returns the taint that alone keeps a pod away, given all that are not
// tolerated. The two effects of one key are one: the same toleration admits both.
func oneTaint(ts []TaintEvidence) (TaintEvidence, bool) {
	if len(ts) == 0 {
		return TaintEvidence{}, false
	}
	best := ts[0]
	for _, t := range ts[1:] {
		if t.Key != best.Key || t.Value != best.Value {
			return TaintEvidence{}, false
		}
		if t.Effect > best.Effect { // NoSchedule, in whatever order they stand
			best = t
		}
	}
	return best, true
}

func controlPlane(n *corev1.Node) bool {
	for i := range n.Spec.Taints {
		switch n.Spec.Taints[i].Key {
		case "node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master":
			return true
		}
	}
	return false
}

func (a *analysis) podFindings() {
	gone := slices.DeleteFunc(slices.Clone(a.claim.gone), a.joining)
	if pods := a.names(gone); len(pods) > 0 && !a.unreadNodes() {
		a.find(SchedNodeGone, goneText(pods), Evidence{Pods: pods})
	}
	if pods := a.names(a.claim.lost); len(pods) > 0 {
		a.find(UnmappedPod, fmt.Sprintf("%s without a node or a pin to one: %s", count(len(pods), "pod"), few(pods)), Evidence{Pods: pods})
	}
	if pods := a.names(a.claim.shadow); len(pods) > 0 {
		a.find(OrphanShadow, fmt.Sprintf("its selector matches %s that it does not own: %s", count(len(pods), "pod"), few(a.whose(a.claim.shadow))), Evidence{Pods: pods})
	}
	var nodes []string
	for i := range a.out.Verdicts {
		v := &a.out.Verdicts[i]
		if v.Detail != nil && slices.Contains(v.Detail.Contributing, Duplicate) {
			nodes = append(nodes, a.ix.s.Nodes[v.Node].Name)
		}
	}
	if len(nodes) > 0 {
		a.find(Duplicate, fmt.Sprintf("more than one live pod on %s: %s", count(len(nodes), "node"), few(nodes)), Evidence{}, nodes...)
	}
}

// whose names pods with what owns them.
func (a *analysis) whose(pods []int32) []string {
	var out []string
	for _, i := range pods {
		p := &a.ix.s.Pods[i]
		of := "of nobody, and not adopted"
		switch o := p.Owner; {
		case o != nil && o.Name == a.d.Name:
			of = "of an earlier DaemonSet of this name"
		case o != nil:
			of = "of " + o.Kind + " " + o.Name
		case p.Deleted != 0:
			of = "of nobody, and ending"
		}
		out = append(out, key(p)+" ("+of+")")
	}
	slices.Sort(out)
	return out
}

func goneText(pods []string) string {
	return fmt.Sprintf("%s bound or pinned to nodes that are gone: %s", count(len(pods), "pod"), few(pods))
}

// joining reports whether a pod is so young that its node may have joined after
// the nodes were listed, and before the pods were: it is not gone then.
func (a *analysis) joining(pod int32) bool {
	read := a.ix.s.Source.TakenAt
	if read.IsZero() {
		read = a.opts.Now
	}
	return read.Sub(time.Unix(int64(a.ix.s.Pods[pod].Created), 0)) < ClockSkew
}

func (a *analysis) names(pods []int32) []string {
	var out []string
	for _, i := range pods {
		out = append(out, key(&a.ix.s.Pods[i]))
	}
	slices.Sort(out)
	return out
}
