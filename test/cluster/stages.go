package cluster

import (
	"bytes"
	"embed"
	"strings"
)

// stageFiles tell KWOK what a simulated kubelet does. Package simnode names the
// annotations that choose among them.
//
//go:embed files/stages/*.yaml
var stageFiles embed.FS

// ExecOnHost is for Options.Stages, and makes kubectl exec work: the command runs
// on this machine, as this user, whatever the pod. A test of a gate that runs a
// command in a pod needs it. A failing command ends kubectl with exit status 1,
// whatever its own was.
const ExecOnHost = `apiVersion: kwok.x-k8s.io/v1alpha1
kind: ClusterExec
metadata: {name: exec-on-host}
spec: {execs: [{local: {workDir: /}}]}
`

// startBehaviour is the jq expression for how a pod should start: its
// annotation, or what its first image asks for, if the pod's node is one that
// this is meant for.
const startBehaviour = `. as $p | if ((.metadata.annotations["sim.local/nodes"] // .spec.nodeName) | split(",") | index($p.spec.nodeName)) != null then (.metadata.annotations["sim.local/start"] // first(.spec.containers[0].image | capture("^sim/(?<start>[a-z-]+):").start) // null) else null end`

// stopBehaviour is the same for how it should end.
const stopBehaviour = `. as $p | if ((.metadata.annotations["sim.local/nodes"] // .spec.nodeName) | split(",") | index($p.spec.nodeName)) != null then .metadata.annotations["sim.local/stop"] else null end`

// kwokConfig is one file of all stages. The files are embedded, so reading them
// cannot fail.
func kwokConfig(extra []string) []byte {
	var out bytes.Buffer
	fill := strings.NewReplacer("@START@", startBehaviour, "@STOP@", stopBehaviour)
	entries, _ := stageFiles.ReadDir("files/stages")
	for _, e := range entries {
		text, _ := stageFiles.ReadFile("files/stages/" + e.Name())
		out.WriteString("---\n" + fill.Replace(string(text)) + "\n")
	}
	for _, text := range extra {
		out.WriteString("---\n" + strings.TrimPrefix(text, "---\n") + "\n")
	}
	return out.Bytes()
}
