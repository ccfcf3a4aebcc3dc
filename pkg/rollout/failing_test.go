package rollout

import (
	"strings"
	"testing"
	"time"
)

// gateFailed is a node whose new pod is available, and that a gate failed.
func gateFailed(w *world, i int) {
	w.pol.MaxFailures = 1
	w.run.Touched = append(w.run.Touched, i)
	w.run.Failed = append(w.run.Failed, Failure{Node: name(i), Reason: string(StopGate), Message: "gate g: fail: no"})
	w.updated(i)
}

func TestANodeThatAGateFailedStaysFailed(t *testing.T) {
	for _, c := range []struct {
		name  string
		nodes int
		given func(w *world)
		want  string
	}{
		{"it keeps its place under the ceiling", 2, func(*world) {}, "wait CeilingTaken n0 rests=false"},
		{"others go on where there is room", 2, func(w *world) { w.pol.MaxUnavailable = intOr(2) }, "save Running fly:n1 failed:n0"},
		{"the run ends beside it", 1, func(*world) {}, "save Finishing failed:n0"},
		{"it is one too many without --max-failures", 2, func(w *world) { w.pol.MaxFailures = 0 }, "save Stopped NodeFailed failed:n0"},
		{"skipped, it takes no place", 2, func(w *world) { w.run.Skipped = []string{"n0"} }, "save Running fly:n1 failed:n0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(c.nodes)
			gateFailed(w, 0)
			c.given(w)
			if got := words(w.decide(t)); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if s := StatusOf(w.pol, w.run, w.view(), w.obs, t0); s.Done != 0 {
				t.Errorf("%d done", s.Done)
			}
		})
	}
}

func TestANodeThatIsTriedAgainNotesWhatItsPodDid(t *testing.T) {
	w := newWorld(1)
	stoppedRun(w)
	w.p(0).Restarts = 7
	ask(w, VerbRetry, "n0")
	s, ok := w.decide(t).Act.(*SaveRun)
	want := Again{PodUID: w.p(0).UID, Restarts: 7}
	if !ok || len(s.Run.InFlight) != 1 || s.Run.InFlight[0].Again != want {
		t.Errorf("got %+v", s)
	}
}

// Of a pod that was available and broke it is not said that it never was.
func TestAPodThatBreaksInTheSoakIsToldAsThat(t *testing.T) {
	w := newWorld(1)
	w.fly(0)
	p := w.replace(0, 9*time.Second)
	p.Ready = false
	at := func(ago time.Duration) string {
		w.obs = Observe(w.obs, w.pol, w.run, w.view(), t0.Add(-ago))
		d := Decide(w.pol, w.run, w.view(), w.obs, t0.Add(-ago))
		if s, ok := d.Act.(*SaveRun); ok && len(s.Run.Failed) > 0 {
			return s.Run.Failed[0].Message
		}
		return words(d)
	}
	seen := w.obs.Nodes["n0"]
	seen.Replaced, seen.Available = t0.Add(-11*time.Minute), t0.Add(-50*time.Second) // later than the time of a node
	w.obs.Nodes["n0"] = seen
	if got := at(40 * time.Second); got != "wait NewPodNotAvailable n0 rests=false" {
		t.Errorf("a moment after: %s", got)
	}
	if got, want := at(9*time.Second), "its new pod was available, and broke before it had been so for 10s"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	w.p(0).Ready = true
	_ = at(8 * time.Second)
	if seen := w.obs.Nodes["n0"]; !seen.Broke.IsZero() || seen.Available.IsZero() {
		t.Errorf("available again: %+v", seen)
	}
}

// Nor that it broke in the soak, where it had soaked and a gate held it.
func TestAPodThatBreaksBesideItsGateIsToldAsThat(t *testing.T) {
	w := newWorld(1)
	gate(w, AfterNode)
	w.fly(0)
	p := w.replace(0, 9*time.Minute)
	seen := w.obs.Nodes["n0"]
	seen.Replaced = t0.Add(-11 * time.Minute)
	w.obs.Nodes["n0"] = seen
	look := func(ago time.Duration) Decision {
		w.obs = Observe(w.obs, w.pol, w.run, w.view(), t0.Add(-ago))
		return Decide(w.pol, w.run, w.view(), w.obs, t0.Add(-ago))
	}
	if got := words(look(50 * time.Second)); got != "gate g n0#1" {
		t.Fatalf("soaked: %s", got)
	}
	p.Ready = false
	_ = look(40 * time.Second)
	s, ok := look(0).Act.(*SaveRun)
	want := "its new pod broke after it had been available for 8m10s, before its gates had passed"
	if !ok || len(s.Run.Failed) != 1 || s.Run.Failed[0].Message != want {
		t.Errorf("got %+v", s)
	}
}

