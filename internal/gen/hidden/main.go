// Command hidden writes the capture of a cluster that people meet: a startup
// taint that was never removed keeps a storage driver off 155 of 191 nodes, and
// kubectl get ds shows 36 desired, 36 ready. It is an example of the documents,
// and with what is expected of it a case of the tests.
package main

import (
	"bytes"
	"crypto/sha1"
	"fmt"
	"os"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: hidden EXAMPLE CASE")
		os.Exit(2)
	}
	example := capture()
	for path, content := range map[string][]byte{os.Args[1]: example, os.Args[2]: append([]byte(expect), example...)} {
		if err := os.WriteFile(path, content, 0o644); err != nil {
			fmt.Fprintln(os.Stderr, "error:", err)
			os.Exit(1)
		}
	}
}

const (
	all    = 191
	gpus   = 155
	joined = "2026-11-08T07:00:00Z"
	ready  = "2026-11-08T07:02:00Z"
)

// expect is the first document of the case: status is green in every count, and
// most of the cluster goes without.
const expect = `kind: Expect
describe: "A startup taint that nobody removed hides 155 of 191 nodes behind a green status."
now: "2026-11-23T08:12:04Z"
grace: 5m
verdicts:
- {daemonSet: storage/fsx-csi-node, node: ip-10-0-128-4, state: Excluded, reason: TaintTransient, suspect: true, hidden: true, settling: false, hiddenBy: ["fsx.csi.aws.com/agent-not-ready:NoSchedule"], message: "fsx.csi.aws.com/agent-not-ready:NoSchedule", contributing: [], evidence: {taints: [{key: fsx.csi.aws.com/agent-not-ready, effect: NoSchedule, class: arriving}]}}
- {daemonSet: storage/fsx-csi-node, node: ip-10-0-130-190, state: Covered, reason: Current, suspect: false, hidden: false}
findings: []
statusDrift: []
summary:
- {daemonSet: storage/fsx-csi-node, nodes: 191, shouldRun: 36, covered: 36, outdated: 0, gaps: 0, misplaced: 0, excluded: 155, hidden: 155, suspect: 155, unknown: 0, settling: 0, coverage: 100, steady: {shouldRun: 191, covered: 36, coverage: 18.84}}
---
`

// template is what the DaemonSet and its revision hold.
const template = `metadata: {labels: {app: fsx-csi-node}}, spec: {nodeSelector: {kubernetes.io/os: linux}, tolerations: [{key: nvidia.com/gpu, operator: Exists}], containers: [{name: driver, image: "registry.example/fsx-csi:v1.7.0", resources: {requests: {cpu: 30m, memory: 120Mi}}}]`

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
metadata: {name: fsx-csi-node, namespace: storage, uid: %[2]s, generation: 1, creationTimestamp: "2026-11-08T06:00:00Z", labels: {app: fsx-csi-node}, annotations: {deprecated.daemonset.template.generation: "1"}}
spec: {selector: {matchLabels: {app: fsx-csi-node}}, revisionHistoryLimit: 10, updateStrategy: {type: RollingUpdate, rollingUpdate: {maxUnavailable: 1, maxSurge: 0}}, template: {%[3]s}}}
status: {observedGeneration: 1, desiredNumberScheduled: %[1]d, currentNumberScheduled: %[1]d, numberReady: %[1]d, numberAvailable: %[1]d, updatedNumberScheduled: %[1]d, numberMisscheduled: 0}
---
apiVersion: apps/v1
kind: ControllerRevision
metadata: {name: fsx-csi-node-6f4c9d7b8, namespace: storage, uid: %[4]s, creationTimestamp: "2026-11-08T06:00:00Z", labels: {app: fsx-csi-node, controller-revision-hash: 6f4c9d7b8}, annotations: {deprecated.daemonset.template.generation: "1"}, ownerReferences: [%[5]s]}
data: {spec: {template: {$patch: replace, %[3]s}}}}
revision: 1
---
apiVersion: v1
kind: Namespace
metadata: {name: storage, uid: %[6]s, creationTimestamp: "2026-11-08T06:00:00Z", labels: {kubernetes.io/metadata.name: storage}}
spec: {finalizers: [kubernetes]}
status: {phase: Active}
---
apiVersion: v1
kind: Event
metadata: {name: fsx-csi-node.187d2f6c1f0a4b3e, namespace: storage, uid: %[7]s, creationTimestamp: "2026-11-23T08:12:04Z"}
involvedObject: {apiVersion: apps/v1, kind: DaemonSet, namespace: storage, name: fsx-csi-node, uid: %[2]s}
type: Normal
reason: SuccessfulCreate
message: "Created pod: fsx-csi-node-%[8]s"
count: 1
firstTimestamp: "2026-11-23T08:12:04Z"
lastTimestamp: "2026-11-23T08:12:04Z"
source: {component: daemonset-controller}
`, all-gpus, uid("daemonset"), template, uid("revision"), owner(), uid("namespace"), uid("event"), suffix(all-1))
	for i := gpus; i < all; i++ {
		fmt.Fprintf(&b, `---
