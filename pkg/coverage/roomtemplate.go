package coverage

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/resource"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// TemplateRequests are what the scheduler would reserve for a pod of the
// template, as far as the template tells.
func TemplateRequests(spec *corev1.PodSpec) *snapshot.Requests {
	p := templatePod(spec)
	return p.Requests
}

// templatePod is the pod that a template makes, without what admission would
// add to it.
func templatePod(spec *corev1.PodSpec) snapshot.Pod {
	pod := &corev1.Pod{Spec: *spec.DeepCopy()}
	pod.Spec.NodeName = ""
	setPodDefaults(pod)
	var in snapshot.Interner
	return in.FullPod(pod)
}

// setPodDefaults sets what the API server sets in pods, and not in templates,
// as far as room depends on it: absent requests are the limits, and ports of the
// host's network are host ports. Mirrors SetDefaults_Pod (pkg/apis/core/v1,
// v1.37.2).
func setPodDefaults(p *corev1.Pod) {
	for _, containers := range [][]corev1.Container{p.Spec.Containers, p.Spec.InitContainers} {
		for i := range containers {
			c := &containers[i]
			c.Resources.Requests = withDefaults(c.Resources.Requests, c.Resources.Limits)
			for j := range c.Ports {
				if port := &c.Ports[j]; p.Spec.HostNetwork && port.HostPort == 0 {
					port.HostPort = port.ContainerPort
				}
			}
		}
	}
	if r := p.Spec.Resources; r != nil && len(r.Limits) > 0 {
		ofContainers, limits := corev1.ResourceList{}, corev1.ResourceList{}
		for name, q := range resource.AggregateContainerRequests(p, resource.PodResourcesOptions{}) {
			if name == corev1.ResourceCPU || name == corev1.ResourceMemory {
				ofContainers[name] = q
			}
		}
		for name, q := range r.Limits {
			if resource.IsSupportedPodLevelResource(name) {
				limits[name] = q
			}
		}
		r.Requests = withDefaults(withDefaults(r.Requests, ofContainers), limits)
	}
}

// withDefaults adds to have what it lacks.
func withDefaults(have, defaults corev1.ResourceList) corev1.ResourceList {
	for name, q := range defaults {
		if _, ok := have[name]; !ok {
			if have == nil {
				have = corev1.ResourceList{}
			}
			have[name] = q
		}
	}
	return have
}
