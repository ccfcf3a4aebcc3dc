package kube

import (
	"context"
	"fmt"

	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// BudgetPods lists the pods that a budget selects. Where the server forbids
// it, that is in the failure and not in the error.
func (r *Reader) BudgetPods(ctx context.Context, b *policyv1.PodDisruptionBudget) ([]snapshot.Pod, *snapshot.ReadFailure, error) {
	sel, err := metav1.LabelSelectorAsSelector(b.Spec.Selector)
	if err != nil {
		return nil, nil, fmt.Errorf("selector of PodDisruptionBudget %s/%s: %w", b.Namespace, b.Name, err)
	}
	if sel == labels.Nothing() {
		return nil, nil, nil // the disruption controller finds no pods for it either
	}
	p := r.newPass(nil)
	p.keepFull = true
	out, err := collect(ctx, r, query{kind: podKind, namespace: b.Namespace, labels: sel.String()}, p.pod, func(int) {})
	if err == nil {
		return out, nil, nil
	}
	if f := failureOf(err); f.Forbidden {
		return nil, &f, nil
	}
	return nil, nil, err
}
