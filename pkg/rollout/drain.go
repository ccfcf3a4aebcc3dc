package rollout

import (
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// mirrorAnnotation marks the copy of a static pod, which no API call ends.
const mirrorAnnotation = corev1.MirrorPodAnnotationKey

// readyToDrain reports whether a node in flight is cordoned and free of jobs.
func (d *decider) readyToDrain(n *NodeView, f *Flight) bool {
	return f.Cordon && n.Mark.ours(d.r.ID) && !d.replaced(n, f) && n.Complete && len(d.jobPods(n)) == 0
}

func (d *decider) jobPods(n *NodeView) []*snapshot.Pod {
	if d.p.WaitForJobs == nil {
		return nil
	}
	sel, err := labels.Parse(d.p.WaitForJobs.Selector)
	if err != nil {
		sel = labels.Everything() // checked before; whatever it is, waiting is safe
	}
	var out []*snapshot.Pod
	for _, p := range n.Others {
		if sel.Matches(labels.Set(p.Labels)) {
			out = append(out, p)
		}
	}
	return out
}

// jobs waits for pods that must not be disturbed.
func (d *decider) jobs(n *NodeView, f *Flight, seen NodeSeen) (step, bool) {
	if d.p.WaitForJobs == nil && d.p.Drain == nil {
		return step{}, false
	}
	if !n.Complete {
		return step{wait: &Cause{Code: WaitRead, Node: f.Node, Message: "the pods of the node have not been read"}, until: d.now.Add(time.Second)}, true
	}
	pods := d.jobPods(n)
	if len(pods) == 0 {
		return step{}, false
	}
	return d.bounded(f, seen.Flying, d.p.orNodeTimeout(d.p.WaitForJobs.Timeout), Cause{
		Code: WaitJobs, Node: f.Node, Message: pods[0].Namespace + "/" + pods[0].Name,
	}), true
}

// drain evicts what has to leave, one pod a decision, and waits until it has.
func (d *decider) drain(n *NodeView, f *Flight, seen NodeSeen) (step, bool) {
	if d.p.Drain == nil {
		return step{}, false
	}
	var waits *snapshot.Pod
	var until time.Time
	why := ""
	for _, p := range n.Others {
		evict, blocked := d.mustLeave(p)
		switch refused := d.o.Refused[p.UID]; {
		case blocked != "":
			return step{failure: d.failure(f.Node, "drain: "+p.Namespace+"/"+p.Name+" "+blocked)}, true
		case !evict:
		case p.Deleted != 0:
			waits = p
		case refused.Permanent:
			return step{failure: d.failure(f.Node, "drain: "+p.Namespace+"/"+p.Name+": "+refused.Reason)}, true
		case refused.Until.After(d.now):
			waits, why = p, refused.Reason
			if until.IsZero() || refused.Until.Before(until) {
				until = refused.Until
			}
		default:
			return step{act: d.evict(p)}, true
		}
	}
	if waits == nil {
		return step{}, false
	}
	s := d.bounded(f, seen.Drain, d.p.orNodeTimeout(d.p.Drain.Timeout), Cause{
		Code: WaitDrain, Node: f.Node, Message: strings.TrimSpace(waits.Namespace + "/" + waits.Name + " " + why),
	})
	if s.wait != nil && !until.IsZero() && until.Before(s.until) {
		s.until = until
	}
	return s, true
}

// bounded waits from begun for at most limit; then the node has failed.
func (d *decider) bounded(f *Flight, begun time.Time, limit time.Duration, c Cause) step {
	if begun.IsZero() {
		return step{wait: &c, until: d.now.Add(time.Second)}
	}
	if ends := begun.Add(limit); !d.now.After(ends) {
		return step{wait: &c, until: ends.Add(time.Second)}
	}
	return step{failure: d.failure(f.Node, string(c.Code)+" took longer than "+limit.String()+": "+c.Message)}
}

func (d *decider) evict(p *snapshot.Pod) *Evict {
	e := &Evict{Namespace: p.Namespace, Name: p.Name, Node: p.Node, UID: p.UID}
	if g := d.p.Drain.GracePeriodSeconds; g != nil && *g >= 0 {
		v := int64(*g)
		e.GraceSeconds = &v
	}
	return e
}

// mustLeave mirrors the pod filters of kubectl drain with --ignore-daemonsets
// (kubectl/pkg/drain/filters.go, v0.37.2). blocked says why a pod keeps the
// node from being drained.
func (d *decider) mustLeave(p *snapshot.Pod) (evict bool, blocked string) {
	opts := d.p.Drain
	if sel, err := labels.Parse(opts.PodSelector); err == nil && !sel.Matches(labels.Set(p.Labels)) {
		return false, ""
	}
	if p.Full != nil {
		if _, mirror := p.Full.Annotations[mirrorAnnotation]; mirror {
			return false, ""
		}
	}
	switch {
	case p.Owner != nil && p.Owner.Kind == "DaemonSet":
		return false, ""
	case p.Owner == nil && !opts.Force:
		return false, "has no controller that would replace it (drain.force)"
	case p.Full == nil && !opts.DeleteEmptyDirData:
		return false, "could not be looked at for emptyDir volumes"
	case p.Full != nil && emptyDir(p.Full) && !opts.DeleteEmptyDirData:
		return false, "keeps data in an emptyDir (drain.deleteEmptyDirData)"
	}
	return true, ""
}

func emptyDir(p *corev1.Pod) bool {
	return slices.ContainsFunc(p.Spec.Volumes, func(v corev1.Volume) bool { return v.EmptyDir != nil })
}
