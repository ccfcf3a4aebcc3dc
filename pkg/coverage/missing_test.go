package coverage

import (
	"strings"
	"testing"
	"time"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit"
)

// What refused a pod has let others pass since: it is old news, and no cause.
func TestARefusalOlderThanTheNewestPodIsNoCause(t *testing.T) {
	const words = `Error creating: pods "agent-x" is forbidden: exceeded quota: compute, requested: pods=1, used: pods=5, limited: pods=5`
	for _, c := range []struct {
		name    string
		made    time.Duration // the newest pod, this long ago
		joined  time.Duration
		want    Reason
		message string
	}{
		{"no pod was made since", time.Hour, 24 * time.Hour, CreateQuota, "exceeded quota"},
		{"in the same batch", 10 * time.Minute, 24 * time.Hour, CreateQuota, "exceeded quota"},
		{"by a clock that is ahead", 9*time.Minute + 30*time.Second, 24 * time.Hour, CreateQuota, "exceeded quota"},
		{"made since", 5 * time.Minute, 24 * time.Hour, CreateStale,
			"no pod, and since the newest pod was made no event says that creating one failed; before that, 10m ago: exceeded quota"},
		{"made since, on a cluster that grows", 5 * time.Minute, time.Minute, NodeYoung, "the node joined 60s ago"},
	} {
		w := testkit.NewWorld()
		d := w.Run(testkit.DaemonSet("ops", "agent"))
		w.Add(testkit.Node("n0"), testkit.PodOf(d, "n0").Created(24*time.Hour),
			testkit.Node("n1"), testkit.PodOf(d, "n1").Created(c.made),
			testkit.Node("n2").Joined(c.joined), testkit.Event(d, "DaemonSet", "FailedCreate", words, 10*time.Minute))
		r := Analyze(w.Snapshot(), Options{Now: testkit.Now, Grace: 5 * time.Minute})
		v := r.Report().Items[0].Nodes[2]
		if v.State != Missing || v.Reason != c.want || !strings.Contains(v.Message, c.message) {
			t.Errorf("%s: %s %s %q", c.name, v.State, v.Reason, v.Message)
		}
		for _, cause := range causesOf(r, CreateStale) {
			if f := cause.Facts[0]; f.Label != "pod" {
				t.Errorf("%s: an old event stands as the cause: %+v", c.name, f)
			}
		}
	}
}
