package coverage

import (
	"slices"
	"testing"
)

// The messages are what schedulers of these versions print for a pod that a
// DaemonSet pins to one node of the cluster (framework.FitError.Error and the
// plugins' reasons).
func TestParseScheduler(t *testing.T) {
	const (
		others137 = "35 node(s) didn't satisfy plugin(s) [NodeAffinity]"
		useless   = "preemption: 0/36 nodes are available: 36 Preemption is not helpful for scheduling."
	)
	tests := []struct {
		name, message string
		reasons       []string
		class         []Reason // of the reasons, in their order
		preemption    []string
		elsewhere     bool
	}{
		{
			name: "1.37 resources",
			message: "0/36 nodes are available: 1 Insufficient cpu, 1 Insufficient memory, " + others137 +
				". preemption: 0/36 nodes are available: 1 No preemption victims found for incoming pod, 35 Preemption is not helpful for scheduling.",
			reasons: []string{"Insufficient cpu", "Insufficient memory"}, class: []Reason{SchedInsufficient, SchedInsufficient},
			preemption: []string{"No preemption victims found for incoming pod"},
		},
		{
			name: "1.26 resources",
			message: "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't match Pod's node affinity/selector. " +
				"preemption: 0/3 nodes are available: 1 No preemption victims found for incoming pod, 2 Preemption is not helpful for scheduling..",
			reasons: []string{"Insufficient cpu"}, class: []Reason{SchedInsufficient},
			preemption: []string{"No preemption victims found for incoming pod"},
		},
		{
			name: "1.28 prefilter result",
			message: "0/3 nodes are available: 1 Insufficient memory, 2 node is filtered out by the prefilter result. " +
				"preemption: 0/3 nodes are available: 1 No preemption victims found for incoming pod, 2 Preemption is not helpful for scheduling.",
			reasons: []string{"Insufficient memory"}, class: []Reason{SchedInsufficient},
			preemption: []string{"No preemption victims found for incoming pod"},
		},
		{
			name:    "1.19 no preemption, a taint with a comma after it",
			message: "0/2 nodes are available: 1 node(s) didn't match node selector, 1 node(s) had taint {dedicated: db}, that the pod didn't tolerate.",
			reasons: []string{"node(s) had taint {dedicated: db}, that the pod didn't tolerate"}, class: []Reason{SchedTaint},
		},
		{
			name:    "1.30 a taint with key and value",
			message: "0/36 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/unreachable: }, " + others137 + ". " + useless,
			reasons: []string{"node(s) had untolerated taint {node.kubernetes.io/unreachable: }"}, class: []Reason{SchedTaint},
		},
		{
			name:    "1.37 a taint without its key",
			message: "0/36 nodes are available: 1 node(s) had untolerated taint(s), " + others137 + ". " + useless,
			reasons: []string{"node(s) had untolerated taint(s)"}, class: []Reason{SchedTaint},
		},
		{
			name: "1.32 a plugin of PostFilter speaks before preemption",
			message: "0/36 nodes are available: 1 Insufficient cpu, " + others137 +
				". no new claims to deallocate, preemption: 0/36 nodes are available: 1 No preemption victims found for incoming pod, 35 Preemption is not helpful for scheduling.",
			reasons: []string{"Insufficient cpu"}, class: []Reason{SchedInsufficient},
			preemption: []string{"No preemption victims found for incoming pod"},
		},
		{
			name:    "1.37 the priority class must not preempt",
			message: "0/36 nodes are available: 1 Too many pods, " + others137 + ". preemption: not eligible due to preemptionPolicy=Never.",
			reasons: []string{"Too many pods"}, class: []Reason{SchedTooManyPods},
			preemption: []string{"not eligible due to preemptionPolicy=Never"},
		},
		{
			name:    "1.37 all filtered by PreFilter",
			message: "0/36 nodes are available: node(s) didn't satisfy plugin NodeAffinity. " + useless, elsewhere: true,
		},
		{
			name:    "1.37 only other nodes: a selector that admission added",
			message: "0/36 nodes are available: 36 node(s) didn't satisfy plugin(s) [NodeAffinity]. " + useless, elsewhere: true,
		},
		{
			name:    "1.26 only other nodes",
			message: "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector. " + useless, elsewhere: true,
		},
		{
			name:    "1.30 two plugins narrow the nodes, and the target is among them",
			message: "0/36 nodes are available: 1 Insufficient cpu, 35 node(s) didn't satisfy plugin(s) [NodeAffinity VolumeBinding]. " + useless,
			reasons: []string{"Insufficient cpu"}, class: []Reason{SchedInsufficient},
		},
		{
			name:    "1.30 two plugins narrow the nodes to none: the volume is elsewhere",
			message: "0/36 nodes are available: node(s) didn't satisfy plugin(s) [NodeAffinity VolumeBinding] simultaneously. " + useless,
			reasons: []string{"node(s) didn't satisfy plugin(s) [NodeAffinity VolumeBinding] simultaneously"}, class: []Reason{SchedVolume},
		},
		{
			name:    "PreFilter: a claim that does not exist",
			message: `0/36 nodes are available: persistentvolumeclaim "data" not found. ` + useless,
			reasons: []string{`persistentvolumeclaim "data" not found`}, class: []Reason{SchedVolume},
		},
		{
			name:    "PreFilter: a claim that is not bound",
			message: "0/36 nodes are available: pod has unbound immediate PersistentVolumeClaims. " + useless,
			reasons: []string{"pod has unbound immediate PersistentVolumeClaims"}, class: []Reason{SchedVolume},
		},
		{
			name:    "1.32 PreFilter: a resource claim that is not made yet",
			message: `0/36 nodes are available: waiting for dynamic resource controller to create the resourceclaim "gpu". ` + useless,
			reasons: []string{`waiting for dynamic resource controller to create the resourceclaim "gpu"`}, class: []Reason{SchedDRA},
		},
		{
			name:    "DRA",
			message: "0/36 nodes are available: 1 cannot allocate all claims, " + others137 + ". " + useless,
			reasons: []string{"cannot allocate all claims"}, class: []Reason{SchedDRA},
		},
		{
			name: "several reasons of the one node, sorted as strings",
			message: "0/36 nodes are available: 1 Insufficient example.com/gpu, 1 node(s) didn't have free ports for the requested pod ports, " +
				"1 node(s) didn't match pod anti-affinity rules, " + others137 + ". " + useless,
			reasons: []string{"Insufficient example.com/gpu", "node(s) didn't have free ports for the requested pod ports", "node(s) didn't match pod anti-affinity rules"},
			class:   []Reason{SchedInsufficient, SchedHostPort, SchedPodAffinity},
		},
		{
			name:    "1.23: others by what refused them first",
			message: "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had taint {dedicated: db}, that the pod didn't tolerate.",
			reasons: []string{"Insufficient cpu"}, class: []Reason{SchedInsufficient},
		},
		{
			name:      "several nodes, and nobody says which",
			message:   "0/5 nodes are available: 2 Insufficient cpu, 3 node(s) were unschedulable.",
			elsewhere: true,
		},
		{
			name:    "all nodes, the target among them",
			message: "0/2 nodes are available: 2 Insufficient cpu.",
			reasons: []string{"Insufficient cpu"}, class: []Reason{SchedInsufficient},
		},
		{
			name:    "a cluster of one node",
			message: "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.",
			reasons: []string{"Insufficient cpu"}, class: []Reason{SchedInsufficient},
			preemption: []string{"No preemption victims found for incoming pod"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := parseScheduler(tt.message)
			if !w.parsed || w.elsewhere != tt.elsewhere {
				t.Errorf("parsed %v, elsewhere %v; want true, %v", w.parsed, w.elsewhere, tt.elsewhere)
			}
			if !slices.Equal(w.reasons, tt.reasons) {
				t.Errorf("reasons %q, want %q", w.reasons, tt.reasons)
			}
			if !slices.Equal(w.preemption, tt.preemption) {
				t.Errorf("preemption %q, want %q", w.preemption, tt.preemption)
			}
			var class []Reason
			for _, r := range w.reasons {
				class = append(class, classifyScheduler(r))
			}
			if !slices.Equal(class, tt.class) {
				t.Errorf("classes %q, want %q", class, tt.class)
			}
		})
	}
	for _, other := range []string{"", "Scheduling is blocked due to non-empty scheduling gates", "3/3 nodes are available: x.", "running Filter plugin: context canceled"} {
		if w := parseScheduler(other); w.parsed || w.elsewhere || w.reasons != nil {
			t.Errorf("%q is not of the known form, got %+v", other, w)
		}
	}
}

