package gates

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// collateral passes where no other pod of the node got worse: each that was
// ready is ready and has not restarted. A pod that was deleted is not held
// against the node, since drains, other rollouts and autoscalers move pods;
// but one that can only come back here, of a DaemonSet or a static one, must
// be back. A pod that has failed, as one that the kubelet evicted, got worse.
// Pods that were not ready before do not count.
//
// Without a baseline every other pod of the node must be ready.
func (r *Runner) collateral(ctx context.Context, q *Question) Answer {
	if q.Node == nil {
		return noNode()
	}
	pods, err := r.cluster.NodePods(ctx, q.Node.Node.Name)
	if err != nil {
		return unread(ctx, err)
	}
	others := slices.DeleteFunc(pods, func(p snapshot.Pod) bool { return p.Owner != nil && p.Owner.UID == q.Run.UID })
	b := r.noted(q.Node)
	if b == nil || b.pods == nil {
		why := without(q, nil)
		if b != nil {
			why = without(q, b.podsErr)
		}
		return allReady(q.Node, others, why)
	}
	return b.compare(q, others)
}

// allReady is what can be asked of pods that nobody saw before.
func allReady(n *rollout.NodeView, others []snapshot.Pod, why string) Answer {
	total, not := 0, []string(nil)
	for i := range others {
		p := &others[i]
		if p.Terminal() || p.Deleted != 0 {
			continue
		}
		total++
		if w := unready(n, p); w != "" {
			not = append(not, nameOf(p)+" "+w)
		}
	}
	if len(not) > 0 {
		return hold("%s (every other pod must be ready: %s)", some(not), why)
	}
	return pass("%s ready; restarts not compared (%s)", count(total, "other pod"), why)
}

func (b *baseline) compare(q *Question, others []snapshot.Pod) Answer {
	var worse, away []string
	kept, moved := 0, 0
	for _, was := range b.sorted() {
		if !was.Ready || was.Deleted != 0 || was.Terminal() || was.Owner != nil && was.Owner.UID == q.Run.UID {
			continue
		}
		i := slices.IndexFunc(others, func(p snapshot.Pod) bool { return p.UID == was.UID })
		switch {
		case i >= 0 && !gone(&others[i]):
			if w := worsened(q.Node, was, &others[i]); w != "" {
				worse = append(worse, nameOf(was)+" "+w)
			} else {
				kept++
			}
		case comesBack(was) && !back(q.Node, was, others):
			away = append(away, nameOf(was)+" is not back")
		default:
			moved++
		}
	}
	switch {
	case len(worse) > 0:
		return fail("%s got worse: %s", count(len(worse), "other pod"), some(append(worse, away...)))
	case len(away) > 0:
		return hold("%s", some(away))
	}
	words := count(kept, "other pod") + " as before"
	if moved > 0 {
		words += fmt.Sprintf(", %d deleted or replaced", moved)
	}
	return pass("%s", words)
}

func (b *baseline) sorted() []*snapshot.Pod {
	out := make([]*snapshot.Pod, 0, len(b.pods))
	for uid := range b.pods {
		p := b.pods[uid]
		out = append(out, &p)
	}
	slices.SortFunc(out, func(x, y *snapshot.Pod) int { return strings.Compare(nameOf(x), nameOf(y)) })
	return out
}

// gone is a pod that was deleted, or that has done its work.
func gone(p *snapshot.Pod) bool {
	return p.Deleted != 0 || p.Terminal() && p.Phase != corev1.PodFailed
}

func worsened(n *rollout.NodeView, was, now *snapshot.Pod) string {
	switch {
	case now.Terminal():
		if now.Full != nil && now.Full.Status.Reason != "" {
			return "failed (" + now.Full.Status.Reason + ")"
		}
		return "failed"
	case now.Restarts > was.Restarts:
		return fmt.Sprintf("restarted (%d, was %d)", now.Restarts, was.Restarts)
	}
	return unready(n, now)
}

// comesBack tells pods that no other node can take.
func comesBack(p *snapshot.Pod) bool {
	return p.Owner != nil && (p.Owner.Kind == "DaemonSet" || p.Owner.Kind == "Node")
}

// back finds a ready successor: of the same DaemonSet, or the static pod of
// the same name.
func back(n *rollout.NodeView, was *snapshot.Pod, others []snapshot.Pod) bool {
	return slices.ContainsFunc(others, func(p snapshot.Pod) bool {
		return p.Owner != nil && *p.Owner == *was.Owner && (was.Owner.Kind != "Node" || nameOf(&p) == nameOf(was)) &&
			!p.Terminal() && unready(n, &p) == ""
	})
}
