package pairs

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// upstreamCases are the shapes of TestNodeShouldRunDaemonPod
// (pkg/controller/daemon/daemon_controller_test.go, v1.37.2).
func upstreamCases() []Case {
	labels := map[string]string{"name": "simple-daemon", "type": "production"}
	here := onNode("test-node", labels)
	cordoned := onNode("test-node", labels)
	cordoned.Spec.Unschedulable = true
	asking := func(memory string, port int32) corev1.PodSpec {
		c := corev1.Container{Name: "main"}
		c.Resources.Requests = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(memory)}
		if port != 0 {
			c.Ports = []corev1.ContainerPort{{HostPort: port, ContainerPort: port}}
		}
		return corev1.PodSpec{Containers: []corev1.Container{c}}
	}
	elsewhere := asking("50M", 0)
	elsewhere.NodeName = "other-node"
	return []Case{
		{Name: "a plain template runs on a plain node", Template: asking("50M", 0), Node: here, Run: true, Stay: true},
		{Name: "a node that is too small should run it all the same", Template: asking("200M", 0), Node: here, Run: true, Stay: true},
		{Name: "a template that names another node runs nowhere else", Template: elsewhere, Node: here},
		{Name: "a host port that may be taken is not looked at", Template: asking("50M", 666), Node: here, Run: true, Stay: true},
		{Name: "a nodeSelector that asks another value keeps it away",
			Template: corev1.PodSpec{NodeSelector: map[string]string{"name": "simple-daemon", "type": "test"}}, Node: here},
		{Name: "a nodeSelector that holds lets it run",
			Template: corev1.PodSpec{NodeSelector: labels}, Node: here, Run: true, Stay: true},
		{Name: "a required affinity for another value keeps it away",
			Template: requiring(labelTerm(requirement("type", corev1.NodeSelectorOpIn, "test"))), Node: here},
		{Name: "a required affinity that holds lets it run",
			Template: requiring(labelTerm(requirement("type", corev1.NodeSelectorOpIn, "production"))), Node: here, Run: true, Stay: true},
		{Name: "the field unschedulable is not looked at", Template: asking("50M", 0), Node: cordoned, Run: true, Stay: true},
	}
}
