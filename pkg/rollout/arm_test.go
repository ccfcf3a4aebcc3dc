package rollout

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// rolling is a DaemonSet that nobody holds.
func rolling() *appsv1.DaemonSet {
	ds := newWorld(3).ds
	delete(ds.Annotations, ArmAnnotation)
	ds.Spec.UpdateStrategy.Type = appsv1.RollingUpdateDaemonSetStrategyType
	ds.Status.DesiredNumberScheduled, ds.Status.UpdatedNumberScheduled = 3, 3
	return ds
}

func managed(ds *appsv1.DaemonSet, manager string, op metav1.ManagedFieldsOperationType, fields string) {
	ds.ManagedFields = append(ds.ManagedFields, metav1.ManagedFieldsEntry{
		Manager: manager, Operation: op, FieldsV1: metav1.NewFieldsV1(fields),
	})
}

const (
	strategyFields = `{"f:spec":{"f:updateStrategy":{"f:type":{}}}}`
	templateFields = `{"f:spec":{"f:template":{"f:spec":{}}}}`
)

func applied(ds *appsv1.DaemonSet, spec string) {
	ds.Annotations["kubectl.kubernetes.io/last-applied-configuration"] = `{"spec":` + spec + `}`
}

func armedBy(ds *appsv1.DaemonSet, run string) {
	ds.Annotations[ArmAnnotation] = Armed{Run: run, Original: "RollingUpdate"}.String()
}

func onDeleteNow(ds *appsv1.DaemonSet) {
	ds.Spec.UpdateStrategy.Type = appsv1.OnDeleteDaemonSetStrategyType
}

