package snapshot

import "testing"

// The texts of a cluster that is ordinary: a capture of 150,000 pods asks about
// each.
var ordinaryTexts = []string{
	"0/191 nodes are available: 1 Insufficient cpu, 190 node(s) didn't satisfy plugin(s) [NodeAffinity]. preemption: 0/191 nodes are available: 1 No preemption victims found for incoming pod.",
	"kubelet has sufficient memory available",
	"back-off 5m0s restarting failed container=agent pod=agent-x7k2p_ops(6f8b1a52-0f3c-4a39-8b32-a1f9be7a61c4)",
	`Back-off pulling image "registry.example.com/vector:0.49.0": no match for platform in manifest: not found`,
	"Readiness probe failed: HTTP probe failed with statuscode: 503",
	`Error creating: pods "agent-x" is forbidden: exceeded quota: compute, requested: pods=1, used: pods=5, limited: pods=5`,
	"containers with unready status: [agent]",
}

var ordinaryLabels = map[string]string{
	"app.kubernetes.io/name": "node-exporter", "app.kubernetes.io/managed-by": "Helm", "app.kubernetes.io/version": "1.8.2",
	"controller-revision-hash": "6f7d9c5b8", "pod-template-generation": "3", "helm.sh/chart": "prometheus-node-exporter-4.37.0",
	"topology.kubernetes.io/zone": "eu-central-1a", "node.kubernetes.io/instance-type": "g6.48xlarge",
	"kubernetes.io/hostname": "ip-10-0-12-155.eu-central-1.compute.internal",
}

func BenchmarkMaskText(b *testing.B) {
	for b.Loop() {
		for _, s := range ordinaryTexts {
			MaskText(s)
		}
	}
}

func BenchmarkLabels(b *testing.B) {
	r := new(Redactor)
	for b.Loop() {
		r.Labels(ordinaryLabels)
	}
}
