package rollout

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
)

// current brings every pod to the revision of the template.
func (w *world) allCurrent() {
	for i := range w.s.Pods {
		w.s.Pods[i].Labels[hashLabel] = "h2"
	}
}

func TestStrategyIsGivenBackByOneRule(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(*world)
		ack  bool
		want string
	}{
		{"no old pod is left", func(w *world) { w.allCurrent() }, false, `hand back "RollingUpdate" ack=false`},
		{"old pods are left", func(*world) {}, false, "left: old pods remain on n0, n1, n2, +1, which"},
		{"and that is accepted", func(*world) {}, true, `hand back "RollingUpdate" ack=true`},
		{"one old pod, on a node that is not there", func(w *world) { w.allCurrent(); p := w.p(1); p.Labels[hashLabel], p.Node = "h1", "gone" }, false, "left: old pods remain on gone, which"},
		{"an old pod on its way out", func(w *world) { w.allCurrent(); w.p(1).Labels[hashLabel] = "h1"; w.p(1).Deleted = 1 }, false, `hand back "RollingUpdate" ack=false`},
		{"the controller lags", func(w *world) { w.allCurrent(); w.ds.Generation = 3 }, true, "wait " + string(WaitObserved)},
		{"somebody gave it back already", func(w *world) { w.ds.Spec.UpdateStrategy.Type = appsv1.RollingUpdateDaemonSetStrategyType }, false, `hand back "" ack=false`},
		{"it was OnDelete before", func(w *world) {
			w.ds.Annotations[ArmAnnotation] = Armed{Run: "r1", Original: onDelete}.String()
		}, false, `hand back "" ack=false`},
		{"it was OnDelete before, and is not now", func(w *world) {
			w.ds.Annotations[ArmAnnotation] = Armed{Run: "r1", Original: onDelete}.String()
			w.ds.Spec.UpdateStrategy.Type = appsv1.RollingUpdateDaemonSetStrategyType
		}, false, `hand back "OnDelete" ack=false`},
		{"not armed", func(w *world) { delete(w.ds.Annotations, ArmAnnotation) }, true, "nothing"},
		{"no DaemonSet", func(w *world) { w.s.DaemonSets = nil }, true, "nothing"},
		{"an annotation that cannot be read", func(w *world) { w.ds.Annotations[ArmAnnotation] = `{"run":"x","exec":"y"}` }, true, "left: annotation"},
		{"an annotation that somebody edited", func(w *world) { w.ds.Annotations[ArmAnnotation] = `{"run":"r1","original":"Recreate"}` }, true, `left: annotation kubectl-ds.github.io/arm says that updateStrategy.type was "Recreate"`},
		{"all revisions are gone", func(w *world) { w.allCurrent(); w.s.Revisions = nil }, false, "left: old pods remain"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(4)
			c.set(w)
			g := PlanGiveBack(w.view(), c.ack)
			got := "nothing"
			switch {
			case g.Action != nil:
				got = words(act(g.Action))
				if g.Action.UID != "ds-uid" || g.Action.ResourceVersion != "100" {
					t.Errorf("the write is not about what was seen: %+v", g.Action)
				}
			case g.Wait != nil:
				got = "wait " + string(g.Wait.Code)
			case g.Left != nil:
				got = "left: " + g.Left.Reason
			}
			if !strings.HasPrefix(got, c.want) {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestRecoverTakesBackWhatARunLeft(t *testing.T) {
	copied := func(w *world, run string) {
		w.s.Revisions[0].Annotations = map[string]string{ArmAnnotation: Armed{Run: run, Original: "RollingUpdate"}.String()}
	}
	for _, c := range []struct {
		name  string
		set   func(*world)
		in    RecoverInput
		steps string
		left  string
	}{
		{
			name: "everything, in this order",
			set: func(w *world) {
				w.allCurrent()
				w.mark(1, Mark{Run: "r1"})
				w.mark(2, Mark{Run: "r1", Prior: true})
				copied(w, "r1")
			},
			steps: `uncordon n1 to false; uncordon n2 to true; hand back "RollingUpdate" ack=false; clean agent-h1; delete lease`,
		},
		{
			name: "a node that a person has uncordoned meanwhile stays so",
			set: func(w *world) {
				w.allCurrent()
				w.mark(2, Mark{Run: "r1", Prior: true})
				w.n(2).Spec.Unschedulable = false
			},
			steps: `uncordon n2 to false; hand back "RollingUpdate" ack=false; delete lease`,
		},
		{
			name:  "old pods remain: it is armed by hand from now on",
			set:   func(w *world) { w.mark(1, Mark{Run: "r1"}); copied(w, "r1") },
			steps: "uncordon n1 to false; arm again=false rearms=0 template=false; clean agent-h1; delete lease",
			left:  "Strategy: old pods remain",
		},
		{name: "old pods remain, and that is accepted", in: RecoverInput{HandBack: true}, set: func(*world) {}, steps: `hand back "RollingUpdate" ack=true; delete lease`},
		{
			name: "nothing is left", steps: "",
			set: func(w *world) { w.gone = true; delete(w.ds.Annotations, ArmAnnotation) },
		},
		{
			name: "armed by hand stays, and so do its copies",
			set: func(w *world) {
				w.gone = true
				w.ds.Annotations[ArmAnnotation] = Armed{Run: ArmedByHand, Original: "RollingUpdate"}.String()
				copied(w, ArmedByHand)
			},
		},
		{
			name: "armed by hand stays, copies of a run do not",
			set: func(w *world) {
				w.gone = true
				w.ds.Annotations[ArmAnnotation] = Armed{Run: ArmedByHand, Original: "RollingUpdate"}.String()
				copied(w, "r0")
			},
			steps: "clean agent-h1",
		},
		{
			name: "a copy tells of a run, too",
			set: func(w *world) {
				w.gone = true
				delete(w.ds.Annotations, ArmAnnotation)
				w.mark(1, Mark{Run: "r0"})
				copied(w, "r0")
			},
			steps: "uncordon n1 to false; clean agent-h1",
		},
		{
			name: "a cordon of another run stays",
			set:  func(w *world) { w.allCurrent(); w.mark(1, Mark{Run: "r7"}) }, steps: `hand back "RollingUpdate" ack=false; delete lease`,
			left: "Cordon of node n1: cordoned by run r7",
		},
		{
			name: "unless it is named",
			set:  func(w *world) { w.allCurrent(); w.mark(1, Mark{Run: "r7"}) }, in: RecoverInput{Runs: []string{"r7"}},
			steps: `uncordon n1 to false; hand back "RollingUpdate" ack=false; delete lease`,
		},
		{
			name: "a mark that cannot be read stays, whoever is named",
			set:  func(w *world) { w.allCurrent(); w.n(1).Annotations[MarkAnnotation] = "{" }, in: RecoverInput{Runs: []string{"r7", "?", ""}},
			steps: `hand back "RollingUpdate" ack=false; delete lease`, left: "Cordon of node n1: its annotation",
		},
		{
			name: "the Lease stays until the controller has been waited for",
			set:  func(w *world) { w.ds.Generation = 3; w.mark(1, Mark{Run: "r1"}); copied(w, "r1") }, steps: "uncordon n1 to false", left: "wait",
		},
		{
			name: "the DaemonSet is gone",
			set:  func(w *world) { w.s.DaemonSets = nil; w.mark(1, Mark{Run: "r1"}) }, in: RecoverInput{Runs: []string{"r1"}},
			steps: "uncordon n1 to false; delete lease",
		},
		{
			name: "an annotation that cannot be read stays",
			set:  func(w *world) { w.ds.Annotations[ArmAnnotation] = "{" }, steps: "delete lease", left: "Strategy: annotation",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(4)
			c.set(w)
			r := RecoverPlan(w.view(), c.in)
			var steps, left []string
			for _, s := range r.Steps {
				steps = append(steps, words(act(s)))
			}
			for _, l := range r.Left {
				left = append(left, l.String())
			}
			if r.Wait != nil {
				left = append(left, "wait")
			}
			if got := strings.Join(steps, "; "); got != c.steps {
				t.Errorf("steps\n got %s\nwant %s", got, c.steps)
			}
			if got := strings.Join(left, "; "); !strings.HasPrefix(got, c.left) || c.left == "" && got != "" {
				t.Errorf("left\n got %s\nwant %s", got, c.left)
			}
		})
	}
}

// Armed by hand, a DaemonSet can be started and disarmed again, and what it
// was before is not forgotten.
func TestRecoverKeepsWhatTheStrategyWas(t *testing.T) {
	w := newWorld(2)
	for _, s := range RecoverPlan(w.view(), RecoverInput{}).Steps {
		if a, ok := s.(*Arm); ok {
			if a.Armed != (Armed{Run: ArmedByHand, Original: "RollingUpdate"}) || a.ResourceVersion != "100" {
				t.Errorf("got %+v", a)
			}
			return
		}
	}
	t.Error("the DaemonSet stays armed by a run that nobody knows")
}
