package archive

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

const (
	agentSet  = `{"apiVersion":"apps/v1","kind":"DaemonSet","metadata":{"namespace":"x","name":"agent","uid":"1"}}`
	rollLease = `{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"namespace":"x","name":"ds-rollout.agent","annotations":{"kubectl-ds.github.io/run":"H4sI"}},` +
		`"spec":{"holderIdentity":"jane@host_1_a","leaseDurationSeconds":30,"renewTime":"2026-11-24T09:00:00.500000Z"}}`
)

func TestOnlyTheLeaseOfARolloutInScopeIsTaken(t *testing.T) {
	node := strings.NewReplacer("ds-rollout.agent", "node-1", "T09:00", "T09:30").Replace(rollLease)
	other := strings.ReplaceAll(rollLease, "agent", "gone")
	typed := strings.ReplaceAll(rollLease, `"apiVersion":"coordination.k8s.io/v1","kind":"Lease",`, "")
	for name, in := range map[string]string{
		"in a list":           list("List", agentSet, node, rollLease, other),
		"in a list of Leases": list("List", agentSet, node) + `{"apiVersion":"coordination.k8s.io/v1","kind":"LeaseList","items":[` + typed + `]}`,
	} {
		s, err := Read(t.Context(), Stdin, strings.NewReader(in), snapshot.Scope{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := []snapshot.Lease{{Namespace: "x", Name: "ds-rollout.agent", Holder: "jane@host_1_a", Duration: 30 * time.Second, Renewed: 1795510800}}
		if diff := cmp.Diff(want, s.Leases); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if got := s.Source.TakenAt.Format(time.RFC3339); got != "2026-11-24T09:30:00Z" {
			t.Errorf("%s: taken at %s, want the newest time of all Leases", name, got)
		}
	}
	_, err := Read(t.Context(), Stdin, strings.NewReader(list("List", rollLease)), snapshot.Scope{})
	if err == nil || !strings.Contains(err.Error(), "1 of kind Lease.coordination.k8s.io") {
		t.Errorf("a Lease alone: %v", err)
	}
}

func TestACaptureWithoutLeasesIsWhole(t *testing.T) {
	d := &appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{Namespace: "x", Name: "agent", Annotations: map[string]string{
		snapshot.ArmAnnotation: `{"run":"7f3k","original":"RollingUpdate"}`,
	}}}
	var b bytes.Buffer
	if err := Write(&b, &snapshot.Snapshot{DaemonSets: []*appsv1.DaemonSet{d}}, Options{}); err != nil {
		t.Fatal(err)
	}
	s, err := Read(t.Context(), Stdin, &b, snapshot.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Incomplete) != 0 || len(s.Leases) != 0 {
		t.Errorf("incomplete %v, leases %v", s.Incomplete, s.Leases)
	}
	if got := s.DaemonSets[0].Annotations[snapshot.ArmAnnotation]; got != d.Annotations[snapshot.ArmAnnotation] {
		t.Errorf("the annotation is %q: what holds the DaemonSet is not known any more", got)
	}
}
