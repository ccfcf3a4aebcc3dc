package coverage

import (
	corev1 "k8s.io/api/core/v1"
)

// poolLabels name the group of equal nodes that a node belongs to, by who
// makes the nodes. The first that a node has counts.
var poolLabels = []string{
	"karpenter.sh/nodepool",
	"eks.amazonaws.com/nodegroup",
	"alpha.eksctl.io/nodegroup-name",
	"cloud.google.com/gke-nodepool",
	"kubernetes.azure.com/agentpool",
	"agentpool",
	"kops.k8s.io/instancegroup",
	"node.kubernetes.io/nodepool",
	"node.kubernetes.io/pool",
	"cluster.x-k8s.io/deployment-name",
	"doks.digitalocean.com/node-pool",
	"karpenter.sh/provisioner-name", // Karpenter before v1
	"pool",
}

// pools groups nodes.
type pools struct {
	of    []int32  // by node: index of its pool, -1 for none
	label []string // by pool: key=value
}

func newPools(nodes []*corev1.Node) pools {
	p := pools{of: make([]int32, len(nodes))}
	at := map[string]int32{}
	for i, n := range nodes {
		p.of[i] = -1
		key, value := poolOf(n)
		if key == "" {
			continue
		}
		label := key + "=" + value
		id, ok := at[label]
		if !ok {
			id = int32(len(p.label))
			at[label] = id
			p.label = append(p.label, label)
		}
		p.of[i] = id
	}
	return p
}

// poolOf returns the label that names the pool of a node, empty for none.
func poolOf(n *corev1.Node) (key, value string) {
	for _, k := range poolLabels {
		if v := n.Labels[k]; v != "" {
			return k, v
		}
	}
	return "", ""
}

// virtualLabels are the labels by which virtual nodes are known.
var virtualLabels = []string{"eks.amazonaws.com/compute-type", "type"}

// virtual reports whether no DaemonSet pod can run on the node, because a
// provider stands in for a kubelet.
func virtual(n *corev1.Node) bool {
	if n.Labels[virtualLabels[0]] == "fargate" || n.Labels[virtualLabels[1]] == "virtual-kubelet" {
		return true
	}
	for i := range n.Spec.Taints {
		switch n.Spec.Taints[i].Key {
		case "virtual-kubelet.io/provider", "eks.amazonaws.com/compute-type":
			return true
		}
	}
	return false
}
