package coverage

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// The scheduler speaks of ports alone where room is short, too: another port
// is half of the way then.
func TestPortFixesNameWhatElseIsShort(t *testing.T) {
	byPod := []PortHolder{{Port: "7000/TCP", Pod: "shop/exporter"}}
	bySet := []PortHolder{{Port: "7000/TCP", Pod: "ops/exporter-x", Owner: "DaemonSet/exporter"}}
	cpu := func(free int64) []ResourceRoom {
		return []ResourceRoom{{Name: "cpu", Asks: 500, Allocatable: 2000, Free: free, Short: free < 500}}
	}
	for name, tt := range map[string]struct {
		room Room
		want string
	}{
		"nothing else":       {Room{Resources: cpu(600), HostPorts: byPod}, "move shop/exporter off the node, or change one of the ports"},
		"cpu is short":       {Room{Resources: cpu(200), HostPorts: byPod}, "move shop/exporter off the node, or change one of the ports and request at most cpu 200m"},
		"no cpu is free":     {Room{Resources: cpu(0), HostPorts: byPod}, "move shop/exporter off the node, or change one of the ports and move pods off the node"},
		"of a DaemonSet":     {Room{Resources: cpu(600), HostPorts: bySet}, "change one of the ports: DaemonSet ops/exporter takes it on its nodes too"},
		"of one, with short": {Room{Resources: cpu(200), HostPorts: bySet}, "change one of the ports and request at most cpu 200m: DaemonSet ops/exporter takes it on its nodes too"},
	} {
		t.Run(name, func(t *testing.T) {
			r := &Result{Snapshot: &snapshot.Snapshot{}}
			got := r.portFixes(&DaemonSetResult{DaemonSet: &appsv1.DaemonSet{}}, &tt.room)
			if len(got) != 1 || got[0] != tt.want {
				t.Errorf("%q\nwant %q", got, tt.want)
			}
		})
	}
}
