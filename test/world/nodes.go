package world

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kubectl-ds/kubectl-ds/test/cluster/simnode"
)

// Names of nodes that have a part to play.
const (
	ControlPlane = "cp-1"
	Cordoned     = "general-6"
	Dedicated    = "general-5" // gets a taint under its running pods
	Small        = "small-1"
	LostNode     = "spot-1"
	Virtual      = "fargate-1"
	Mislabelled  = "gpu-3" // its GPU label has a typo
)

// poolLabel names the pool, as Karpenter does.
const poolLabel = "karpenter.sh/nodepool"

var zones = []string{"eu-central-1a", "eu-central-1b", "eu-central-1c"}

func node(i int, name, pool, arch, machine string, change func(*simnode.Node)) simnode.Node {
	n := simnode.Node{
		Name: name,
		Labels: map[string]string{
			corev1.LabelArchStable: arch, corev1.LabelTopologyZone: zones[i%len(zones)],
			corev1.LabelTopologyRegion: "eu-central-1", corev1.LabelInstanceTypeStable: machine,
		},
	}
	if pool != "" {
		n.Labels[poolLabel] = pool
	}
	if change != nil {
		change(&n)
	}
	return n
}

// Nodes are the sixteen nodes: three zones, two architectures, a tainted
// control plane, a GPU pool, a virtual node, a small one, a cordoned one, and
// one that will be lost.
func Nodes() []simnode.Node {
	const general, arm, gpu = "m7i.2xlarge", "m7g.xlarge", "g6.4xlarge"
	out := []simnode.Node{node(0, ControlPlane, "", "amd64", general, func(n *simnode.Node) {
		n.Labels["node-role.kubernetes.io/control-plane"] = ""
		n.Taints = []corev1.Taint{{Key: "node-role.kubernetes.io/control-plane", Effect: corev1.TaintEffectNoSchedule}}
	})}
	for i, name := range []string{"general-1", "general-2", "general-3", "general-4", Dedicated, Cordoned} {
		out = append(out, node(i, name, "general", "amd64", general, func(n *simnode.Node) {
			n.Unschedulable = name == Cordoned
		}))
	}
	for i, name := range []string{"arm-1", "arm-2", "arm-3"} {
		out = append(out, node(i, name, "general-arm64", "arm64", arm, nil))
	}
	for i, name := range []string{"gpu-1", "gpu-2", Mislabelled} {
		out = append(out, node(i, name, "gpu", "amd64", gpu, gpuNode))
	}
	return append(out,
		node(0, Small, "small", "amd64", "t3.nano", func(n *simnode.Node) {
			n.Allocatable = corev1.ResourceList{
				corev1.ResourceCPU: resource.MustParse("300m"), corev1.ResourceMemory: resource.MustParse("4Gi"),
				corev1.ResourcePods: resource.MustParse("20"),
			}
		}),
		node(1, Virtual, "", "amd64", "", func(n *simnode.Node) {
			n.Labels["eks.amazonaws.com/compute-type"] = "fargate"
			n.Taints = []corev1.Taint{{Key: "eks.amazonaws.com/compute-type", Value: "fargate", Effect: corev1.TaintEffectNoSchedule}}
		}),
		node(2, LostNode, "spot", "amd64", general, nil),
	)
}

func gpuNode(n *simnode.Node) {
	label := "nvidia.com/gpu.present"
	if n.Name == Mislabelled {
		label = "nvidia.com/gpu.presnt"
	}
	n.Labels[label] = "true"
	n.Taints = []corev1.Taint{
		{Key: "nvidia.com/gpu", Value: "present", Effect: corev1.TaintEffectNoSchedule},
		{Key: "fsx.csi.aws.com/agent-not-ready", Effect: corev1.TaintEffectNoSchedule},
	}
}

// Joiner is a node that joins later.
func Joiner(name string) simnode.Node {
	return node(1, name, "general", "amd64", "m7i.2xlarge", nil)
}
