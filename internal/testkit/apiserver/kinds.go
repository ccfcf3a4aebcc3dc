package apiserver

import (
	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// kind is a resource that is served.
type kind struct {
	gv     schema.GroupVersion
	is     func(runtime.Object) (metav1.Object, bool)
	list   func(metav1.ListMeta, []metav1.Object) runtime.Object
	fields func(metav1.Object) fields.Set // beside metadata.name and metadata.namespace
}

func (k kind) fieldsOf(o metav1.Object) fields.Set {
	set := fields.Set{}
	if k.fields != nil {
		set = k.fields(o)
	}
	set["metadata.name"] = o.GetName()
	set["metadata.namespace"] = o.GetNamespace()
	return set
}

// kinds by the resource's name in paths.
var kinds = map[string]kind{
	"nodes": {
		gv: corev1.SchemeGroupVersion, is: is[*corev1.Node],
		list: func(m metav1.ListMeta, objs []metav1.Object) runtime.Object {
			return &corev1.NodeList{ListMeta: m, Items: values[corev1.Node](objs)}
		},
	},
	"namespaces": {
		gv: corev1.SchemeGroupVersion, is: is[*corev1.Namespace],
		list: func(m metav1.ListMeta, objs []metav1.Object) runtime.Object {
			return &corev1.NamespaceList{ListMeta: m, Items: values[corev1.Namespace](objs)}
		},
	},
	"pods": {
		gv: corev1.SchemeGroupVersion, is: is[*corev1.Pod],
		list: func(m metav1.ListMeta, objs []metav1.Object) runtime.Object {
			return &corev1.PodList{ListMeta: m, Items: values[corev1.Pod](objs)}
		},
		fields: func(o metav1.Object) fields.Set {
			p := o.(*corev1.Pod)
			return fields.Set{"spec.nodeName": p.Spec.NodeName, "status.nominatedNodeName": p.Status.NominatedNodeName}
		},
	},
	"events": {
		gv: corev1.SchemeGroupVersion, is: is[*corev1.Event],
		list: func(m metav1.ListMeta, objs []metav1.Object) runtime.Object {
			return &corev1.EventList{ListMeta: m, Items: values[corev1.Event](objs)}
		},
		fields: func(o metav1.Object) fields.Set {
			e := o.(*corev1.Event)
			return fields.Set{
				"type": e.Type, "reason": e.Reason,
				"involvedObject.kind": e.InvolvedObject.Kind, "involvedObject.name": e.InvolvedObject.Name,
				"involvedObject.namespace": e.InvolvedObject.Namespace, "involvedObject.uid": string(e.InvolvedObject.UID),
			}
		},
	},
	"daemonsets": {
		gv: appsv1.SchemeGroupVersion, is: is[*appsv1.DaemonSet],
		list: func(m metav1.ListMeta, objs []metav1.Object) runtime.Object {
			return &appsv1.DaemonSetList{ListMeta: m, Items: values[appsv1.DaemonSet](objs)}
		},
	},
	"leases": {
		gv: coordinationv1.SchemeGroupVersion, is: is[*coordinationv1.Lease],
		list: func(m metav1.ListMeta, objs []metav1.Object) runtime.Object {
			return &coordinationv1.LeaseList{ListMeta: m, Items: values[coordinationv1.Lease](objs)}
		},
	},
	"controllerrevisions": {
		gv: appsv1.SchemeGroupVersion, is: is[*appsv1.ControllerRevision],
		list: func(m metav1.ListMeta, objs []metav1.Object) runtime.Object {
			return &appsv1.ControllerRevisionList{ListMeta: m, Items: values[appsv1.ControllerRevision](objs)}
		},
	},
}

func is[P metav1.Object](o runtime.Object) (metav1.Object, bool) {
	p, ok := o.(P)
	return p, ok
}

func values[T any](objs []metav1.Object) []T {
	out := make([]T, len(objs))
	for i, o := range objs {
		out[i] = *any(o).(*T)
	}
	return out
}
