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
	return d.cordons(f) && n.Mark.ours(d.r.ID) && !d.replaced(n, f) && n.Complete && len(d.jobPods(n)) == 0
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
// As in kubectl drain, nothing is evicted while any pod of the node refuses:
// workloads would have moved for nothing.
func (d *decider) drain(n *NodeView, f *Flight, seen NodeSeen) (step, bool) {
	if d.p.Drain == nil {
		return step{}, false
	}
	leave, no := d.p.Drain.split(n.Others)
	if why := d.refusal(leave, no); why != "" {
		return step{failure: f.failed(WaitDrain, "cannot be drained: "+why)}, true
	}
	var waits *snapshot.Pod
	var until time.Time
	why := ""
	for _, p := range leave {
		switch refused := d.o.Refused[p.UID]; {
		case p.Deleted != 0:
			waits = p
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

// refusing is a pod that keeps its node from being drained, and why.
type refusing struct {
	pod *snapshot.Pod
	why string
}

// split parts the pods of a node into those that have to leave and those that
// keep it from being drained.
func (o *Drain) split(pods []*snapshot.Pod) (leave []*snapshot.Pod, no []refusing) {
	for _, p := range pods {
		switch evict, blocked := o.mustLeave(p); {
		case blocked != "" && p.Deleted == 0:
			no = append(no, refusing{p, blocked})
		case blocked != "" || evict: // what ends already is waited for
			leave = append(leave, p)
		}
	}
	return leave, no
}

// refusal says why a node cannot be drained, and counts what else refuses;
// empty where nothing does.
func (d *decider) refusal(leave []*snapshot.Pod, no []refusing) string {
	for _, p := range leave {
		if r := d.o.Refused[p.UID]; r.Permanent && p.Deleted == 0 {
			no = append(no, refusing{p, r.Reason})
		}
	}
	if len(no) == 0 {
		return ""
	}
	out := no[0].pod.Namespace + "/" + no[0].pod.Name + " " + no[0].why
	if more := len(no) - 1; more > 0 {
		out += "; and " + countOf(more, "more pod") + " cannot be evicted"
	}
	return out
}

// failed is a failure of the node before its pod was touched: what coverage
// says of the pod is no reason for it.
func (f *Flight) failed(code Code, message string) *Failure {
	return &Failure{Node: f.Node, Reason: string(code), Message: message}
}

// tooLong is what a node fails with that waits for too long.
var tooLong = map[Code]string{WaitDrain: "not drained", WaitJobs: "jobs still run"}

// bounded waits from begun for at most limit; then the node has failed.
func (d *decider) bounded(f *Flight, begun time.Time, limit time.Duration, c Cause) step {
	if begun.IsZero() {
		return step{wait: &c, until: d.now.Add(time.Second)}
	}
	if ends := begun.Add(limit); !d.now.After(ends) {
		return step{wait: &c, until: ends.Add(time.Second)}
	}
	return step{failure: f.failed(c.Code, tooLong[c.Code]+" after "+limit.String()+": "+c.Message)}
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
func (o *Drain) mustLeave(p *snapshot.Pod) (evict bool, blocked string) {
	if sel, err := labels.Parse(o.PodSelector); err == nil && !sel.Matches(labels.Set(p.Labels)) {
		return false, ""
	}
	if p.Full != nil {
		if _, mirror := p.Full.Annotations[mirrorAnnotation]; mirror {
			return false, ""
		}
	}
	switch {
	case p.Owner != nil && (p.Owner.Kind == "DaemonSet" || p.Owner.Kind == "Node"):
		return false, "" // a mirror pod is owned by its node
	case p.Owner == nil && !o.Force:
		return false, "has no controller that would make it again: only --force evicts it"
	case p.Full == nil && !o.DeleteEmptyDirData:
		return false, "could not be looked at for emptyDir volumes: only --delete-emptydir-data evicts it"
	case p.Full != nil && emptyDir(p.Full) && !o.DeleteEmptyDirData:
		return false, "keeps data in an emptyDir: only --delete-emptydir-data evicts it"
	}
	return true, ""
}

func emptyDir(p *corev1.Pod) bool {
	return slices.ContainsFunc(p.Spec.Volumes, func(v corev1.Volume) bool { return v.EmptyDir != nil })
}
