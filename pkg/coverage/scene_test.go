package coverage

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/golden"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit"
)

const day = 24 * time.Hour

// monday is a cluster of 191 nodes with most of what goes wrong on a Monday
// morning: 155 of GPU, 24 of amd64, 12 of arm64, made by Karpenter.
type monday struct {
	*testkit.World
	nodes []string // GPU, then amd64, then arm64; the first one is lost
}

const (
	gpuNodes    = 155
	amdNodes    = 24
	armNodes    = 12
	youngestGPU = 12 // of GPU
	smallNodes  = 7  // of amd64
)

func newMonday() *monday {
	m := &monday{World: testkit.NewWorld()}
	for i := range gpuNodes + amdNodes + armNodes {
		name := fmt.Sprintf("ip-10-0-%03d", i)
		n := testkit.Node(name).Label(fmt.Sprintf("topology.kubernetes.io/zone=eu-1%c", 'a'+i%3)).Joined(40*day + time.Duration(i)*time.Minute)
		switch {
		case i < gpuNodes:
			n.Label("karpenter.sh/nodepool=gpu", "nvidia.com/gpu=true", "node.kubernetes.io/instance-type=g6.48xlarge").
				Taint("nvidia.com/gpu=present:NoSchedule", "fsx.csi.aws.com/agent-not-ready:NoSchedule")
			if i >= gpuNodes-youngestGPU {
				n.Joined(2*day + 16*time.Hour - time.Duration(i)*time.Minute)
			}
		case i < gpuNodes+amdNodes:
			n.Label("karpenter.sh/nodepool=general", "node.kubernetes.io/instance-type=m7i.2xlarge")
			if k := i - gpuNodes; k < smallNodes {
				n.Label("node.kubernetes.io/instance-type=m6i.large").Allocatable("cpu", "1930m")
				m.Add(testkit.Pod("team-a", "api-"+name, name).OwnedBy("ReplicaSet", "api").Requests("cpu", "600m"))
			}
			if i == gpuNodes+amdNodes-1 {
				n.Taint("dedicated=batch:NoSchedule")
			}
		default:
			n.Label("karpenter.sh/nodepool=general-arm64", "node.kubernetes.io/instance-type=m7g.xlarge", "kubernetes.io/arch=arm64")
		}
		if i == 0 {
			n.Lost(9*time.Hour + 31*time.Minute)
		}
		m.Add(n)
		m.nodes = append(m.nodes, name)
	}
	return m
}

// everywhere runs a DaemonSet that tolerates all, on all nodes.
func (m *monday) everywhere(namespace, name string) {
	m.Run(testkit.DaemonSet(namespace, name).TolerateAll().Status(191, 190, 191, 0), m.nodes...)
}

func (m *monday) fill() {
	for _, name := range []string{"cilium", "cilium-envoy", "ebs-csi-node", "eks-pod-identity-agent", "node-local-dns"} {
		m.everywhere("kube-system", name)
	}
	m.everywhere("monitoring", "node-exporter")
	m.everywhere("monitoring", "node-problem-detector")
	m.Run(testkit.DaemonSet("storage", "fsx-csi-node").Tolerate("nvidia.com/gpu", "dedicated").Status(36, 36, 36, 0), m.nodes[gpuNodes:]...)
	for _, name := range []string{"dcgm-exporter", "nvidia-device-plugin"} {
		m.Run(testkit.DaemonSet("gpu-operator", name).Select("nvidia.com/gpu=true").
			Tolerate("nvidia.com/gpu", "fsx.csi.aws.com/agent-not-ready").Status(154, 154, 154, 1), m.nodes[:gpuNodes]...)
	}
	m.Run(testkit.DaemonSet("maintenance", "kured").Require("karpenter.sh/nodepool In general,general-arm64").Status(36, 36, 36, 0), m.nodes[gpuNodes:]...)
	m.falco()
	m.datadog()
	m.vector()
}

func (m *monday) falco() {
	old := slices.Concat(m.nodes[:gpuNodes-youngestGPU], m.nodes[gpuNodes:])
	d := m.Run(testkit.DaemonSet("security", "falco").TolerateAll().Status(191, 178, 179, 0), old...)
	m.Add(testkit.Event(d, "DaemonSet", "FailedCreate", `Error creating: pods "falco-x7k2p" is forbidden: violates PodSecurity "baseline:latest": `+
		`hostPath volumes (volumes "proc", "boot"), privileged (container "falco" must not set securityContext.privileged=true)`, 3*time.Minute))
}

func (m *monday) datadog() {
	small := m.nodes[gpuNodes : gpuNodes+smallNodes]
	others := slices.Concat(m.nodes[:gpuNodes], m.nodes[gpuNodes+smallNodes:])
	d := m.Run(testkit.DaemonSet("datadog", "datadog-agent").TolerateAll().Requests("cpu", "500m").Status(191, 183, 191, 0), others...)
	for i, n := range small {
		m.Add(testkit.Pod("team-b", "job-"+n, n).OwnedBy("Job", "job").Requests("cpu", fmt.Sprintf("%dm", 1020+30*(i%7))),
			testkit.PodOf(d, n).Pending("0/191 nodes are available: 1 Insufficient cpu, 190 node(s) didn't satisfy plugin(s) [NodeAffinity]. "+
				"preemption: 0/191 nodes are available: 1 No preemption victims found for incoming pod, 190 Preemption is not helpful for scheduling."))
	}
}

