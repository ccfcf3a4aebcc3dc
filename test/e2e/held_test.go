package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/coverage"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
	"github.com/kubectl-ds/kubectl-ds/test/cluster/simnode"
	"github.com/kubectl-ds/kubectl-ds/test/kubectl"
)

// TestAHeldDaemonSetIsToldByItsLease arms a DaemonSet, and then drives it, as
// users see it who have the role that the plugin prints, and one without Leases.
func TestAHeldDaemonSetIsToldByItsLease(t *testing.T) {
	const ns, name = "held-test", "held"
	ctx := t.Context()
	if err := shared.cluster.CreateNamespace(ctx, ns, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { deleteNamespace(t, ns) })
	d := simnode.DaemonSet(ns, name, func(d *appsv1.DaemonSet) {
		d.Annotations = map[string]string{snapshot.ArmAnnotation: `{"run":"7f3k","original":"RollingUpdate"}`}
		d.Spec.UpdateStrategy = appsv1.DaemonSetUpdateStrategy{Type: appsv1.OnDeleteDaemonSetStrategyType}
		d.Spec.Template.Spec.NodeSelector = map[string]string{"kubernetes.io/arch": "arm64"}
	})
	if _, err := shared.client.AppsV1().DaemonSets(ns).Create(ctx, d, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	least := as(t, "least-held", printedRole(t))
	blind := as(t, "blind-held", without(printedRole(t), "leases"))

	found := func(k *kubectl.Kubectl, want coverage.Reason, words string) {
		t.Helper()
		l := report(t, plugin(t, k, 0, "-n", ns, "-o", "json", "--grace=0s"))
		for _, f := range l.Items[0].Findings {
			if !slices.Contains([]coverage.Reason{coverage.RolloutHeld, coverage.RolloutDriven, coverage.RolloutUnread}, f.Reason) {
				continue
			}
			if f.Reason != want || !strings.Contains(f.Message, words) {
				t.Errorf("got %s: %s, want %s: %s", f.Reason, f.Message, want, words)
			}
			return
		}
		t.Errorf("no %s among %+v", want, l.Items[0].Findings)
	}
	found(least, coverage.RolloutHeld, "its Lease is gone")
	found(blind, coverage.RolloutUnread, "get leases in held-test")

	holder, seconds, renewed := "jane@laptop_1_a", int32(3600), metav1.NewMicroTime(time.Now())
	lease := &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: snapshot.RolloutLease(name)},
		Spec:       coordinationv1.LeaseSpec{HolderIdentity: &holder, LeaseDurationSeconds: &seconds, RenewTime: &renewed},
	}
	lease, err := shared.client.CoordinationV1().Leases(ns).Create(ctx, lease, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	found(least, coverage.RolloutDriven, "driven by "+holder+" for run 7f3k")
	lease.Spec.HolderIdentity = nil
	if _, err := shared.client.CoordinationV1().Leases(ns).Update(ctx, lease, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	found(least, coverage.RolloutHeld, "its driver let go of the Lease")
}
