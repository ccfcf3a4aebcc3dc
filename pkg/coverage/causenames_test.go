package coverage

import (
	"fmt"
	"testing"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit"
)

// A claim that is made for a pod bears its name: that is no other cause on
// each node.
func TestClaimsOfPodsAreOneCause(t *testing.T) {
	w := testkit.NewWorld()
	d := testkit.DaemonSet("ops", "agent").Build()
	w.Add(d, testkit.Revision(d, testkit.Hash, 1, day))
	for _, n := range []string{"n1", "n2", "n3"} {
		w.Add(testkit.Node(n), testkit.PodOf(d, n).Pending(fmt.Sprintf(
			"0/3 nodes are available: waiting for ephemeral volume controller to create the persistentvolumeclaim %q. not found", "agent-"+n+"-v")))
	}
	causes := Analyze(w.Snapshot(), Options{Now: testkit.Now}).Causes()
	if len(causes) != 1 || causes[0].Reason != SchedVolume || len(causes[0].Nodes) != 3 {
		t.Errorf("%+v, want one cause of three nodes", causes)
	}
}
