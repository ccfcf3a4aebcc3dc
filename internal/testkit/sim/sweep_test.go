package sim

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// plain is the run that is crashed after each of its writes: three nodes,
// cordon, drain, two waves.
func plain(change bool) *World {
	one := intstr.FromInt32(1)
	return &World{
		Seed: 7, Nodes: 3, Change: change, Calm: true, Workloads: 1,
		Policy: &rollout.Policy{
			Pace:    rollout.Pace{MaxUnavailable: &one, Waves: []intstr.IntOrString{one, intstr.FromString("100%")}},
			Timing:  rollout.Timing{Soak: &metav1.Duration{Duration: 10 * time.Second}},
			PerNode: rollout.PerNode{Drain: &rollout.Drain{DeleteEmptyDirData: true}},
		},
		Person: func(s *Sim, e end) {
			// Before the new template was written nobody else can bring it.
			s.w.Calm = false
			s.ask(rollout.Intent{Verb: rollout.VerbAbort})
		},
	}
}

// digest is what a run leaves, without times and generated names.
func digest(s *Sim) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(s.nodes)) {
		n := s.nodes[name]
		hashes := []string{}
		for _, p := range s.pods {
			if p.Owner.Kind == "DaemonSet" && p.EffectiveNode() == name {
				hashes = append(hashes, p.Labels["controller-revision-hash"])
			}
		}
		fmt.Fprintf(&b, "%s %v cordoned=%v %d annotations\n", name, hashes, n.Spec.Unschedulable, len(n.Annotations))
	}
	fmt.Fprintf(&b, "strategy %s annotations %v lease %v\n", s.ds.Spec.UpdateStrategy.Type, slices.Sorted(maps.Keys(s.ds.Annotations)), s.lease != nil)
	for _, name := range slices.Sorted(maps.Keys(s.revs)) {
		_, armed := s.revs[name].Annotations[rollout.ArmAnnotation]
		fmt.Fprintf(&b, "%s armed=%v\n", name, armed)
	}
	return b.String()
}

// disruptive counts what a run did to pods of the DaemonSet, to nodes and to the
// DaemonSet. What a drain has to evict depends on where it was put meanwhile.
func disruptive(s *Sim) int {
	n := 0
	for i := range s.journal {
		w := &s.journal[i]
		if w.Ours && w.Verb != "evict" && (w.Kind == "Pod" || w.Kind == "Node" || w.Kind == "DaemonSet") {
			n++
		}
	}
	return n
}

// TestCrashAfterEveryWriteAndResume is G8, exhaustively: whatever request the
// driver dies after, a second one ends the run in the same state, and with no
// more disruptive writes.
func TestCrashAfterEveryWriteAndResume(t *testing.T) {
	for _, change := range []bool{false, true} {
		t.Run(fmt.Sprintf("change=%v", change), func(t *testing.T) {
			whole, err := Run(plain(change))
			if err != nil {
				t.Fatal(err)
			}
			if bad := whole.Violations(); len(bad) > 0 {
				t.Fatalf("without a crash: %v\n%s", bad, whole.Tail(-1, 80))
			}
			want, writes := digest(whole), disruptive(whole)
			crashes := 0
			for k := 1; ; k++ {
				w := plain(change)
				w.CrashAt = k
				s, err := Run(w)
				if err != nil {
					t.Fatal(err)
				}
				if len(s.ends) > 0 && s.ends[0].why == "done" {
					break // it ended before it could die
				}
				crashes++
				if bad := s.Violations(); len(bad) > 0 {
					t.Fatalf("dead after request %d: %v\n%s", k, bad, s.Tail(-1, 60))
				}
				if !w.Calm {
					if change && strings.Contains(digest(s), "h-v1") {
						continue // died before the template was written, and aborted
					}
					t.Fatalf("dead after request %d: a person had to abort", k)
				}
				if got := digest(s); got != want {
					t.Fatalf("dead after request %d it ends in\n%sinstead of\n%s%s", k, got, want, s.Tail(-1, 60))
				}
				if got := disruptive(s); got != writes {
					t.Errorf("dead after request %d: %d disruptive writes instead of %d", k, got, writes)
				}
			}
			if crashes < 20 {
				t.Errorf("only %d requests to die after: the sweep is broken", crashes)
			}
			t.Logf("%d crashes, %d disruptive writes each", crashes, writes)
		})
	}
}
