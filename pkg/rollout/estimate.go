package rollout

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/util/intstr"
)

// Estimate is how long a run would take, by how long pods of this DaemonSet
// took to become ready before. Seconds.
type Estimate struct {
	Samples int   `json:"samples"`
	Median  int64 `json:"medianSeconds"` // created -> ready
	P95     int64 `json:"p95Seconds"`
	Soak    int64 `json:"soakSeconds"`
	Total   int64 `json:"totalSeconds"` // with the policy's ceiling
	AtOne   int64 `json:"atOneSeconds"` // with one node at a time
	// AtPercent is with a ceiling of 1 %.
	AtPercent int64 `json:"atOnePercentSeconds"`
	// Until is how many nodes would be done by the policy's until; -1 without.
	Until int `json:"nodesByUntil"`
}

// estimate is nil where no pod tells how long one takes. Only pods that never
// restarted count: the last transition to ready of the others is not their
// first. The API server's times are whole seconds: what took less counts as one.
func estimate(v *View, plan *Plan, p *Policy) *Estimate {
	var took []int64
	for i := range v.Nodes {
		for _, pod := range v.Nodes[i].Pods {
			if pod.Ready && pod.Restarts == 0 && pod.Deleted == 0 && pod.ReadySince >= pod.Created && pod.Created != 0 {
				took = append(took, max(1, int64(pod.ReadySince-pod.Created)))
			}
		}
	}
	if len(took) == 0 {
		return nil
	}
	slices.Sort(took)
	e := &Estimate{
		Samples: len(took), Median: took[(len(took)-1)/2], P95: took[(len(took)*95+99)/100-1],
		Soak: int64(p.soak(v.DaemonSet.Spec.MinReadySeconds) / time.Second), Until: -1,
	}
	each := e.Median + e.Soak
	places := max(1, plan.Places())
	onePercent := scaled(intstr.FromString("1%"), len(plan.Nodes))
	e.Total = rounds(plan.Updates, places) * each
	e.AtOne = rounds(plan.Updates, 1) * each
	e.AtPercent = rounds(plan.Updates, max(1, onePercent)) * each
	if p.Until != nil && each > 0 {
		left := int64(p.Until.Sub(v.Snapshot.Source.TakenAt) / time.Second)
		e.Until = min(plan.Updates, int(max(0, left/each))*places)
	}
	return e
}

func rounds(nodes, at int) int64 { return int64((nodes + at - 1) / at) }