func TestArmHoldsOrSaysWhyNot(t *testing.T) {
	surge := func(ds *appsv1.DaemonSet) {
		ds.Spec.UpdateStrategy.RollingUpdate = &appsv1.RollingUpdateDaemonSet{MaxSurge: intOr(1), MaxUnavailable: new(intstr.IntOrString)}
	}
	for _, c := range []struct {
		name string
		set  func(*appsv1.DaemonSet)
		in   ArmInput
		want string // "arm", "already ...", or the refusals
	}{
		{"nobody else cares", func(*appsv1.DaemonSet) {}, ArmInput{}, "arm arm RollingUpdate again=false"},
		{"a strategy that is not named is RollingUpdate", func(ds *appsv1.DaemonSet) { ds.Spec.UpdateStrategy.Type = "" }, ArmInput{}, "arm arm RollingUpdate again=false"},
		{"OnDelete of its own", onDeleteNow, ArmInput{}, "already updateStrategy is OnDelete already, and not by arm"},
		{"armed before", func(ds *appsv1.DaemonSet) { onDeleteNow(ds); armedBy(ds, ArmedByHand) }, ArmInput{}, "already it is armed already; updateStrategy was RollingUpdate"},
		{"armed and taken back", func(ds *appsv1.DaemonSet) { armedBy(ds, ArmedByHand) }, ArmInput{}, "arm arm RollingUpdate again=true"},
		{"armed by a run that is gone", func(ds *appsv1.DaemonSet) { onDeleteNow(ds); armedBy(ds, "r9") }, ArmInput{}, "armed: run r9 left"},
		{"an annotation that cannot be read", func(ds *appsv1.DaemonSet) { ds.Annotations[ArmAnnotation] = "{" }, ArmInput{}, "armed: annotation"},
		{"a run is there", func(ds *appsv1.DaemonSet) { onDeleteNow(ds); armedBy(ds, "r1") }, ArmInput{HeldBy: "run r1"}, "lock: a run is there: run r1"},
		{"being deleted", func(ds *appsv1.DaemonSet) { ds.DeletionTimestamp = &metav1.Time{Time: t0} }, ArmInput{}, "deleted: "},
		{"GitOps owns the strategy", func(ds *appsv1.DaemonSet) {
			managed(ds, "argocd-controller", metav1.ManagedFieldsOperationApply, strategyFields)
		}, ArmInput{}, "owner: argocd-controller (managed fields)"},
		{"and that is accepted", func(ds *appsv1.DaemonSet) {
			managed(ds, "argocd-controller", metav1.ManagedFieldsOperationApply, strategyFields)
		}, ArmInput{AllowOwner: []string{"argocd-controller"}}, "arm arm RollingUpdate again=false"},
		{"somebody else's name is not accepted", func(ds *appsv1.DaemonSet) {
			managed(ds, "argocd-controller", metav1.ManagedFieldsOperationApply, strategyFields)
		}, ArmInput{AllowOwner: []string{"helm"}}, "owner: argocd-controller"},
		{"Helm owns the template alone", func(ds *appsv1.DaemonSet) {
			managed(ds, "helm", metav1.ManagedFieldsOperationUpdate, templateFields)
			ds.Annotations["meta.helm.sh/release-name"] = "x"
		}, ArmInput{}, "arm arm RollingUpdate again=false"},
		{"an operator", func(ds *appsv1.DaemonSet) {
			yes := true
			ds.OwnerReferences = []metav1.OwnerReference{{Kind: "Tigera", Name: "x", Controller: &yes}}
		}, ArmInput{}, "owner: Tigera/x (controller reference)"},
		{"an addon manager, without managed fields", func(ds *appsv1.DaemonSet) {
			ds.Labels = map[string]string{"addonmanager.kubernetes.io/mode": "Reconcile"}
		}, ArmInput{}, "owner: addon-manager"},
		{"kubectl apply sets the strategy", func(ds *appsv1.DaemonSet) { applied(ds, `{"updateStrategy":{"type":"RollingUpdate"}}`) }, ArmInput{}, "owner: kubectl (the manifest that kubectl apply last sent has updateStrategy.type RollingUpdate)"},
		{"and that is accepted, too", func(ds *appsv1.DaemonSet) { applied(ds, `{"updateStrategy":{"type":"RollingUpdate"}}`) }, ArmInput{AllowOwner: []string{"kubectl"}}, "arm arm RollingUpdate again=false"},
		{"kubectl apply sets OnDelete", func(ds *appsv1.DaemonSet) { applied(ds, `{"updateStrategy":{"type":"OnDelete"}}`) }, ArmInput{}, "arm arm RollingUpdate again=false"},
		{"kubectl apply sets numbers alone", func(ds *appsv1.DaemonSet) {
			applied(ds, `{"updateStrategy":{"rollingUpdate":{"maxUnavailable":2}}}`)
		}, ArmInput{}, "arm arm RollingUpdate again=false"},
		{"kubectl apply --server-side sets the strategy", func(ds *appsv1.DaemonSet) {
			managed(ds, "kubectl", metav1.ManagedFieldsOperationApply, strategyFields)
		}, ArmInput{}, "owner: kubectl (the manifest that kubectl apply --server-side"},
		{"kubectl create owns the defaults", func(ds *appsv1.DaemonSet) {
			managed(ds, "kubectl-create", metav1.ManagedFieldsOperationUpdate, strategyFields)
		}, ArmInput{}, "arm arm RollingUpdate again=false"},
		{"maxSurge", surge, ArmInput{}, "surge: maxSurge 1 is set"},
		{"maxSurge, and the gap is accepted", surge, ArmInput{AcceptGap: true}, "arm arm RollingUpdate again=false"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ds := rolling()
			c.set(ds)
			p := PlanArm(ds, c.in)
			got := armWords(p)
			if !strings.HasPrefix(got, c.want) {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if p.Action != nil && (p.Action.UID != "ds-uid" || p.Action.ResourceVersion != "100" || p.Action.Template != nil) {
				t.Errorf("the write is not about what was seen: %+v", p.Action)
			}
			for _, r := range p.Refused() {
				if r.Fix == "" && r.Name != "deleted" {
					t.Errorf("%s refuses without a way out", r.Name)
				}
			}
		})
	}
}

func armWords(p *ArmPlan) string {
	var out []string
	for _, r := range p.Refused() {
		out = append(out, r.Name+": "+r.Detail)
	}
	switch {
	case len(out) > 0 && p.Action != nil:
		return "an action that is refused"
	case p.Already != "":
		return "already " + p.Already
	case p.Action != nil:
		again := "false"
		if p.Action.Again {
			again = "true"
		}
		return "arm " + p.Action.Armed.Run + " " + p.Action.Armed.Original + " again=" + again
	}
	return strings.Join(out, "; ")
}

func TestArmTellsOfAnUpdateThatItStops(t *testing.T) {
	ds := rolling()
	ds.Status.UpdatedNumberScheduled = 1
	p := PlanArm(ds, ArmInput{})
	if p.Action == nil || len(p.Checks) != 1 || p.Checks[0].Result != CheckWarn || !strings.Contains(p.Checks[0].Detail, "1 of 3 pods") {
		t.Errorf("got %+v", p)
	}
	if p := PlanArm(rolling(), ArmInput{}); len(p.Checks) != 0 {
		t.Errorf("nothing is under way: %+v", p.Checks)
	}
}
