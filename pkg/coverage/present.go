package coverage

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// present judges a node that should run and has pods.
func (a *analysis) present(v *Verdict, n *corev1.Node, pods []int32) {
	best, state := pods[0], Unready
	for _, i := range pods {
		p := &a.ix.s.Pods[i]
		if !a.available(p, v.Node) {
			continue
		}
		if !a.target.known() {
			best, state = i, Unknown
			break
		}
		if a.target.updated(p) {
			best, state = i, Covered
			break
		}
		if state != Outdated {
			best, state = i, Outdated
		}
	}
	if state == Unready && len(pods) > 1 {
		best = a.worth(pods)
	}
	v.Pod, v.State = best, state
	p := &a.ix.s.Pods[best]
	switch state {
	case Covered:
		v.Reason = Current
	case Outdated:
		v.Reason = OutdatedReason
		detail(v).Since = p.Created
		a.beside(v, n, pods)
	case Unknown:
		v.Reason, v.Serves = UnknownReason, true
		v.Detail = &Detail{Evidence: Evidence{Unread: a.unreadRevision()}}
	default:
		a.unready(v, n, p)
	}
	if v.State != Covered {
		v.Settling = a.settling(n, p)
	}
	if len(pods) > 1 && a.surplus(pods) {
		detail(v).Contributing = append(detail(v).Contributing, Duplicate)
		for _, i := range pods {
			v.Detail.Evidence.Pods = append(v.Detail.Evidence.Pods, key(&a.ix.s.Pods[i]))
		}
	}
}

// available is what the controller counts, except that a pod with a
// deletionTimestamp never is, and neither is one on a node that nobody reports
// for: its Ready is the last word of a kubelet that is gone.
func (a *analysis) available(p *snapshot.Pod, node int32) bool {
	return p.Ready && p.Deleted == 0 && a.ix.ready[node] != corev1.ConditionUnknown &&
		availableSince(p, a.d.Spec.MinReadySeconds, a.opts.Now)
}

// worth picks the pod that speaks for a node where none is available: a live
// one before one that is ending, then the newest.
func (a *analysis) worth(pods []int32) int32 {
	best := pods[0]
	rank := func(p *snapshot.Pod) int {
		switch {
		case p.Deleted != 0:
			return 0
		case p.Terminal():
			return 1
		default:
			return 2
		}
	}
	for _, i := range pods[1:] {
		p, q := &a.ix.s.Pods[i], &a.ix.s.Pods[best]
		if rank(p) > rank(q) || rank(p) == rank(q) && p.Created > q.Created {
			best = i
		}
	}
	return best
}

// surges reports whether an update puts new pods beside old ones.
func surges(d *appsv1.DaemonSet) bool {
	u := d.Spec.UpdateStrategy.RollingUpdate
	return u != nil && u.MaxSurge != nil && u.MaxSurge.String() != "0" && u.MaxSurge.String() != "0%"
}

// surplus reports whether a node has more than one live pod and no surge
// explains it.
func (a *analysis) surplus(pods []int32) bool {
	if surges(a.d) {
		return false
	}
	live := 0
	for _, i := range pods {
		if p := &a.ix.s.Pods[i]; p.Deleted == 0 && !p.Terminal() {
			live++
		}
	}
	return live > 1
}
