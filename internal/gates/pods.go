package gates

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// podsProbe passes where pods of the node match the selector, and all of them
// are ready. Pods that have ended do not count.
func (r *Runner) podsProbe(selector string) (probe, error) {
	sel, err := labels.Parse(selector)
	if err != nil {
		return nil, fmt.Errorf("pods: %w", err)
	}
	return func(ctx context.Context, q *Question) Answer {
		if q.Node == nil {
			return noNode()
		}
		pods, err := r.cluster.NodePods(ctx, q.Node.Node.Name)
		if err != nil {
			return unread(ctx, err)
		}
		n, not := 0, []string(nil)
		for i := range pods {
			p := &pods[i]
			if p.Terminal() || !sel.Matches(labels.Set(p.Labels)) {
				continue
			}
			n++
			if why := unready(q.Node, p); why != "" {
				not = append(not, nameOf(p)+" "+why)
			}
		}
		switch {
		case n == 0:
			return hold("no pod on the node matches %s", sel)
		case len(not) > 0:
			return hold("%d of %s matching %s not ready: %s", len(not), count(n, "pod"), sel, some(not))
		}
		return pass("%s matching %s ready", count(n, "pod"), sel)
	}, nil
}

// daemonSetProbe passes where the pod of another DaemonSet on the node is
// available, as its controller counts, less what is being deleted.
func (r *Runner) daemonSetProbe(ref string) (probe, error) {
	namespace, name, ok := strings.Cut(ref, "/")
	if !ok || namespace == "" || name == "" {
		return nil, fmt.Errorf("daemonSet: %q is not namespace/name", ref)
	}
	return func(ctx context.Context, q *Question) Answer {
		if q.Node == nil {
			return noNode()
		}
		d, err := r.cluster.OneDaemonSet(ctx, namespace, name)
		if err != nil {
			return unread(ctx, err)
		}
		if d == nil {
			return fail(noDaemonSet+"%s", ref)
		}
		pods, err := r.cluster.NodePods(ctx, q.Node.Node.Name)
		if err != nil {
			return unread(ctx, err)
		}
		last := fmt.Sprintf("no pod of DaemonSet %s on the node", ref)
		for i := range pods {
			p := &pods[i]
			if p.Owner == nil || p.Owner.UID != d.UID || p.Terminal() {
				continue
			}
			why := unready(q.Node, p)
			if left := untilAvailable(p, d.Spec.MinReadySeconds, q.Now); why == "" && left > 0 {
				why = fmt.Sprintf("is ready, and available in %s", left.Round(time.Second))
			}
			if why == "" {
				return pass("%s of DaemonSet %s available", nameOf(p), ref)
			}
			last = nameOf(p) + " " + why
		}
		return hold("%s", last)
	}, nil
}

// unready says why a pod does not serve; empty where it does.
func unready(n *rollout.NodeView, p *snapshot.Pod) string {
	switch {
	case p.Deleted != 0:
		return "is terminating"
	case !p.Ready:
		return "is not ready"
	case n.Ready == corev1.ConditionUnknown:
		return "is on a node that nobody reports for"
	}
	return ""
}

func untilAvailable(p *snapshot.Pod, minReadySeconds int32, now time.Time) time.Duration {
	if minReadySeconds == 0 {
		return 0
	}
	return time.Unix(int64(p.ReadySince), 0).Add(time.Duration(minReadySeconds) * time.Second).Sub(now)
}

func nameOf(p *snapshot.Pod) string { return p.Namespace + "/" + p.Name }
