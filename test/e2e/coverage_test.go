package e2e

import (
	"testing"

	"github.com/kubectl-ds/kubectl-ds/pkg/coverage"
	"github.com/kubectl-ds/kubectl-ds/test/world"
)

// gaps is every pair of the world that is not well, with what is to be said.
var gaps = []struct {
	pair   string
	state  coverage.State
	reason coverage.Reason
}{
	{"storage/fsx-csi-node@gpu-1", coverage.Excluded, coverage.TaintTransient},
	{"logging/vector@gpu-2", coverage.Excluded, coverage.TaintTransient},
	{"gpu-operator/nvidia-device-plugin@" + world.Mislabelled, coverage.Excluded, coverage.SelectorMismatch},
	{"monitoring/node-problem-detector@general-1", coverage.Missing, coverage.CreateMissingRef},
	{"monitoring/node-problem-detector@" + world.Dedicated, coverage.Excluded, coverage.TaintStructural},
	{"security/falco@general-3", coverage.Missing, coverage.CreateForbiddenPSA},
	{"security/falco@arm-1", coverage.Missing, coverage.CreateForbiddenPSA},
	{"logging/vector@" + world.Small, coverage.Unready, coverage.SchedNeverFits},
	{"datadog/datadog-agent@" + world.Small, coverage.Unready, coverage.SchedInsufficient},
	{"monitoring/node-exporter@general-3", coverage.Unready, coverage.SchedHostPort},
	{"monitoring/node-exporter@general-4", coverage.Unready, coverage.TerminatingStuck},
	{"logging/vector@arm-1", coverage.Unready, coverage.ArchMismatch},
	{"logging/vector@arm-2", coverage.Outdated, coverage.OutdatedReason},
	{"gpu-operator/nvidia-device-plugin@gpu-2", coverage.Unready, coverage.ImagePull},
	{"kube-system/cilium@general-2", coverage.Unready, coverage.CrashLoop},
	{"kube-system/cilium@arm-3", coverage.Unready, coverage.InitFailing},
	{"datadog/datadog-agent@arm-2", coverage.Unready, coverage.ProbeFailing},
	{"storage/fsx-csi-node@general-1", coverage.Unready, coverage.MountFailed},
	{"maintenance/kured@general-4", coverage.Unready, coverage.ConfigError},
	{"maintenance/kured@" + world.Dedicated, coverage.Misplaced, coverage.LatentUnrecreatable},
	{"kube-system/cilium@" + world.LostNode, coverage.Unready, coverage.NodeLost},
	{"logging/vector@" + world.LostNode, coverage.Unready, coverage.NodeLost},
	{"maintenance/kured@" + world.LostNode, coverage.Misplaced, coverage.LatentUnrecreatable},
	{"kube-system/cilium@" + world.Virtual, coverage.Excluded, coverage.VirtualNode},
	{"maintenance/kured@" + world.ControlPlane, coverage.Excluded, coverage.TaintStructural},
	{"kube-system/cilium@" + world.Cordoned, coverage.Covered, coverage.Current},
}

func TestEveryGapOfTheWorldHasItsReason(t *testing.T) {
	got := verdicts(report(t, plugin(t, shared.kubectl, 0, "-A", "-o", "json", "--grace=0s")))
	reasons := map[coverage.Reason]bool{}
	for _, g := range gaps {
		v, ok := got[g.pair]
		if !ok {
			t.Errorf("%s: no verdict", g.pair)
			continue
		}
		if v.State != g.state || v.Reason != g.reason {
			t.Errorf("%s: %s (%s), want %s (%s): %s", g.pair, v.State, v.Reason, g.state, g.reason, v.Message)
		}
		reasons[v.Reason] = true
	}
	if len(reasons) < 15 {
		t.Errorf("the world shows %d reasons, and is to show 15", len(reasons))
	}
}

func TestSumsAddUp(t *testing.T) {
	l := report(t, plugin(t, shared.kubectl, 0, "-A", "-o", "json"))
	if l.Summary.LiveNodes != len(world.Nodes()) {
		t.Errorf("live nodes %d, want %d", l.Summary.LiveNodes, len(world.Nodes()))
	}
	for i := range l.Items {
		s := &l.Items[i].Summary
		if sum := s.Covered + s.Outdated + s.Unready + s.Missing + s.Misplaced + s.Excluded + s.Unknown; sum != s.Nodes || s.Nodes != len(world.Nodes()) {
			t.Errorf("%s: states add up to %d, nodes %d, want %d", l.Items[i].Name, sum, s.Nodes, len(world.Nodes()))
		}
	}
}

// TestTheSchedulerAgreesWithOurArithmetic holds the room that we compute
// against the real scheduler's word.
func TestTheSchedulerAgreesWithOurArithmetic(t *testing.T) {
	got := verdicts(report(t, plugin(t, shared.kubectl, 0, "-A", "-o", "json", "--grace=0s")))
	v := got["datadog/datadog-agent@"+world.Small]
	if v.Evidence.Room == nil || v.Evidence.Scheduler == nil {
		t.Fatalf("no room or no scheduler's word: %+v", v.Evidence)
	}
	cpu := v.Evidence.Room.Resources[0]
	if cpu.Name != "cpu" || cpu.Asks != 200 || !cpu.Short || cpu.Allocatable != 300 {
		t.Errorf("cpu on the small node: %+v", cpu)
	}
	if want := []string{"Insufficient cpu"}; len(v.Evidence.Scheduler.Reasons) != 1 || v.Evidence.Scheduler.Reasons[0] != want[0] {
		t.Errorf("the scheduler's word reduced to the node: %q, want %q", v.Evidence.Scheduler.Reasons, want)
	}
	if v.Evidence.Room.Preemption != "no victims" {
		t.Errorf("preemption %q, want no victims", v.Evidence.Room.Preemption)
	}
	port := got["monitoring/node-exporter@general-3"].Evidence.Room
	if port == nil || len(port.HostPorts) != 1 || port.HostPorts[0].Pod != "team-a/legacy-metrics" {
		t.Errorf("holder of the host port: %+v", port)
	}
}

func TestConditionsDecideTheExitCode(t *testing.T) {
	plugin(t, shared.kubectl, 0, "-A", "--quiet")
	plugin(t, shared.kubectl, 1, "-A", "--quiet", "--grace=0s", "--fail-on=gaps")
	plugin(t, shared.kubectl, 1, "-A", "--quiet", "--grace=0s", "--fail-on=hidden")
	plugin(t, shared.kubectl, 1, "-A", "--quiet", "--min-coverage=99")
	plugin(t, shared.kubectl, 1, "-A", "--quiet", "--min-coverage=10") // each DaemonSet has to reach it, and one covers no node
	plugin(t, shared.kubectl, 0, "-n", "kube-system", "cilium", "--quiet", "--min-coverage=10")
	plugin(t, shared.kubectl, 0, "-n", "kube-system", "cilium", "--quiet", "--grace=0s", "--fail-on=outdated,misplaced,unknown")
	plugin(t, shared.kubectl, 2, "-A", "--fail-on=gasp")
}
