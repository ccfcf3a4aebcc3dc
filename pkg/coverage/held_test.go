package coverage

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// armed is a cluster of one node with n DaemonSets, all but the first armed.
func armed(n int) *snapshot.Snapshot {
	w := testkit.NewWorld().Add(testkit.Node("n1"))
	for i := range n {
		d := w.Run(testkit.DaemonSet("ops", fmt.Sprintf("agent-%02d", i)))
		if i > 0 {
			d.Annotations = map[string]string{snapshot.ArmAnnotation: `{"run":"7f3k"}`}
		}
	}
	return w.Snapshot()
}

func TestALeaseIsAskedForOnceAndWhereSomethingHolds(t *testing.T) {
	of := func(s *snapshot.Snapshot) []types.NamespacedName {
		return Analyze(s, Options{Now: testkit.Now}).Needs().Held
	}
	if got := of(armed(1)); len(got) != 0 {
		t.Errorf("asked for the Lease of what nothing holds: %v", got)
	}
	s := armed(3)
	if got := of(s); len(got) != 2 || got[0].Name != "agent-01" || got[1].Name != "agent-02" {
		t.Errorf("got %v", got)
	}
	s.Leases = []snapshot.Lease{{Namespace: "ops", Name: "ds-rollout.agent-01", Gone: true}}
	if got := of(s); len(got) != 1 || got[0].Name != "agent-02" {
		t.Errorf("asked again: %v", got)
	}
	if got := of(armed(40)); len(got) != maxHeld {
		t.Errorf("asked for %d, want %d", len(got), maxHeld)
	}
}

// Who judges a capture as of a later time has no newer Lease to look at.
func TestADriverIsJudgedAsOfTheReading(t *testing.T) {
	s := armed(2)
	s.Leases = []snapshot.Lease{{Namespace: "ops", Name: "ds-rollout.agent-01", Holder: "jane@host", Duration: 30 * time.Second,
		Renewed: snapshot.Time(s.Source.TakenAt.Unix() - 5)}}
	r := Analyze(s, Options{Now: s.Source.TakenAt.Add(time.Hour)})
	if f := r.DaemonSets[1].Findings; len(f) != 1 || f[0].Reason != RolloutDriven {
		t.Errorf("got %+v", f)
	}
}

func TestARunStandsBesideWhatItBringsUpToDate(t *testing.T) {
	d := testkit.DaemonSet("ops", "agent").OnDelete().Build()
	d.Annotations = map[string]string{snapshot.ArmAnnotation: `{"run":"7f3k","original":"RollingUpdate"}`}
	w := testkit.NewWorld().Add(d, testkit.Revision(d, testkit.Hash, 2, time.Hour), testkit.Node("n1"), testkit.PodOf(d, "n1").Hash("old"))
	s := w.Snapshot()
	for _, c := range []struct {
		name          string
		leases        []snapshot.Lease
		reasons       []Reason
		why, fix, see string
	}{
		{"driven", []snapshot.Lease{{Namespace: "ops", Name: "ds-rollout.agent", Holder: "jane@host", Renewed: snapshot.Time(testkit.Now.Unix())}},
			[]Reason{OutdatedReason}, "run 7f3k replaces them, driven by jane@host", "wait: run 7f3k", "kubectl ds-rollout status -n ops agent -w"},
		{"held", []snapshot.Lease{{Namespace: "ops", Name: "ds-rollout.agent", Renewed: snapshot.Time(testkit.Now.Unix())}},
			[]Reason{OutdatedReason, RolloutHeld}, "held by run 7f3k: nothing replaces them by itself", "go on: kubectl ds-rollout resume -n ops agent", "kubectl ds-rollout status -n ops agent"},
		{"unread", nil,
			[]Reason{OutdatedReason, RolloutUnread}, "updateStrategy is OnDelete, held by run 7f3k", "find out whether somebody drives it: kubectl ds-rollout status -n ops agent", ""},
	} {
		s.Leases = c.leases
		causes := Analyze(s, Options{Now: testkit.Now}).Causes()
		var reasons []Reason
		for _, x := range causes {
			reasons = append(reasons, x.Reason)
		}
		first := causes[0]
		if !slices.Equal(reasons, c.reasons) || !strings.Contains(first.Facts[0].Text, c.why) || !strings.HasPrefix(first.Fixes[0], c.fix) || strings.Join(first.Looks, "") != c.see {
			t.Errorf("%s: %v %+v", c.name, reasons, first)
		}
	}
}

// New pods that fail say how to take the update back, as long as there is one.
func TestAFailingUpdateCanBeTakenBack(t *testing.T) {
	const undo = "or take the update back: kubectl ds-rollout undo -n ops agent --context prod"
	for _, c := range []struct {
		name  string
		world func() *Result
		want  bool
	}{
		{"half way", func() *Result { return rolling(testkit.DaemonSet("ops", "agent"), 3, 2) }, true},
		{"no older pod is left", func() *Result { return rolling(testkit.DaemonSet("ops", "agent"), 0, 2) }, false},
	} {
		r := c.world()
		r.Options.CommandFlags = "--context prod"
		cs := causesOf(r, CrashLoop)
		if len(cs) != 1 || slices.Contains(cs[0].Fixes, undo) != c.want {
			t.Errorf("%s: %+v", c.name, cs)
		}
	}
}