apiVersion: v1
kind: Pod
metadata: {name: fsx-csi-node-%[1]s, namespace: storage, uid: %[2]s, generateName: fsx-csi-node-, creationTimestamp: "%[4]s", labels: {app: fsx-csi-node, controller-revision-hash: 6f4c9d7b8, pod-template-generation: "1"}, ownerReferences: [%[5]s]}
spec: {nodeName: %[3]s, nodeSelector: {kubernetes.io/os: linux}, affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchFields: [{key: metadata.name, operator: In, values: [%[3]s]}]}]}}}, containers: [{name: driver, image: "registry.example/fsx-csi:v1.7.0", resources: {requests: {cpu: 30m, memory: 120Mi}}}]}
status: {phase: Running, conditions: [{type: Initialized, status: "True", lastTransitionTime: "%[4]s"}, {type: Ready, status: "True", lastTransitionTime: "%[4]s"}, {type: ContainersReady, status: "True", lastTransitionTime: "%[4]s"}, {type: PodScheduled, status: "True", lastTransitionTime: "%[4]s"}], containerStatuses: [{name: driver, ready: true, started: true, restartCount: 0, image: "registry.example/fsx-csi:v1.7.0", imageID: "", state: {running: {startedAt: "%[4]s"}}}]}
`, suffix(i), uid("pod", i), name(i), ready, owner())
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
metadata: {name: %[1]s, uid: %[2]s, creationTimestamp: "%[3]s", labels: {kubernetes.io/hostname: %[1]s, kubernetes.io/os: linux, kubernetes.io/arch: %[4]s, karpenter.sh/nodepool: %[5]s, node.kubernetes.io/instance-type: %[6]s, topology.kubernetes.io/zone: eu-1%[7]c}}
%[8]sstatus: {allocatable: {cpu: "8", memory: 32Gi, pods: "110"}, conditions: [{type: Ready, status: "True", reason: KubeletReady, message: kubelet is posting ready status, lastTransitionTime: "%[3]s"}], nodeInfo: {operatingSystem: linux, architecture: %[4]s, kubeletVersion: v1.37.2}}
`, name(i), uid("node", i), joined, arch, pool, machine, 'a'+i%3, taints)
}

// owner is the reference that the controller puts on what it creates.
func owner() string {
	return fmt.Sprintf("{apiVersion: apps/v1, kind: DaemonSet, name: fsx-csi-node, uid: %s, controller: true, blockOwnerDeletion: true}", uid("daemonset"))
}

// uid is the same in every run, and has the form that the API server gives it.
func uid(parts ...any) string {
	h := sha1.Sum(fmt.Append(nil, parts...))
	h[6], h[8] = h[6]&0x0f|0x50, h[8]&0x3f|0x80 // version 5, made from a name
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[0:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

func name(i int) string { return fmt.Sprintf("ip-10-0-%d-%d", 128+i/64, 4+i%64*3) }

// suffix is what a generated pod name ends in.
func suffix(i int) string {
	const letters = "bcdfghjklmnpqrstvwxz2456789"
	return fmt.Sprintf("%c%c%c%c%c", letters[i%27], letters[i*7%27], letters[i*11%27], letters[i*13%27], letters[i/27%27])
}
