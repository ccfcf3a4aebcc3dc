package rollout

import (
	"cmp"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ArmInput is what arming by hand depends on beside the DaemonSet.
type ArmInput struct {
	HeldBy     string   // the run that holds the Lease, in words; empty for none
	AllowOwner []string // owners that may set the strategy back
	AcceptGap  bool     // although maxSurge promises none
}

// ArmPlan is what arming by hand comes to: an action, or a reason why there is
// nothing to do, or checks that refuse it.
type ArmPlan struct {
	Action  *Arm
	Already string // why there is nothing to do
	Checks  []Check
}

// Refused are the checks that refuse.
func (p *ArmPlan) Refused() []Check {
	return slices.DeleteFunc(slices.Clone(p.Checks), func(c Check) bool { return c.Result != CheckRefuse })
}

// AppliedBy is the name that --allow-owner takes for a manifest that a person
// applies.
const AppliedBy = "kubectl"

// PlanArm decides about holding a DaemonSet before somebody else brings a
// change. It needs the whole DaemonSet, with its managed fields.
func PlanArm(ds *appsv1.DaemonSet, in ArmInput) *ArmPlan {
	p := &ArmPlan{}
	p.Checks = append(p.Checks, armBlocked(ds, in)...)
	armed, err := ArmedOf(ds)
	held := ds.Spec.UpdateStrategy.Type == appsv1.OnDeleteDaemonSetStrategyType
	switch {
	case err != nil:
		p.refuse("armed", err.Error(), "find out what updateStrategy.type was, set it, and remove the annotation")
	case armed != nil && armed.Run != ArmedByHand && in.HeldBy == "":
		p.refuse("armed", "run "+armed.Run+" left the DaemonSet armed, and is not there any more", "kubectl ds-rollout recover takes back what it left")
	}
	if len(p.Refused()) > 0 {
		return p
	}
	if held {
		p.Already = "updateStrategy is OnDelete already, and not by arm: nothing is replaced by itself, and there is nothing to arm"
		if armed != nil {
			p.Already = "it is armed already; updateStrategy was " + armed.Original
		}
		return p
	}
	p.Checks = append(p.Checks, armOwners(ds, in.AllowOwner)...)
	pl, policy := &planner{ds: ds, out: &Plan{Arms: true}}, &Policy{}
	policy.AcceptGap = in.AcceptGap
	for _, c := range []Check{pl.surge(policy), armUnderWay(ds)} {
		if c.Name != "" {
			p.Checks = append(p.Checks, c)
		}
	}
	if len(p.Refused()) > 0 {
		return p
	}
	p.Action = &Arm{UID: ds.UID, ResourceVersion: ds.ResourceVersion, Armed: Armed{Run: ArmedByHand, Original: rollingOr(ds.Spec.UpdateStrategy.Type)}}
	if armed != nil {
		p.Action.Armed, p.Action.Again = *armed, true
		p.Checks = append(p.Checks, Check{Name: "armed", Result: CheckWarn,
			Detail: "it was armed before, and somebody set updateStrategy back: find out who, or it happens again"})
	}
	return p
}

func (p *ArmPlan) refuse(name, detail, fix string) {
	p.Checks = append(p.Checks, Check{Name: name, Result: CheckRefuse, Detail: detail, Fix: fix})
}

// rollingOr is the strategy that a server means where it names none.
func rollingOr(t appsv1.DaemonSetUpdateStrategyType) string {
	return string(cmp.Or(t, appsv1.RollingUpdateDaemonSetStrategyType))
}

func armBlocked(ds *appsv1.DaemonSet, in ArmInput) []Check {
	var out []Check
	if ds.DeletionTimestamp != nil {
		out = append(out, Check{Name: "deleted", Result: CheckRefuse, Detail: "the DaemonSet is being deleted"})
	}
	if in.HeldBy != "" {
		out = append(out, Check{Name: "lock", Result: CheckRefuse, Detail: "a run is there: " + in.HeldBy,
			Fix: "a run holds the DaemonSet by itself; kubectl ds-rollout status shows it, abort ends it, and recover cleans up where it cannot be read"})
	}
	return out
}

// armOwners are those who would set the strategy back in the write that brings
// the change.
func armOwners(ds *appsv1.DaemonSet, allowed []string) []Check {
	var out []Check
	add := func(name, evidence, fix string) {
		if slices.Contains(allowed, name) {
			out = append(out, Check{Name: "owner", Result: CheckWarn, Detail: name + " (" + evidence + ") may set updateStrategy back, and that is accepted"})
			return
		}
		out = append(out, Check{Name: "owner", Result: CheckRefuse, Detail: name + " (" + evidence + ") sets updateStrategy, and would set it back in the same write that brings the change",
			Fix: fix + ": --allow-owner " + name})
	}
	for _, o := range OwnersOf(&ds.ObjectMeta) {
		if o.Strategy {
			// Managed fields of an Update hold defaults, too: they do not tell
			// what was left out.
			add(o.Name, o.Evidence, "set updateStrategy.type OnDelete in what it deploys, then nothing has to be armed; or insist, if it leaves updateStrategy out")
		}
	}
	const manifest = "set updateStrategy.type OnDelete in the manifest, and apply that: leaving it out is not enough; or insist"
	if t, ok := AppliedStrategy(&ds.ObjectMeta); ok && t != onDelete {
		add(AppliedBy, "the manifest that kubectl apply last sent has updateStrategy.type "+t, manifest)
	} else if personApplies(&ds.ObjectMeta) {
		add(AppliedBy, "the manifest that kubectl apply --server-side last sent has updateStrategy.type", manifest)
	}
	return out
}

// personApplies reports whether somebody keeps the type of the strategy in a
// manifest of server-side apply.
func personApplies(m *metav1.ObjectMeta) bool {
	return slices.ContainsFunc(m.ManagedFields, func(e metav1.ManagedFieldsEntry) bool {
		return e.Operation == metav1.ManagedFieldsOperationApply && byPerson(e.Manager) && owns(&e, "f:spec", "f:updateStrategy", "f:type")
	})
}

// armUnderWay tells of an update that arming stops, by the DaemonSet's own
// status: help, and nothing depends on it.
func armUnderWay(ds *appsv1.DaemonSet) Check {
	s := &ds.Status
	if s.ObservedGeneration >= ds.Generation && s.UpdatedNumberScheduled >= s.DesiredNumberScheduled {
		return Check{}
	}
	return Check{Name: "update", Result: CheckWarn, Detail: fmt.Sprintf(
		"an update is under way, with %d of %d pods updated by its status: it stops where it is", s.UpdatedNumberScheduled, s.DesiredNumberScheduled)}
}
