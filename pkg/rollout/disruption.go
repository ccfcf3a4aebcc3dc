package rollout

import (
	"fmt"
	"slices"

	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// disruption looks at budgets of the DaemonSet's own pods, which deletes pass
// by, and of pods that a drain would evict.
func (pl *planner) disruption(p *Policy) Check {
	c := Check{Name: "disruption", Result: CheckOK, Detail: "no PodDisruptionBudget selects these pods"}
	for _, b := range pl.in.Budgets {
		own := b.Namespace == pl.ds.Namespace && selects(b, pl.ds.Spec.Template.Labels)
		switch why := NeverMet(b, own); {
		case own && why != "":
			c.Result = CheckWarn
			c.Detail = fmt.Sprintf("PodDisruptionBudget %s selects these pods and %s; the run deletes, which no budget holds back", b.Name, why)
		case own && c.Result == CheckOK:
			c.Detail = fmt.Sprintf("PodDisruptionBudget %s selects these pods; the run deletes, which no budget holds back", b.Name)
		case !own && why != "" && p.Drain != nil:
			if refused := pl.endless(p.Drain, b, why); refused != nil {
				return *refused
			}
		}
	}
	return c
}

// endless is about a budget that is never met: it matters where it selects
// pods that a drain of the run would evict. nil where it does not.
func (pl *planner) endless(o *Drain, b *policyv1.PodDisruptionBudget, why string) *Check {
	budget := b.Namespace + "/" + b.Name
	pods, read := pl.in.BudgetPods[budget]
	if !read {
		return &Check{Name: "disruption", Result: CheckRefuse, Fix: "change the budget, or leave its pods out: --pod-selector",
			Detail: fmt.Sprintf("PodDisruptionBudget %s %s, and its pods could not be read: where one is on a node of the run, the drain would never end", budget, why)}
	}
	var nodes []string
	pod := ""
	for i := range pods {
		x := &pods[i]
		// One that refuses is no less in the way.
		evict, blocked := o.mustLeave(x)
		if !evict && blocked == "" || x.Deleted != 0 || x.Terminal() || !pl.touches(x.Node) {
			continue
		}
		nodes = append(nodes, x.Node)
		if pod == "" {
			pod = x.Namespace + "/" + x.Name
		}
	}
	if pod == "" {
		return nil
	}
	slices.Sort(nodes)
	nodes = slices.Compact(nodes)
	return &Check{Name: "disruption", Result: CheckRefuse, Nodes: nodes, Fix: "change the budget, or leave its pods out: --pod-selector",
		Detail: fmt.Sprintf("PodDisruptionBudget %s %s: the drain of %s would never end, first for %s", budget, why, names(nodes), pod)}
}

// touches reports whether the run would drain a node.
func (pl *planner) touches(node string) bool {
	return slices.ContainsFunc(pl.out.Nodes, func(n PlanNode) bool { return n.Node == node && n.Verdict == WillUpdate })
}

// Guarded returns the budgets whose pods decide whether a drain can end.
func Guarded(budgets []*policyv1.PodDisruptionBudget) []*policyv1.PodDisruptionBudget {
	var out []*policyv1.PodDisruptionBudget
	for _, b := range budgets {
		if NeverMet(b, false) != "" {
			out = append(out, b)
		}
	}
	return out
}

// BudgetPods are pods by the budget that selects them, as namespace/name.
type BudgetPods map[string][]snapshot.Pod

func selects(b *policyv1.PodDisruptionBudget, l map[string]string) bool {
	sel, err := metav1.LabelSelectorAsSelector(b.Spec.Selector)
	return err == nil && b.Spec.Selector != nil && sel.Matches(labels.Set(l))
}

// NeverMet says why a budget can never allow an eviction; empty if it can. For
// pods of a DaemonSet the disruption controller finds no scale, so everything
// but a plain number of minAvailable fails closed
// (pkg/controller/disruption/disruption.go, v1.37.2; rollout.md e-17).
func NeverMet(b *policyv1.PodDisruptionBudget, ofDaemonSet bool) string {
	lo, hi := b.Spec.MinAvailable, b.Spec.MaxUnavailable
	switch {
	case ofDaemonSet && (hi != nil || lo != nil && lo.Type == intstr.String):
		return "cannot be computed for a DaemonSet: it allows no eviction"
	case hi != nil && (hi.Type == intstr.Int && hi.IntVal == 0 || hi.StrVal == "0%"):
		return "has maxUnavailable 0"
	case lo != nil && lo.StrVal == "100%":
		return "has minAvailable 100%"
	case lo != nil && lo.Type == intstr.Int && b.Status.ExpectedPods > 0 && lo.IntVal >= b.Status.ExpectedPods:
		return fmt.Sprintf("has minAvailable %d of %d pods", lo.IntVal, b.Status.ExpectedPods)
	}
	return ""
}
