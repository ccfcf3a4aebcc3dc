package rollout

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"
)

func drawRun(t *rapid.T) *Run {
	w := newWorld(rapid.IntRange(1, 8).Draw(t, "nodes"))
	r := w.run
	n := len(r.Members)
	r.Started = metav1.NewTime(t0)
	r.Phase = rapid.SampledFrom(Phases()).Draw(t, "phase")
	if r.Phase == Paused || r.Phase == Stopped {
		at := metav1.NewTime(t0)
		r.Because = &Cause{Code: PauseAsked, Message: rapid.String().Draw(t, "message"), Since: &at}
	}
	r.Waves = nil
	for end := 0; end < n; {
		end = rapid.IntRange(end+1, n).Draw(t, "wave")
		r.Waves = append(r.Waves, end)
	}
	for i := range n {
		switch rapid.IntRange(0, 4).Draw(t, "node") {
		case 0:
			r.InFlight = append(r.InFlight, Flight{Node: name(i), NodeUID: nodeUID(i), PodUID: podUID(i, 1), Wave: r.wave(i), Started: metav1.NewTime(t0), Step: StepPrepare})
			r.Touched = append(r.Touched, i)
		case 1:
			r.Failed = append(r.Failed, Failure{Node: name(i), Reason: "CrashLoop", Message: rapid.String().Draw(t, "why")})
		case 2:
			r.Skipped = append(r.Skipped, name(i))
		case 3:
			r.Touched = append(r.Touched, i)
		}
	}
	if rapid.Bool().Draw(t, "undo") {
		r.Undo = &Undo{Away: r.Target, TouchPods: true, First: []string{"n0"}}
	}
	return r
}

func TestRunsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRun(t)
		a, err := EncodeRun(r)
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodeRun(a)
		if err != nil {
			t.Fatalf("%v\n%s", err, a)
		}
		b, err := EncodeRun(got)
		if err != nil || string(a) != string(b) {
			t.Fatalf("%v\n%s\n%s", err, a, b)
		}
		c, err := EncodeRun(r.DeepCopy())
		if err != nil || string(c) != string(a) {
			t.Fatalf("a copy differs: %v\n%s", err, cmp.Diff(string(a), string(c)))
		}
	})
}

