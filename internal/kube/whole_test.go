package kube

import (
	"context"
	"errors"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit/apiserver"
)

func TestAWholeDaemonSetKeepsItsManagedFields(t *testing.T) {
	ds := &appsv1.DaemonSet{}
	ds.Namespace, ds.Name, ds.UID = "logging", "agent", "u"
	ds.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "helm", FieldsV1: metav1.NewFieldsV1(`{"f:spec":{}}`)}}
	r, err := NewReader(apiserver.New(t, ds).Config())
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.WholeDaemonSet(context.Background(), "logging", "agent")
	if err != nil || len(got.ManagedFields) != 1 || got.ManagedFields[0].Manager != "helm" {
		t.Errorf("got %v, %v", got, err)
	}
	var missing *NotFoundError
	if _, err := r.WholeDaemonSet(context.Background(), "logging", "agnt"); !errors.As(err, &missing) || len(missing.Existing) != 1 {
		t.Errorf("got %v, want an error that knows the names that exist", err)
	}
}
