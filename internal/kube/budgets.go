package kube

import (
	"context"

	policyv1 "k8s.io/api/policy/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

var budgetKind = kind{policyv1.GroupName, "poddisruptionbudgets", "PodDisruptionBudget"}

// Budgets lists the PodDisruptionBudgets of a namespace; empty for all. Where
// the server forbids it, that is in the failure and not in the error.
func (p *Preflight) Budgets(ctx context.Context, namespace string) ([]*policyv1.PodDisruptionBudget, *snapshot.ReadFailure, error) {
	out, err := collect(ctx, p.policy, query{kind: budgetKind, namespace: namespace}, func(raw []byte, json bool) (*policyv1.PodDisruptionBudget, bool, error) {
		b, err := decodeObject[policyv1.PodDisruptionBudget](raw, json)
		if err != nil {
			return nil, false, err
		}
		b.ManagedFields = nil
		return b, true, nil
	}, func(int) {})
	if err == nil {
		return out, nil, nil
	}
	if f := failureOf(err); f.Forbidden {
		return nil, &f, nil
	}
	return nil, nil, err
}
