package rollout

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/coverage"
)

// grace is how long coverage waits before it calls something more than young.
const grace = 30 * time.Second

// evidence is the verdict of coverage on one node: state, reason, operands.
func (d *decider) evidence(node string) *coverage.NodeVerdict {
	return d.v.verdict(node, d.now)
}

func (v *View) verdict(node string, now time.Time) *coverage.NodeVerdict {
	if v.DaemonSet == nil {
		return nil
	}
	res := coverage.Analyze(v.Snapshot, coverage.Options{
		Now: now, Grace: grace, Nodes: func(n *corev1.Node) bool { return n.Name == node },
	})
	for _, item := range res.Report().Items {
		if item.UID != v.DaemonSet.UID {
			continue
		}
		for i := range item.Nodes {
			if item.Nodes[i].Node == node {
				return &item.Nodes[i]
			}
		}
	}
	return nil
}

// failure of a node, with the reason that coverage gives.
func (d *decider) failure(node, message string) *Failure {
	f := &Failure{Node: node, Reason: string(StopFailed), Message: message}
	// What is up, or old, is no reason for a failure.
	if v := d.evidence(node); v != nil && v.State.Gap() {
		f.Reason = string(v.Reason)
	}
	return f
}