// vector's new image has no arm64, and 4 of 191 may be unavailable.
func (m *monday) vector() {
	b := testkit.DaemonSet("logging", "vector").TolerateAll().Image("registry.example.com/vector:0.49.0").MaxUnavailable("2%").
		Generation(2, 2).Status(191, 187, 64, 0)
	d := b.Build()
	m.Add(d, testkit.Revision(d, "old", 7, 60*day), testkit.Revision(d, testkit.Hash, 8, 10*time.Hour))
	for i, n := range m.nodes {
		p := testkit.PodOf(d, n)
		switch {
		case i >= gpuNodes+amdNodes && i < gpuNodes+amdNodes+3:
			p.Waiting("ImagePullBackOff", `Back-off pulling image "registry.example.com/vector:0.49.0": no match for platform in manifest: not found`)
		case i >= 1 && i <= 61:
		default:
			p.Hash("old")
		}
		m.Add(p)
	}
}

// The paragraphs of the first screen of the specification, from the objects.
func TestMondayMorningReadsLikeItsScreen(t *testing.T) {
	m := newMonday()
	m.fill()
	r := Analyze(m.Snapshot(), Options{Now: testkit.Now, Grace: 5 * time.Minute, CommandFlags: "--context train-eu-1"})
	s := r.Summary()
	got := fmt.Sprintf("%d gaps, %d outdated, %d suspect, %d misplaced, %d/%d, steady %d/%d",
		s.Gaps, s.Outdated, s.Suspect, s.Misplaced, s.Covered+s.Outdated, s.ShouldRun, s.Steady.Covered, s.Steady.ShouldRun)
	if want := "32 gaps, 126 outdated, 155 suspect, 3 misplaced, 2257/2289, steady 2257/2446"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	var lines []string
	for _, c := range r.Causes() {
		lines = append(lines, paragraph(&c)...)
	}
	text := strings.Join(lines, "\n") + "\n"
	golden.Assert(t, text, "monday.txt") // make golden writes it; read the diff as prose
}

// paragraph is a cause as lines, without the layout of a screen.
func paragraph(c *Cause) []string {
	out := []string{fmt.Sprintf("%s   %s   %s", c.Reason, c.Object, c.Count)}
	for _, f := range c.Facts {
		out = append(out, "    "+f.Label+": "+f.Text)
	}
	if !c.InHeading() {
		out = append(out, "    nodes: "+strings.TrimPrefix(c.Shared+": ", ": ")+few(c.Nodes))
	}
	for _, l := range []struct {
		label string
		texts []string
	}{{"note", c.Notes}, {"fix", c.Fixes}, {"look", c.Looks}} {
		for _, text := range l.texts {
			out = append(out, "    "+l.label+": "+text)
		}
	}
	return out
}

// Every DaemonSet of the screen has its figures.
func TestMondayMorningCountsLikeItsScreen(t *testing.T) {
	m := newMonday()
	m.fill()
	l := Analyze(m.Snapshot(), Options{Now: testkit.Now, Grace: 5 * time.Minute}).Report()
	l.SortWorst()
	var got []string
	for i := range l.Items {
		d := &l.Items[i]
		top, n := d.TopReason()
		got = append(got, fmt.Sprintf("%s/%s %d/%d gaps %d outdated %d suspect %d coverage %v steady %v %s %d", d.Namespace, d.Name,
			d.Summary.Covered+d.Summary.Outdated, d.Summary.ShouldRun, d.Summary.Gaps, d.Summary.Outdated, d.Summary.Suspect,
			*d.Summary.Coverage, *d.Summary.Steady.Coverage, top, n))
	}
	want := []string{
		"storage/fsx-csi-node 36/36 gaps 0 outdated 0 suspect 155 coverage 100 steady 18.84 TaintTransient 155",
		"security/falco 178/191 gaps 13 outdated 0 suspect 0 coverage 93.19 steady 93.19 CreateForbiddenPSA 12",
		"datadog/datadog-agent 183/191 gaps 8 outdated 0 suspect 0 coverage 95.81 steady 95.81 SchedInsufficient 7",
		"logging/vector 187/191 gaps 4 outdated 126 suspect 0 coverage 97.9 steady 97.9 ArchMismatch 3",
	}
	for _, name := range []string{"kube-system/cilium", "kube-system/cilium-envoy", "kube-system/ebs-csi-node", "kube-system/eks-pod-identity-agent",
		"kube-system/node-local-dns", "monitoring/node-exporter", "monitoring/node-problem-detector"} {
		want = append(want, name+" 190/191 gaps 1 outdated 0 suspect 0 coverage 99.47 steady 99.47 NodeLost 1")
	}
	want = append(want,
		"gpu-operator/dcgm-exporter 154/154 gaps 0 outdated 0 suspect 0 coverage 100 steady 99.35 LatentUnrecreatable 1",
		"gpu-operator/nvidia-device-plugin 154/154 gaps 0 outdated 0 suspect 0 coverage 100 steady 99.35 LatentUnrecreatable 1",
		"maintenance/kured 35/35 gaps 0 outdated 0 suspect 0 coverage 100 steady 100 LatentUnrecreatable 1")
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if n := l.Items[len(l.Items)-1].Nodes; !slices.ContainsFunc(n, func(v NodeVerdict) bool {
		return v.State == Misplaced && v.Evidence.Taints[0].String() == "dedicated=batch:NoSchedule"
	}) {
		t.Error("kured's taint is not the one that keeps it away")
	}
}