// The strings are copied from pkg/scheduler/framework/plugins of v1.37.2,
// except where a version stands beside.
func TestClassifyScheduler(t *testing.T) {
	for text, want := range map[string]Reason{
		"Insufficient cpu":               SchedInsufficient,
		"Insufficient ephemeral-storage": SchedInsufficient,
		"Insufficient hugepages-2Mi":     SchedInsufficient,
		"Insufficient nvidia.com/gpu":    SchedInsufficient,
		"Too many pods":                  SchedTooManyPods,

		"node(s) didn't have free ports for the requested pod ports": SchedHostPort,

		"node(s) had untolerated taint(s)":                                SchedTaint,
		"node(s) had taints that the pod didn't tolerate":                 SchedTaint,
		"node(s) had untolerated taint {dedicated: db}":                   SchedTaint, // 1.30
		"node(s) had taint {dedicated: db}, that the pod didn't tolerate": SchedTaint, // 1.22
		"node(s) were unschedulable":                                      SchedTaint,

		"node(s) didn't match pod affinity rules":                                       SchedPodAffinity,
		"node(s) didn't match pod anti-affinity rules":                                  SchedPodAffinity,
		"node(s) didn't satisfy existing pods anti-affinity rules":                      SchedPodAffinity,
		"node(s) didn't match pod topology spread constraints":                          SchedSpread,
		"node(s) didn't match pod topology spread constraints (missing required label)": SchedSpread,

		"node(s) exceed max volume count":                                           SchedVolume,
		"node(s) had no available volume zone":                                      SchedVolume,
		"node(s) had volume node affinity conflict":                                 SchedVolume, // 1.30
		"node(s) didn't find available persistent volumes to bind":                  SchedVolume,
		"node(s) didn't match PersistentVolume's node affinity":                     SchedVolume,
		"node(s) did not have enough free storage":                                  SchedVolume,
		"node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)": SchedVolume,
		"node(s) had no available disk":                                             SchedVolume,
		"node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod": SchedVolume,
		"ebs.csi.aws.com CSI driver is not installed on the node":                                                          SchedVolume,
		"pod has unbound immediate PersistentVolumeClaims":                                                                 SchedVolume,

		"node(s) didn't match Pod's required features": SchedFeature,

		"cannot allocate all claims":                                            SchedDRA,
		"resourceclaim in use":                                                  SchedDRA,
		"resourceclaim not available on the node":                               SchedDRA,
		"request gpu: device class x does not exist":                            SchedDRA,
		"asked by caller to stop allocating devices: context deadline exceeded": SchedDRA,

		"node(s) had unknown conditions":                        SchedOther,
		"node(s) didn't match scheduler-enforced node affinity": SchedOther,
		"node(s) didn't match the requested node name":          SchedOther,
		"": SchedOther,
	} {
		if got := classifyScheduler(text); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}
