package kube

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
)

// WholeDaemonSet reads one DaemonSet as it is, with its managed fields, which
// tell who owns what. One that does not exist is a NotFoundError.
func (r *Reader) WholeDaemonSet(ctx context.Context, namespace, name string) (*appsv1.DaemonSet, error) {
	d, err := getOne[appsv1.DaemonSet](ctx, r, daemonSetKind, namespace, name)
	if err != nil && noSuchObject(err) {
		return nil, r.newPass(nil).notFound(ctx, namespace, name)
	}
	return d, err
}
