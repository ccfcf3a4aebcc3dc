package coverage

import (
	"strings"
	"testing"
	"time"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit"
)

// Who has mended what refused the pods sees nothing for as long as the
// controller waits.
func TestRefusedPodsTellHowTheControllerTriesAgain(t *testing.T) {
	for ago, want := range map[time.Duration]bool{5 * time.Second: false, 4 * time.Minute: true} {
		w := testkit.NewWorld()
		d := testkit.DaemonSet("ops", "agent").Build()
		w.Add(d, testkit.Revision(d, testkit.Hash, 1, day), testkit.Node("n1"),
			testkit.Event(d, "DaemonSet", "FailedCreate", "Error creating: pods \"agent-\" is forbidden: exceeded quota: q", ago))
		causes := Analyze(w.Snapshot(), Options{Now: testkit.Now}).Causes()
		if len(causes) != 1 || causes[0].Reason != CreateQuota {
			t.Fatalf("%+v, want a quota", causes)
		}
		if got := strings.Contains(strings.Join(causes[0].Notes, ";"), "makes it try at once"); got != want {
			t.Errorf("%s after the last attempt: %v, want %v", ago, got, want)
		}
	}
}
