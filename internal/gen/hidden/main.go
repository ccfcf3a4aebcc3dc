// Command hidden writes the capture of a cluster that people meet: a startup
// taint that was never removed keeps a storage driver off 155 of 191 nodes, and
// kubectl get ds shows 36 desired, 36 ready.
package main

import (
	"bytes"
	"fmt"
	"os"
)

func main() {
	if err := os.WriteFile(os.Args[1], capture(), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

const (
	all    = 191
	gpus   = 155
	joined = "2026-11-08T07:00:00Z"
	ready  = "2026-11-08T07:02:00Z"
)

func capture() []byte {
	var b bytes.Buffer
	for i := range all {
		if i > 0 {
			b.WriteString("---\n")
		}
		node(&b, i)
	}
	fmt.Fprintf(&b, `---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: fsx-csi-node, namespace: storage, uid: d5, generation: 1, creationTimestamp: "2026-11-08T06:00:00Z", annotations: {deprecated.daemonset.template.generation: "1"}}
spec:
  selector: {matchLabels: {app: fsx-csi-node}}
  updateStrategy: {type: RollingUpdate, rollingUpdate: {maxUnavailable: 1}}
  template:
    metadata: {labels: {app: fsx-csi-node}}
    spec:
      nodeSelector: {kubernetes.io/os: linux}
      tolerations: [{key: nvidia.com/gpu, operator: Exists}]
      containers: [{name: driver, image: "registry.example/fsx-csi:v1.7.0", resources: {requests: {cpu: 30m, memory: 120Mi}}}]
status: {observedGeneration: 1, desiredNumberScheduled: %[1]d, currentNumberScheduled: %[1]d, numberReady: %[1]d, numberAvailable: %[1]d, updatedNumberScheduled: %[1]d, numberMisscheduled: 0}
---
apiVersion: apps/v1
kind: ControllerRevision
metadata: {name: fsx-csi-node-6f4c9d7b8, namespace: storage, uid: r1, creationTimestamp: "2026-11-08T06:00:00Z", labels: {app: fsx-csi-node, controller-revision-hash: 6f4c9d7b8}, ownerReferences: [{apiVersion: apps/v1, kind: DaemonSet, name: fsx-csi-node, uid: d5, controller: true}]}
revision: 1
---
apiVersion: v1
kind: Namespace
metadata: {name: storage}
status: {phase: Active}
---
apiVersion: v1
kind: Event
metadata: {name: fsx-csi-node.1, namespace: storage}
involvedObject: {kind: DaemonSet, namespace: storage, name: fsx-csi-node, uid: d5}
type: Normal
reason: SuccessfulCreate
lastTimestamp: "2026-11-23T08:12:04Z"
`, all-gpus)
	for i := gpus; i < all; i++ {
		fmt.Fprintf(&b, `---
apiVersion: v1
kind: Pod
metadata: {name: fsx-csi-node-%[1]s, namespace: storage, uid: p%[2]d, creationTimestamp: "%[4]s", labels: {app: fsx-csi-node, controller-revision-hash: 6f4c9d7b8, pod-template-generation: "1"}, ownerReferences: [{apiVersion: apps/v1, kind: DaemonSet, name: fsx-csi-node, uid: d5, controller: true}]}
spec: {nodeName: %[3]s, containers: [{name: driver, image: "registry.example/fsx-csi:v1.7.0", resources: {requests: {cpu: 30m, memory: 120Mi}}}]}
status: {phase: Running, conditions: [{type: Ready, status: "True", lastTransitionTime: "%[4]s"}]}
`, suffix(i), i, name(i), ready)
	}
	return b.Bytes()
}

func node(b *bytes.Buffer, i int) {
	pool, machine, arch, taints := "gpu", "g6.48xlarge", "amd64", ""
	switch {
	case i < gpus:
		taints = "spec: {taints: [{key: nvidia.com/gpu, value: present, effect: NoSchedule}, {key: fsx.csi.aws.com/agent-not-ready, effect: NoSchedule}]}\n"
	case i < gpus+24:
		pool, machine = "general", "m7i.2xlarge"
	default:
		pool, machine, arch = "general-arm64", "m7g.xlarge", "arm64"
	}
	fmt.Fprintf(b, `apiVersion: v1
kind: Node
metadata: {name: %s, uid: n%d, creationTimestamp: "%s", labels: {kubernetes.io/os: linux, kubernetes.io/arch: %s, karpenter.sh/nodepool: %s, node.kubernetes.io/instance-type: %s, topology.kubernetes.io/zone: eu-1%c}}
%sstatus: {allocatable: {cpu: "8", memory: 32Gi, pods: "110"}, conditions: [{type: Ready, status: "True", reason: KubeletReady, lastTransitionTime: "%s"}]}
`, name(i), i, joined, arch, pool, machine, 'a'+i%3, taints, joined)
}

func name(i int) string { return fmt.Sprintf("ip-10-0-%d-%d", 128+i/64, 4+i%64*3) }

// suffix is what a generated pod name ends in.
func suffix(i int) string {
	const letters = "bcdfghjklmnpqrstvwxz2456789"
	return fmt.Sprintf("%c%c%c%c%c", letters[i%27], letters[i*7%27], letters[i*11%27], letters[i*13%27], letters[i/27%27])
}
