package coverage

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// beside judges the new pod that a surge has put beside an old one. While it
// only starts there is nothing to say; what fails is what the update waits for.
func (a *analysis) beside(v *Verdict, n *corev1.Node, pods []int32) {
	if !surges(a.d) {
		return
	}
	for _, i := range pods {
		p := &a.ix.s.Pods[i]
		if i == v.Pod || p.Deleted != 0 || !a.target.updated(p) {
			continue
		}
		b := &Verdict{Node: v.Node, Pod: i, State: Outdated}
		a.unready(b, n, p)
		if b.Reason != NotAvailableYet && (b.Reason != Starting || !a.within(p.Created)) {
			detail(v).beside = b
		}
		return
	}
}

// failing is the verdict whose pod is not well: that of the new pod where one
// fails beside the old one.
func (v *Verdict) failing() *Verdict {
	if v.Detail != nil && v.Detail.beside != nil {
		return v.Detail.beside
	}
	return v
}

// trouble reports whether a pod is not there or not well.
func (v *Verdict) trouble() bool { return v.State.Gap() || v.failing() != v }

// besideText says what keeps the new pod from its place.
func (r *Result) besideText(d *DaemonSetResult, b *Verdict) string {
	text := "the new pod " + r.pod(b).Name + " beside it is not available: " + string(b.Reason)
	if why := r.message(d, b); why != "" {
		text += ", " + why
	}
	return text
}

// tellBeside adds the new pod to what the report says of a node.
func (r *Result) tellBeside(d *DaemonSetResult, b *Verdict, out *NodeVerdict) {
	out.Evidence = b.Detail.Evidence
	out.Evidence.Pods = append(slices.Clone(out.Evidence.Pods), key(r.pod(b)))
	out.Contributing = append(append([]Reason{b.Reason}, b.Detail.Contributing...), out.Contributing...)
	out.Message += "; " + r.besideText(d, b)
	_, out.Remedy = r.words(d, b)
}
