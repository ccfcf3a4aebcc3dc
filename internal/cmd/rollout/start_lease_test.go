package rollout

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-ds/kubectl-ds/internal/drive"
	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// A run begins over the Lease of one that has ended, and over no other.
func TestANewRunTakesThePlaceOfOneThatIsOver(t *testing.T) {
	ended := func(r *rollout.Run) { r.Phase, r.Outcome = rollout.Ended, rollout.OutcomeDone }
	before := func(r *rollout.Run) { r.UID = "before" }
	for _, c := range []struct {
		name  string
		run   func(*rollout.Run)
		by    func(*kube.Lease)
		then  func(s *holdServer) // between the plan and the start
		fault func(w string, nth int) int
		held  string // what stands in the way of the plan
		begun bool
		sent  string
	}{
		{"ended", ended, nil, nil, nil, "", true, "DELETE leases/ds-rollout.agent"},
		{"of a DaemonSet of the name before", before, nil, nil, nil, "", true, "DELETE leases/ds-rollout.agent"},
		{"ended, and deleted by its driver meanwhile", ended, nil, (*holdServer).letGo, nil, "", true, "DELETE leases/ds-rollout.agent"},
		{"ended, and the answer is lost", ended, nil, nil, func(w string, nth int) int {
			if strings.HasPrefix(w, "DELETE") && nth == 1 {
				return -http.StatusInternalServerError
			}
			return 0
		}, "", true, "DELETE leases/ds-rollout.agent; DELETE leases/ds-rollout.agent"},
		{"ended, and somebody else has started meanwhile", ended, nil, func(s *holdServer) {
			s.full = false
			s.holds(storedRun(s.t, func(r *rollout.Run) { r.ID = "next" }), nil)
			s.full = true
		}, nil, "", false, "DELETE leases/ds-rollout.agent"},
		{"alive", nil, nil, nil, nil, "run 7f3k", false, ""},
		{"paused", paused("7f3k", nil), nil, nil, nil, "run 7f3k", false, ""},
		{"of a DaemonSet of the name before, driven", before, drivenBy, nil, nil,
			"run 7f3k, of a DaemonSet of this name that was deleted, driven by jane on host", false, ""},
		{"of a DaemonSet of the name before, silent for long", before, func(l *kube.Lease) {
			drivenBy(l)
			l.Renewed = l.Renewed.Add(-time.Hour)
		}, nil, nil, "", true, "DELETE leases/ds-rollout.agent"},
		{"of a DaemonSet of the name before, with nodes cordoned", func(r *rollout.Run) { before(r); r.ID = "gone" }, nil, nil, nil,
			"run gone, of a DaemonSet of this name that was deleted, whose mark is still on node n2", false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newHoldServer(t)
			s.cordoned("n2", rollout.Mark{Run: "gone"})
			s.holds(storedRun(t, c.run), c.by)
			s.full, s.fault = true, c.fault
			at, err := s.at("").hold.app.connect("agent", false)
			if err != nil {
				t.Fatal(err)
			}
			lease, _, err := drive.Find(t.Context(), at.writer, holdNamespace, "agent")
			if err != nil {
				t.Fatal(err)
			}
			plan := &clients{Lease: lease}
			v, err := at.viewFrom(t.Context(), s.daemonSet(), func(string) {})
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := plan.heldBy(v); got != c.held {
				t.Fatalf("the plan is held by %q, want %q", got, c.held)
			}
			if c.held != "" {
				return
			}
			if c.then != nil {
				c.then(s)
			}
			l := &kube.Lease{Namespace: holdNamespace, Name: rollout.LeaseName("agent"), Holder: "joe@here_1_x", Epoch: 1, Run: storedRun(t, nil)}
			_, err = createLease(t.Context(), at.writer, l, plan.overLease())
			if begun := err == nil && s.leaseNow().holder == "joe@here_1_x"; begun != c.begun {
				t.Errorf("begun: %v, %v; the Lease: %+v", begun, err, s.leaseNow())
			}
			if s.sent() != c.sent {
				t.Errorf("sent %s, want %s", s.sent(), c.sent)
			}
		})
	}
}