func TestStoredRunsAreReadStrictly(t *testing.T) {
	good, err := EncodeRun(newWorld(2).run)
	if err != nil {
		t.Fatal(err)
	}
	var newer *NewerVersionError
	if _, err := DecodeRun([]byte(strings.Replace(string(good), `"version":1`, `"version":2`, 1))); !errors.As(err, &newer) {
		t.Errorf("a newer version is an error of its own: %v", err)
	}
	edits := map[string]func(m map[string]any){
		"an unknown field":        func(m map[string]any) { m["exec"] = "rm" },
		"no id":                   func(m map[string]any) { m["id"] = "" },
		"an unknown phase":        func(m map[string]any) { m["phase"] = "Flying" },
		"a wave past the scope":   func(m map[string]any) { m["waves"] = []int{3} },
		"a scope with a double":   func(m map[string]any) { m["scope"] = "a/1 a/2" },
		"a scope that is no pair": func(m map[string]any) { m["scope"] = "a" },
		"touched past the scope":  func(m map[string]any) { m["touched"] = []int{7} },
		"paused without a reason": func(m map[string]any) { m["phase"] = "Paused" },
		"running without target":  func(m map[string]any) { m["target"] = map[string]any{} },
		"no policy":               func(m map[string]any) { delete(m, "policy") },
		"a command in a gate": func(m map[string]any) {
			m["policy"].(map[string]any)["gates"] = []any{map[string]any{"name": "g", "when": "afterNode", "exec": []string{"/bin/sh"}}}
		},
	}
	for name, edit := range edits {
		var m map[string]any
		if err := json.Unmarshal(good, &m); err != nil {
			t.Fatal(err)
		}
		edit(m)
		b, _ := json.Marshal(m)
		if _, err := DecodeRun(b); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	for _, b := range []string{"", "null", "[]", "{", string(good) + "x"} {
		if _, err := DecodeRun([]byte(b)); err == nil {
			t.Errorf("%q is accepted", b)
		}
	}
}

func TestIntentsRoundTripAndAreBounded(t *testing.T) {
	list := []Intent{{ID: "a", Run: "r", Verb: VerbSkip, Node: "n", At: metav1.NewTime(t0)}}
	b, err := EncodeIntents(list)
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeIntents(b)
	if err != nil || len(got) != 1 || got[0].Node != "n" {
		t.Errorf("%v %+v", err, got)
	}
	if _, err := EncodeIntents(make([]Intent, maxIntents+1)); err == nil {
		t.Error("too many intents are accepted")
	}
	if _, err := DecodeIntents([]byte(`{"version":1,"intents":[{"exec":"rm"}]}`)); err == nil {
		t.Error("an unknown field is accepted")
	}
}

func TestALargeScopeFitsAnAnnotation(t *testing.T) {
	w := newWorld(0)
	for i := range 5000 {
		w.run.Members = append(w.run.Members, Member{Node: "ip-10-0-" + name(i), UID: "0a1b2c3d"})
	}
	if n := w.run.EstimateBytes(); n > MaxRunBytes {
		t.Errorf("5,000 nodes are estimated at %d bytes of %d", n, MaxRunBytes)
	}
	for len(w.run.Members) < 20000 {
		w.run.Members = append(w.run.Members, Member{Node: "ip-10-0-" + name(len(w.run.Members)), UID: "0a1b2c3d"})
	}
	if n := w.run.EstimateBytes(); n <= MaxRunBytes {
		t.Errorf("20,000 nodes are estimated at %d bytes, which would be accepted", n)
	}
}

func TestEveryPairOfPhaseAndVerbIsInTheTable(t *testing.T) {
	seen := map[[2]string]bool{}
	for _, e := range Table() {
		k := [2]string{string(e.Phase), string(e.Verb)}
		if seen[k] {
			t.Errorf("%v is there twice", k)
		}
		seen[k] = true
		switch {
		case e.Allowed && (e.Strategy == "" || e.Template == "" || e.Cordons == "" || e.Lease == ""):
			t.Errorf("%v is allowed, and its effects are not all said: %+v", k, e)
		case !e.Allowed && (e.Because == "" || e.Exit != ExitError):
			t.Errorf("%v is not allowed, and it is not said why: %+v", k, e)
		case e.Allowed && e.Verb == VerbAbort && e.Template != "kept":
			t.Errorf("abort keeps the template: %+v", e)
		}
	}
	if len(seen) != len(Phases())*len(Verbs()) {
		t.Errorf("%d pairs of %d", len(seen), len(Phases())*len(Verbs()))
	}
}

// What the table says is what a decision does.
func TestTheTableIsWhatHappens(t *testing.T) {
	for _, e := range Table() {
		if e.Verb == VerbTakeover || e.Phase == Ended {
			continue
		}
		w := newWorld(2)
		w.run.Phase = e.Phase
		if e.Phase == Paused || e.Phase == Stopped {
			w.run.Because = &Cause{Code: PauseAsked}
		}
		if e.Verb == VerbApprove && w.run.Because != nil {
			w.run.Because = &Cause{Code: PauseApproval, Wave: 1}
		}
		w.run.Failed = []Failure{{Node: "n0", Reason: "x"}}
		ask(w, e.Verb, "n0")
		if e.Verb == VerbApprove {
			ask(w, e.Verb, "")
		}
		s, ok := w.decide(t).Act.(*SaveRun)
		if !ok {
			t.Errorf("%s in %s is not taken", e.Verb, e.Phase)
			continue
		}
		want := e.Then
		if want == "" || !e.Allowed {
			want = e.Phase
		}
		if s.Run.Phase != want {
			t.Errorf("%s in %s leads to %s, the table says %s", e.Verb, e.Phase, s.Run.Phase, want)
		}
	}
}

// Nothing that is stored makes a decision bolder: with anything of it gone
// but approvals, no pod is deleted that would not have been.
func TestDecideIsDeterministicAndDoesNotChangeItsInput(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(rapid.IntRange(1, 5).Draw(rt, "nodes"))
		for i := range w.run.Members {
			switch rapid.IntRange(0, 7).Draw(rt, "node") {
			case 0:
				w.p(i).Ready = false
			case 1:
				w.taint(i)
			case 2:
				w.notReady(i, "Unknown")
			case 3:
				w.fly(i)
			case 4:
				w.fly(i)
				w.replace(i, time.Duration(rapid.IntRange(0, 20).Draw(rt, "soaked"))*time.Second)
			case 5:
				w.drop(i)
			case 6:
				w.mark(i, Mark{Run: rapid.SampledFrom([]string{"r1", "r2"}).Draw(rt, "run"), Epoch: 1})
			}
		}
		w.pol.MaxUnavailable = intOr(int32(rapid.IntRange(1, 3).Draw(rt, "ceiling")))
		before, _ := EncodeRun(w.run)
		v := w.view()
		a := Decide(w.pol, w.run, v, w.obs, t0)
		o := Observe(w.obs, w.pol, w.run, v, t0)
		b := Decide(w.pol, w.run, w.view(), w.obs, t0)
		if words(a) != words(b) {
			rt.Fatalf("two answers: %s and %s", words(a), words(b))
		}
		after, _ := EncodeRun(w.run)
		if string(before) != string(after) {
			rt.Fatal("the run was changed")
		}
		_ = Decide(w.pol, w.run, v, o, t0)
		_ = StatusOf(w.pol, w.run, v, o, t0)
	})
}
