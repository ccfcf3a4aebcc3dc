package coverage

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// beside judges the new pod that a surge has put beside an old one. While it
// only starts there is nothing to say; what fails is what the update waits for.
func (a *analysis) beside(v *Verdict, n *corev1.Node, pods []int32) {
	if i, ok := a.besideOld(pods); ok {
		if b := a.newPod(v, n, i); !a.starts(b) {
			detail(v).beside = b
		}
	}
}

// surged counts a new pod that fails beside an old one, whatever becomes of the
// old one: it takes a place of maxSurge until it is available (rollingUpdate of
// pkg/controller/daemon/update.go, v1.37.2, which counts numSurge). One that only
// starts holds nothing up.
func (a *analysis) surged(v *Verdict, n *corev1.Node, pods []int32) {
	if v.State == Unknown {
		return // what could not be read may be what tells
	}
	i, ok := a.besideOld(pods)
	if !ok {
		return
	}
	b := v.failing()
	if b.Pod != i || v.State == Misplaced {
		b = a.newPod(v, n, i)
	}
	if !a.starts(b) {
		a.out.places.take(b.Reason)
	}
}

// besideOld finds the new pod of a surge that is not available, and has a live
// old one beside it.
func (a *analysis) besideOld(pods []int32) (int32, bool) {
	if len(pods) < 2 || !surges(a.d) || !a.target.known() {
		return 0, false
	}
	found, old := int32(-1), false
	for _, i := range pods {
		switch p := &a.ix.s.Pods[i]; {
		case p.Deleted != 0:
		case !a.target.updated(p):
			old = true
		case p.Ready && availableSince(p, a.d.Spec.MinReadySeconds, a.opts.Now):
			return 0, false
		case found < 0:
			found = i
		}
	}
	return found, old && found >= 0
}

func (a *analysis) newPod(v *Verdict, n *corev1.Node, i int32) *Verdict {
	b := &Verdict{Node: v.Node, Pod: i, State: Outdated}
	a.unready(b, n, &a.ix.s.Pods[i])
	return b
}

// starts reports whether a pod that is not available has done nothing wrong yet.
func (a *analysis) starts(v *Verdict) bool {
	return v.Reason == NotAvailableYet || v.Reason == Starting && a.within(a.ix.s.Pods[v.Pod].Created)
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
