package rollout

import (
	"fmt"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
)

// held is a stopped run of which the older template is back, under a number of
// its own.
func held(w *world) {
	stoppedRun(w)
	w.run.Undo = &Undo{Away: w.run.Target, Pinned: true}
	putBack(w)
}

func putBack(w *world) {
	w.ds.Annotations[appsv1.DeprecatedTemplateGeneration] = "3"
	w.ds.Spec.Template = revisionTemplate(1)
	w.s.Revisions[0].Revision = 3
}

// Hold says that the template is back, once, and not that somebody changed it.
func TestHoldIsTold(t *testing.T) {
	w := newWorld(2)
	var was *Status
	var got []string
	say := func() {
		now := StatusOf(w.pol, w.run, w.view(), w.obs, t0)
		for _, e := range Events(was, now) {
			got = append(got, fmt.Sprintf("%s %d", e.Type, e.Number))
		}
		was = now
	}
	say()
	w.run.Touched = []int{0}
	say()
	stoppedRun(w)
	w.run.Undo = &Undo{Away: w.run.Target}
	say()
	w.ds.Annotations[appsv1.DeprecatedTemplateGeneration] = "3"
	w.ds.Generation = 3 // the controller has not seen it
	say()
	w.ds.Generation = 2
	putBack(w)
	say()
	w.run.Undo.Pinned = true
	say()
	if want := "Started 2, WaveStarted 0, NodeFailed 0, Stopped 0, Held 3"; strings.Join(got, ", ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, ", "), want)
	}
	if was.From.Number != 3 || !was.Held {
		t.Errorf("from %+v, held %v", was.From, was.Held)
	}
	for _, c := range Choices(w.run, w.view(), t0) {
		if c.Verb != VerbUndo {
			t.Errorf("%s is offered", c.Verb)
		}
	}
	newTemplate(w) // now it is somebody else
	w.ds.Spec.Template = revisionTemplate(3)
	w.s.Revisions[len(w.s.Revisions)-1].Data = dataOf(revisionTemplate(3))
	w.s.Revisions[len(w.s.Revisions)-1].Revision = 4
	got = nil
	say()
	if strings.Join(got, ", ") != "Drift 0" {
		t.Errorf("somebody changes the template: %v", got)
	}
}

func TestARunAfterHoldDoesNotGoOn(t *testing.T) {
	w := newWorld(2)
	held(w)
	w.run.Phase, w.run.Because, w.run.Failed = Running, nil, nil
	if got := words(w.decide(t)); got != "save Stopped TemplateHeld" {
		t.Errorf("resumed: %s", got)
	}
	w.ds.Spec.Template = revisionTemplate(2) // somebody brings the new one again
	w.s.Revisions[0].Revision, w.s.Revisions[1].Revision = 3, 4
	s, ok := w.decide(t).Act.(*SaveRun)
	if !ok || s.Run.Undo != nil || s.Run.Phase != Running {
		t.Errorf("got %+v", s)
	}
}
