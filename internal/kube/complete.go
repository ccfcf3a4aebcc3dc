package kube

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// metadataOnly asks for names and labels without the objects, which are most
// of what a list weighs.
const metadataOnly = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1, application/json"

// Names lists what is there of a resource by name, in one request that the
// server answers from its cache: a shell waits for it. An empty namespace
// means all. It knows DaemonSets, nodes and namespaces.
func (r *Reader) Names(ctx context.Context, resource, namespace string) ([]string, error) {
	return r.names(ctx, resource, namespace, func(m *metav1.ObjectMeta) string { return m.Name })
}

// QualifiedNames is Names in all namespaces, each as namespace/name.
func (r *Reader) QualifiedNames(ctx context.Context, resource string) ([]string, error) {
	return r.names(ctx, resource, metav1.NamespaceAll, func(m *metav1.ObjectMeta) string { return m.Namespace + "/" + m.Name })
}

func (r *Reader) names(ctx context.Context, resource, namespace string, name func(*metav1.ObjectMeta) string) ([]string, error) {
	kinds := []kind{daemonSetKind, nodeKind, namespaceKind}
	i := slices.IndexFunc(kinds, func(k kind) bool { return k.resource == resource })
	if i < 0 {
		return nil, fmt.Errorf("names of %s are not completed", resource)
	}
	q := query{kind: kinds[i], namespace: namespace}
	body, err := r.get(q.group).NamespaceIfScoped(namespace, namespace != "").Resource(q.resource).
		SetHeader("Accept", metadataOnly).Param("resourceVersion", "0").Do(ctx).Raw()
	if err != nil {
		return nil, q.wrap(err)
	}
	var list metav1.PartialObjectMetadataList
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, q.wrap(err)
	}
	out := make([]string, 0, len(list.Items))
	for i := range list.Items {
		out = append(out, name(&list.Items[i].ObjectMeta))
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// Revisions lists the ControllerRevisions of a DaemonSet, the newest first.
func (r *Reader) Revisions(ctx context.Context, ds *appsv1.DaemonSet) ([]*appsv1.ControllerRevision, error) {
	sel, err := metav1.LabelSelectorAsSelector(ds.Spec.Selector)
	if err != nil {
		return nil, err
	}
	q := query{kind: revisionKind, namespace: ds.Namespace, labels: sel.String()}
	found, err := collect(ctx, r, q, func(raw []byte, json bool) (*appsv1.ControllerRevision, bool, error) {
		rev, err := decodeObject[appsv1.ControllerRevision](raw, json)
		return rev, err == nil && metav1.IsControlledBy(rev, ds), err
	}, r.newPass(nil).told(snapshot.ResourceRevisions))
	slices.SortFunc(found, func(a, b *appsv1.ControllerRevision) int { return cmp.Compare(b.Revision, a.Revision) })
	return found, err
}
