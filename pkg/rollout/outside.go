package rollout

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// Outside is what somebody who did not drive can tell of a run: by the times
// that pods and the stored run carry, which are other machines' clocks. It is
// for screens; a driver decides by what it saw itself.
func Outside(p *Policy, r *Run, v *View, now time.Time) *Observed {
	o := NewObserved(now, r.Epoch)
	o.outside = true
	if v.DaemonSet == nil || r.Target.Hash == "" {
		return o
	}
	d := newDecider(p, r, v, o, now)
	for i := range r.InFlight {
		f := &r.InFlight[i]
		n := v.Node(f.Node)
		if n == nil || n.Node.UID != f.NodeUID {
			continue
		}
		seen := NodeSeen{Flying: f.Started.Time}
		if pod := d.proof(n, f); pod != nil && d.replaced(n, f) {
			seen.Replaced = timeOf(pod.Created)
			if n.available(pod, d.minReady, now) && n.Ready == corev1.ConditionTrue {
				seen.Pod, seen.Restarts, seen.ready, seen.Available = pod.UID, pod.Restarts, pod.ReadySince, timeOf(pod.ReadySince)
			}
		} else if d.replaced(n, f) {
			seen.Replaced = f.Started.Time
		}
		o.Nodes[f.Node] = seen
	}
	return o
}

// unseen is what a node waits for as far as somebody outside can tell, who
// does not read the pods of others that its drain, or the wait for jobs, is
// about.
func (d *decider) unseen(n *NodeView, c Code) (Code, bool) {
	if !d.o.outside || n.Complete || c != WaitRead {
		return c, false
	}
	if d.p.Drain != nil {
		return WaitDrain, true
	}
	return WaitJobs, true
}

func timeOf(t snapshot.Time) time.Time { return time.Unix(int64(t), 0).UTC() }
