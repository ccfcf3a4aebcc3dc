package rollout

import (
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What a person skipped was left as it is on the way there. On the way back it
// is taken up like every other node, and skipped again where there is none.
func TestASkipIsOfTheWayThere(t *testing.T) {
	skipped := func(change func(w *world)) *Run {
		w := newWorld(3)
		stoppedRun(w)
		w.run.Skipped, w.run.Failed = []string{"n1"}, nil
		w.updated(1)
		change(w)
		s, ok := w.decide(t).Act.(*SaveRun)
		if !ok {
			t.Fatal("nothing is saved")
		}
		return s.Run
	}
	r := skipped(func(w *world) { ask(w, VerbUndo, "") })
	if len(r.Skipped) != 0 || !slices.Equal(r.Undo.Aside, []string{"n1"}) {
		t.Errorf("undo: skipped %v, aside %v", r.Skipped, r.Undo.Aside)
	}
	r = skipped(func(w *world) { w.run.Undo = &Undo{Away: w.run.Target}; ask(w, VerbUndo, "") })
	if len(r.Skipped) != 0 || !slices.Equal(r.Undo.Aside, []string{"n1"}) {
		t.Errorf("undo after hold: skipped %v, aside %v", r.Skipped, r.Undo.Aside)
	}
	r = skipped(func(w *world) {
		w.run.Undo = &Undo{Away: w.run.Target, TouchPods: true, Pinned: true}
		ask(w, VerbUndo, "")
	})
	if !slices.Equal(r.Skipped, []string{"n1"}) {
		t.Errorf("undo once more: what was skipped on the way back is forgotten: %v", r.Skipped)
	}
	r = skipped(func(w *world) {
		w.run.Phase, w.run.Because, w.run.TemplateOwner = Undoing, nil, "argocd"
		w.run.Undo = &Undo{Away: w.run.Target, TouchPods: true, Aside: w.run.Skipped}
		w.run.Skipped = nil
	})
	if r.Undo != nil || !slices.Equal(r.Skipped, []string{"n1"}) {
		t.Errorf("no way back: undo %+v, skipped %v", r.Undo, r.Skipped)
	}
	r = skipped(func(w *world) {
		undoing(w)
		w.run.Skipped, w.run.Undo.Aside = nil, []string{"n1", "n9"}
		w.p(0).Ready, w.p(0).Labels[hashLabel] = true, "h1"
		w.p(2).Labels[hashLabel] = "h1"
	})
	if !slices.Equal(r.Undo.Aside, []string{"n9"}) || len(r.InFlight) != 1 || r.InFlight[0].Node != "n1" {
		t.Errorf("begun with: aside %v, in flight %+v", r.Undo.Aside, r.InFlight)
	}
}

// An undo that has begun with a node of no wave waits for it as long as a node
// may take, goes on without it, and names it.
func TestAnUndoEndsBesideANodeOfNoWaveThatIsNotReady(t *testing.T) {
	w := newWorld(2)
	undoing(w)
	w.run.Waves, w.run.Touched, w.run.Undo.First = []int{1}, []int{0, 1}, nil
	w.p(0).Labels[hashLabel] = "h1"
	w.notReady(1, corev1.ConditionFalse)
	if got := words(w.decide(t)); got != "wait NodeNotReady n1 rests=false" {
		t.Errorf("at first: %s", got)
	}
	v := w.view()
	w.obs = Observe(w.obs, w.pol, w.run, v, t0.Add(-w.pol.nodeTimeout()-time.Second))
	w.obs = Observe(w.obs, w.pol, w.run, v, t0)
	if got := words(w.decide(t)); got != "save Finishing" {
		t.Errorf("after the time of a node: %s", got)
	}
	w.run.Phase, w.run.Outcome, w.run.Original = Finishing, OutcomeUndone, onDelete
	delete(w.ds.Annotations, ArmAnnotation)
	s, ok := w.decide(t).Act.(*SaveRun)
	want := Left{Node: "n1", What: LeftOldPod, Reason: "the node is not Ready"}
	if !ok || len(s.Run.Left) != 1 || s.Run.Left[0] != want {
		t.Errorf("left %+v", s)
	}
}

// What was set aside on the way there may fail on the way back, too: all
// others are off the revision that is left before it is begun.
func TestAnUndoBeginsLastWithWhatWasSetAside(t *testing.T) {
	w := newWorld(3)
	undoing(w)
	w.run.Undo.First, w.run.Undo.Aside = nil, []string{"n0"}
	w.p(0).Ready = false
	for _, want := range []string{"save Undoing fly:n1", "save Undoing fly:n2", "save Undoing fly:n0"} {
		if got := words(w.decide(t)); got != want {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
		switch want {
		case "save Undoing fly:n1":
			w.p(1).Labels[hashLabel] = "h1"
		default:
			w.p(2).Labels[hashLabel] = "h1"
		}
	}
}

// The time that a run may take ends the way there, and no way back: neither
// that which a person asks for, nor that of --on-failure.
func TestTheTimeOfARunDoesNotEndTheWayBack(t *testing.T) {
	for _, c := range []struct {
		name  string
		given func(w *world)
		want  string
	}{
		{"there", func(*world) {}, "save Paused TimedOut"},
		{"back, asked for", func(w *world) { undoing(w); w.run.Undo.Asked = true }, "save Undoing fly:n1"},
		{"back, after a failure", undoing, "save Undoing fly:n1"},
	} {
		w := newWorld(3)
		w.pol.Timeout = &metav1.Duration{Duration: t0.Sub(w.obs.Since) - time.Second}
		c.given(w)
		if got := words(w.decide(t)); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}
