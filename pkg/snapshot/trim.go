package snapshot

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// TrimNode drops what no verdict reads, in place: image lists and managed
// fields are most of a node's bytes.
func TrimNode(n *corev1.Node) *corev1.Node {
	n.ManagedFields = nil
	n.Status.Images = nil
	n.Status.VolumesInUse = nil
	n.Status.VolumesAttached = nil
	return n
}

// TrimDaemonSet drops managed fields and the copy of the manifest that kubectl
// apply leaves, in place.
func TrimDaemonSet(d *appsv1.DaemonSet) *appsv1.DaemonSet {
	d.ManagedFields = nil
	return d
}

// TrimRevision drops managed fields, in place.
func TrimRevision(r *appsv1.ControllerRevision) *appsv1.ControllerRevision {
	r.ManagedFields = nil
	return r
}

// NamespaceOf makes the record of ns.
func NamespaceOf(ns *corev1.Namespace) Namespace {
	out := Namespace{
		Name:         ns.Name,
		Terminating:  ns.Status.Phase == corev1.NamespaceTerminating || ns.DeletionTimestamp != nil,
		NodeSelector: ns.Annotations["scheduler.alpha.kubernetes.io/node-selector"],
		Enforce:      ns.Labels["pod-security.kubernetes.io/enforce"],
	}
	if v, ok := ns.Annotations["openshift.io/node-selector"]; ok && out.NodeSelector == "" {
		out.NodeSelector = v
	}
	return out
}
