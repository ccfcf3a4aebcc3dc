package kube

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit/apiserver"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

func TestWhoDrivesARolloutIsReadByName(t *testing.T) {
	holder, seconds, renewed := "jane@host_1_a", int32(30), metav1.NewMicroTime(now.Add(-time.Second))
	driven := &coordinationv1.Lease{ObjectMeta: meta("logging", "ds-rollout.agent")}
	driven.Annotations = map[string]string{rollout.RunAnnotation: "a long text"}
	driven.Spec = coordinationv1.LeaseSpec{HolderIdentity: &holder, LeaseDurationSeconds: &seconds, RenewTime: &renewed}
	for _, asJSON := range []bool{false, true} {
		s := apiserver.New(t, driven)
		if asJSON {
			s.JSON()
		}
		s.Fault(apiserver.Fault{Path: "/apis/coordination.k8s.io/v1/namespaces/secret/leases/ds-rollout.agent", Status: http.StatusForbidden})
		snap := &snapshot.Snapshot{Leases: []snapshot.Lease{{Namespace: "logging", Name: "ds-rollout.agent", Gone: true}}}
		more := snapshot.More{Held: []types.NamespacedName{
			{Namespace: "logging", Name: "agent"}, {Namespace: "logging", Name: "other"}, {Namespace: "secret", Name: "agent"},
		}}
		if err := newReader(t, s).ReadMore(t.Context(), snap, more); err != nil {
			t.Fatal(err)
		}
		want := []snapshot.Lease{
			{Namespace: "logging", Name: "ds-rollout.agent", Holder: holder, Duration: 30 * time.Second, Renewed: snapshot.Time(now.Unix() - 1)},
			{Namespace: "logging", Name: "ds-rollout.other", Gone: true},
		}
		if diff := cmp.Diff(want, snap.Leases); diff != "" {
			t.Errorf("json %v: %s", asJSON, diff)
		}
		if f := snap.Incomplete; len(f) != 1 || !f[0].Forbidden || f[0].Verb != "get" || f[0].Resource != snapshot.ResourceLeases || f[0].Namespace != "secret" {
			t.Errorf("json %v: what could not be read: %+v", asJSON, f)
		}
		if lines := s.Lines(); len(lines) != 3 || slices.ContainsFunc(lines, func(l string) bool { return !strings.Contains(l, "/leases/ds-rollout.") }) {
			t.Errorf("json %v: requests %v", asJSON, lines)
		}
	}
}

// What ds-coverage looks for is what ds-rollout writes.
func TestBothPluginsNameTheSameThings(t *testing.T) {
	for _, name := range []string{"agent", strings.Repeat("x", 253)} {
		if got, want := snapshot.RolloutLease(name), rollout.LeaseName(name); got != want || !snapshot.IsRolloutLease(got) {
			t.Errorf("lease %s, want %s", got, want)
		}
	}
	if snapshot.ArmAnnotation != rollout.ArmAnnotation {
		t.Errorf("annotation %s, want %s", snapshot.ArmAnnotation, rollout.ArmAnnotation)
	}
}
