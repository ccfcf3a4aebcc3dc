package archive

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// compactAnnotation marks a pod that was written from its compact record: all
// of it that is not in the record is lost.
const compactAnnotation = snapshot.APIGroup + "/compact"

// minimalPod is a pod of which snapshot.Interner makes the record p again.
func minimalPod(p *snapshot.Pod) *corev1.Pod {
	out := &corev1.Pod{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: p.Namespace, Name: p.Name, UID: p.UID, ResourceVersion: p.ResourceVersion,
			Labels:            p.Labels,
			Annotations:       map[string]string{compactAnnotation: "true"},
			CreationTimestamp: timeOf(p.Created),
		},
		Spec: corev1.PodSpec{
			NodeName:   p.Node,
			Containers: []corev1.Container{minimalContainer(p)},
		},
		Status: corev1.PodStatus{Phase: p.Phase, NominatedNodeName: p.Nominated},
	}
	if p.Deleted != 0 {
		t := timeOf(p.Deleted)
		out.DeletionTimestamp = &t
	}
	if o := p.Owner; o != nil {
		yes := true
		out.OwnerReferences = []metav1.OwnerReference{{
			APIVersion: ownerVersions[o.Kind], Kind: o.Kind, Name: o.Name, UID: o.UID, Controller: &yes,
		}}
	}
	if p.Target != "" {
		out.Spec.Affinity = pin(p.Target)
	}
	if p.Priority != 0 {
		out.Spec.Priority = &p.Priority
	}
	if p.Ready || p.ReadySince != 0 {
		status := corev1.ConditionFalse
		if p.Ready {
			status = corev1.ConditionTrue
		}
		out.Status.Conditions = []corev1.PodCondition{{
			Type: corev1.PodReady, Status: status, LastTransitionTime: timeOf(p.ReadySince),
		}}
	}
	if p.Restarts != 0 {
		out.Status.ContainerStatuses = []corev1.ContainerStatus{{
			Name: minimalName, Ready: p.Ready, RestartCount: p.Restarts,
		}}
	}
	return out
}

// ownerVersions are of the built-in kinds that own pods. The record does not
// have the version of others, and nothing asks for it.
var ownerVersions = map[string]string{
	"DaemonSet": "apps/v1", "ReplicaSet": "apps/v1", "StatefulSet": "apps/v1",
	"Job": "batch/v1", "Node": "v1", "ReplicationController": "v1",
}

// minimalName is the name of the one container that stands for all.
const minimalName = "all"

func minimalContainer(p *snapshot.Pod) corev1.Container {
	c := corev1.Container{Name: minimalName}
	if r := p.Requests; r != nil {
		list := corev1.ResourceList{}
		if r.MilliCPU != 0 {
			list[corev1.ResourceCPU] = *resource.NewMilliQuantity(r.MilliCPU, resource.DecimalSI)
		}
		if r.Memory != 0 {
			list[corev1.ResourceMemory] = *resource.NewQuantity(r.Memory, resource.BinarySI)
		}
		if r.EphemeralStorage != 0 {
			list[corev1.ResourceEphemeralStorage] = *resource.NewQuantity(r.EphemeralStorage, resource.BinarySI)
		}
		for _, e := range r.Extended {
			list[e.Name] = *resource.NewQuantity(e.Value, resource.DecimalSI)
		}
		if len(list) > 0 {
			c.Resources.Requests = list
		}
	}
	if p.HostPorts != nil {
		for _, h := range *p.HostPorts {
			c.Ports = append(c.Ports, corev1.ContainerPort{
				ContainerPort: h.Port, HostPort: h.Port, HostIP: h.IP, Protocol: h.Protocol,
			})
		}
	}
	return c
}

// pin is the affinity by which the DaemonSet controller ties a pod to a node.
func pin(node string) *corev1.Affinity {
	return &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
		RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{
			NodeSelectorTerms: []corev1.NodeSelectorTerm{{
				MatchFields: []corev1.NodeSelectorRequirement{{
					Key: metav1.ObjectNameField, Operator: corev1.NodeSelectorOpIn, Values: []string{node},
				}},
			}},
		},
	}}
}

func timeOf(t snapshot.Time) metav1.Time {
	if t == 0 {
		return metav1.Time{}
	}
	return metav1.Time{Time: time.Unix(int64(t), 0).UTC()}
}
