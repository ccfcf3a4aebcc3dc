package kube

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/fields"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// NodePods lists all pods bound to a node, whole, those that have ended
// included. An error is a *RequestError, which names verb and resource.
func (r *Reader) NodePods(ctx context.Context, node string) ([]snapshot.Pod, error) {
	p := r.newPass(nil)
	p.keepFull = true
	q := query{kind: podKind, fields: fields.OneTermEqualSelector("spec.nodeName", node).String()}
	return collect(ctx, r, q, p.pod, p.told("pods on "+node))
}

// OneDaemonSet reads a DaemonSet by name; nil where there is none. An error is
// a *RequestError.
func (r *Reader) OneDaemonSet(ctx context.Context, namespace, name string) (*appsv1.DaemonSet, error) {
	d, err := getOne[appsv1.DaemonSet](ctx, r, daemonSetKind, namespace, name)
	switch {
	case err == nil:
		return snapshot.TrimDaemonSet(d), nil
	case noSuchObject(err):
		return nil, nil
	}
	return nil, err
}