// A proven pod that is not available at one look has the time that it has
// while the run goes on.
func TestAPodHasAMomentAsTheRunFinishes(t *testing.T) {
	w := newWorld(2)
	w.updated(0)
	w.updated(1)
	w.run.Touched, w.run.Phase, w.run.Outcome, w.run.Original = []int{0, 1}, Finishing, OutcomeDone, onDelete
	delete(w.ds.Annotations, ArmAnnotation)
	w.p(0).Ready = false
	look := func(at time.Time) Decision {
		w.obs = Observe(w.obs, w.pol, w.run, w.view(), at)
		return Decide(w.pol, w.run, w.view(), w.obs, at)
	}
	for _, at := range []time.Time{t0, t0.Add(lostAfter)} {
		if got := words(look(at)); got != "wait NewPodNotAvailable n0 rests=false" {
			t.Errorf("%s: %s", at.Sub(t0), got)
		}
	}
	s, ok := look(t0.Add(lostAfter + time.Second)).Act.(*SaveRun)
	want := Left{Node: "n0", What: LeftNoPod, Reason: "its new pod is no longer available (Starting)"}
	if !ok || s.Run.Phase != Ended || len(s.Run.Left) != 1 || s.Run.Left[0] != want {
		t.Errorf("at last: %+v", s)
	}
	w.p(0).Ready = true
	if s, ok = look(t0.Add(lostAfter)).Act.(*SaveRun); !ok || s.Run.Phase != Ended || len(s.Run.Left) != 0 {
		t.Errorf("back in time: %+v", s)
	}
}

// A node without an available pod is no clean end, whoever went past it.
func TestTheEndNamesNodesWithoutAnAvailablePod(t *testing.T) {
	for _, c := range []struct {
		name  string
		given func(w *world)
		want  string
	}{
		{"skipped, and its new pod crashes", func(w *world) { w.run.Skipped = []string{"n0"} }, "NoPod of node n0: skipped by a person (Starting)"},
		{"skipped, and it has no pod", func(w *world) { w.run.Skipped = []string{"n0"}; w.drop(0) }, "NoPod of node n0: skipped by a person (CreateStale)"},
		{"set aside before", func(w *world) { w.run.Fenced = []string{"n0"} }, "NoPod of node n0: broken before the run, and set aside (Starting)"},
		{"passed by", func(*world) {}, "NoPod of node n0: it did not become available (Starting)"},
		{"skipped, and available", func(w *world) { w.run.Skipped = []string{"n0"}; w.p(0).Ready = true }, ""},
		{"skipped, and its pod may not run there any more", func(w *world) { w.run.Skipped = []string{"n0"}; w.taint(0); w.drop(0) }, ""},
		{"a namesake is not one of the run's", func(w *world) { w.n(0).UID = "other" }, ""},
		{"skipped before its pod was replaced", func(w *world) {
			w.run.Skipped = []string{"n0"}
			w.p(0).Ready, w.p(0).Labels[hashLabel] = true, "h1"
		}, "Skipped of node n0: skipped by a person"},
		{"skipped with an old pod that is down", func(w *world) { w.run.Skipped = []string{"n0"}; w.p(0).Labels[hashLabel] = "h1" }, "OldPod of node n0: skipped by a person (Starting)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(2)
			w.updated(0)
			w.updated(1)
			w.p(0).Ready = false
			c.given(w)
			w.run.Phase, w.run.Outcome, w.run.Original = Finishing, OutcomeDone, onDelete
			delete(w.ds.Annotations, ArmAnnotation)
			s, ok := w.decide(t).Act.(*SaveRun)
			if !ok || s.Run.Phase != Ended {
				t.Fatalf("got %+v", s)
			}
			got, exit := "", "done Done exit 0"
			for _, l := range s.Run.Left {
				got = l.String()
			}
			if c.want != "" && !strings.HasPrefix(c.want, LeftSkipped) {
				exit = "done Done exit 1"
			}
			if got != c.want || len(s.Run.Left) > 1 {
				t.Errorf("got  %+v\nwant %s", s.Run.Left, c.want)
			}
			w.run, w.gone = s.Run, true
			if got := words(w.decide(t)); got != exit {
				t.Errorf("got %s, want %s", got, exit)
			}
		})
	}
}

func TestTheEndNamesWhatFailed(t *testing.T) {
	w := newWorld(2)
	gateFailed(w, 0)
	w.updated(1)
	w.run.Phase, w.run.Outcome = Finishing, OutcomeDone
	delete(w.ds.Annotations, ArmAnnotation)
	w.run.Original = onDelete
	s, ok := w.decide(t).Act.(*SaveRun)
	if !ok || s.Run.Phase != Ended {
		t.Fatalf("got %+v", s)
	}
	want := Left{Node: "n0", What: LeftFailedPod, Reason: "gate g: fail: no"}
	if len(s.Run.Left) != 1 || s.Run.Left[0] != want || s.Run.Nodes != 1 {
		t.Errorf("left %+v, %d done", s.Run.Left, s.Run.Nodes)
	}
	w.run, w.gone = s.Run, true
	if got := words(w.decide(t)); got != "done Done exit 1" {
		t.Errorf("got %s", got)
	}
}
