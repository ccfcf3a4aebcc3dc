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

// The event filter of a client is silent for up to 5 min while the same goes on,
// and pods are replaced all the time: what refused one lately stands.
func TestAFreshRefusalOutlivesPodsThatWereMadeSince(t *testing.T) {
	const words = `Error creating: pods "agent-x" is forbidden: exceeded quota: compute, requested: pods=1, used: pods=5, limited: pods=5`
	for _, c := range []struct {
		ago  time.Duration
		want Reason
		fix  string
	}{
		{90 * time.Second, CreateQuota, "raise the quota"},
		{4*time.Minute + 30*time.Second, CreateQuota, "raise the quota"},
		{7 * time.Minute, CreateStale, "wait for the next attempt; if that is refused again: raise the quota"},
	} {
		w := testkit.NewWorld()
		d := w.Run(testkit.DaemonSet("ops", "agent"))
		w.Add(testkit.Node("n0"), testkit.PodOf(d, "n0").Created(20*time.Second), testkit.Node("n1"),
			testkit.Event(d, "DaemonSet", "FailedCreate", words, c.ago))
		r := Analyze(w.Snapshot(), Options{Now: testkit.Now, Grace: 5 * time.Minute})
		v := r.Report().Items[0].Nodes[1]
		if v.Reason != c.want || !strings.HasPrefix(v.Remedy, c.fix) {
			t.Errorf("an event %s old: %s, %q; want %s", c.ago, v.Reason, v.Remedy, c.want)
		}
		for _, cause := range causesOf(r, c.want) {
			if text := strings.Join(append(cause.Fixes, cause.Looks...), " "); strings.Contains(text, "kube-controller-manager") {
				t.Errorf("an event %s old: a controller that makes pods is blamed: %s", c.ago, text)
			}
		}
	}
}
