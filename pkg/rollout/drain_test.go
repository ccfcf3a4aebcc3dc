package rollout

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A failure before the pod was touched is not told by what its old pod is
// like, and it names what a person can type.
func TestFailuresBeforeTheDelete(t *testing.T) {
	for _, c := range []struct {
		name  string
		given func(w *world)
		want  Failure
	}{
		{"a pod that refuses", func(w *world) { cordoned(w, true); bare(w) },
			Failure{Node: "n0", Reason: "Drain", Message: "cannot be drained: web/web-2 has no controller that would make it again: only --force evicts it"}},
		{"several", func(w *world) { cordoned(w, true); bare(w); bare(w).Name = "web-3"; bare(w).Name = "web-4" },
			Failure{Node: "n0", Reason: "Drain", Message: "cannot be drained: web/web-2 has no controller that would make it again: only --force evicts it; and 2 more pods cannot be evicted"}},
		{"two budgets on one pod", func(w *world) { cordoned(w, true); w.obs.Refused["web-1"] = Refusal{Permanent: true, Reason: "no"} },
			Failure{Node: "n0", Reason: "Drain", Message: "cannot be drained: web/web-1 no"}},
		{"a drain that takes too long", func(w *world) {
			cordoned(w, true)
			w.s.Pods[1].Deleted = 1
			w.obs.Nodes["n0"] = NodeSeen{Drain: t0.Add(-11 * time.Minute)}
		}, Failure{Node: "n0", Reason: "Drain", Message: "not drained after 10m0s: web/web-1"}},
		{"jobs that run for too long", func(w *world) {
			jobOnly(w)
			w.pol.WaitForJobs.Timeout = &metav1.Duration{Duration: 5 * time.Second}
			w.obs.Nodes["n0"] = NodeSeen{Flying: t0.Add(-6 * time.Second)}
		}, Failure{Node: "n0", Reason: "Jobs", Message: "jobs still run after 5s: web/web-1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(1)
			c.given(w)
			save, ok := w.decide(t).Act.(*SaveRun)
			if !ok || len(save.Run.Failed) != 1 || save.Run.Failed[0] != c.want {
				t.Fatalf("got %+v\nwant %+v", save.Run.Failed, c.want)
			}
		})
	}
}
