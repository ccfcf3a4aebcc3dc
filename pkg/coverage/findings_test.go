package coverage

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit"
)

// Nodes are listed before pods: a young pod on a node that is not there may be
// of one that joined in between.
func TestANodeThatHasJustJoinedIsNotGone(t *testing.T) {
	for _, c := range []struct {
		name  string
		made  time.Duration // the pod, before the data was read
		later time.Duration // the time that is judged at, after that
		gone  bool
	}{
		{"while it was read", 5 * time.Second, 0, false},
		{"long before", 5 * time.Minute, 0, true},
		{"judged as of a later time", 5 * time.Second, time.Hour, false},
	} {
		w := testkit.NewWorld()
		d := w.Run(testkit.DaemonSet("ops", "agent").Status(2, 1, 2, 0), "n0")
		w.Add(testkit.Node("n0"), testkit.PodOf(d, "n1").Created(c.made).NotReady(c.made))
		r := Analyze(w.Snapshot(), Options{Now: testkit.Now.Add(c.later), Grace: 5 * time.Minute})
		if got := len(findingsOf(r, SchedNodeGone)) > 0; got != c.gone {
			t.Errorf("%s: gone: %t", c.name, got)
		}
		why := r.DaemonSets[0].Drift[0].Because
		if got := strings.Contains(why, "changed within the grace"); got == c.gone {
			t.Errorf("%s: status counts the pod, because %q", c.name, why)
		}
	}
}

// A node that goes leaves pods of many DaemonSets: that is one paragraph.
func TestNodesThatAreGoneAreOneParagraph(t *testing.T) {
	w := testkit.NewWorld().Add(testkit.Node("n0"))
	for _, name := range []string{"a", "b", "c"} {
		d := w.Run(testkit.DaemonSet("ops-"+name, name), "n0")
		w.Add(testkit.PodOf(d, "n1"))
	}
	cs := Analyze(w.Snapshot(), Options{Now: testkit.Now, Grace: 5 * time.Minute, CommandFlags: "--context prod"}).Causes()
	got := ""
	for i := range cs {
		got += strings.Join(paragraph(&cs[i]), "\n")
	}
	want := `SchedNodeGone   3 DaemonSets   
    seen: 3 pods bound or pinned to nodes that are gone: ops-a/a-n1, ops-b/b-n1, ops-c/c-n1
    nodes: 
    fix: wait: the controller or the pod garbage collector removes it
    look: kubectl get pods -A -o wide --context prod`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// A role for one namespace may list the pods of that one only.
func TestPodsOfOneNamespaceAreLookedAtThere(t *testing.T) {
	w := testkit.NewWorld().Add(testkit.Node("n0"))
	for _, name := range []string{"a", "b"} {
		d := w.Run(testkit.DaemonSet("ops", name), "n0")
		w.Add(testkit.PodOf(d, "n1"))
	}
	cs := causesOf(Analyze(w.Snapshot(), Options{Now: testkit.Now, Grace: 5 * time.Minute}), SchedNodeGone)
	if len(cs) != 1 || len(cs[0].DaemonSets) != 2 || cs[0].Looks[0] != "kubectl get pods -n ops -o wide" {
		t.Errorf("%+v", cs)
	}
}

// What no node should run for long is parked; a typing error is new, in the
// DaemonSet or in its template.
func TestWhatHasLongBeenForNoNodeIsParked(t *testing.T) {
	for _, c := range []struct {
		name     string
		desired  int32 // says status
		observed int64
		template time.Duration // age of its revision
		made     time.Duration
		want     bool
	}{
		{"for long", 0, 1, 48 * time.Hour, 48 * time.Hour, true},
		{"a new DaemonSet", 0, 1, time.Hour, time.Hour, false},
		{"a new template", 0, 1, time.Hour, 48 * time.Hour, false},
		{"status counts nodes", 3, 1, 48 * time.Hour, 48 * time.Hour, false},
		{"status is of a generation before", 0, 0, 48 * time.Hour, 48 * time.Hour, false},
	} {
		d := testkit.DaemonSet("ops", "agent").Select("gpu=true").Generation(1, c.observed).Status(c.desired, 0, 0, 0).Build()
		d.CreationTimestamp.Time = testkit.Now.Add(-c.made)
		w := testkit.NewWorld().Add(testkit.Node("n0"), d, testkit.Revision(d, testkit.Hash, 1, c.template))
		fs := findingsOf(Analyze(w.Snapshot(), Options{Now: testkit.Now, Grace: 5 * time.Minute}), NoMatchAnyNode)
		if len(fs) != 1 || fs[0].Parked != c.want {
			t.Errorf("%s: %+v", c.name, fs)
		}
	}
}

// By name all pods that the selector matches are read, else those of
// DaemonSets: the answer is the same.
func TestWhoseAPodIsDoesNotDependOnTheQuestion(t *testing.T) {
	w := testkit.NewWorld().Add(testkit.Node("n0"))
	d := w.Run(testkit.DaemonSet("ops", "agent"), "n0")
	labels := func(p *corev1.Pod) { p.Labels = d.Spec.Template.Labels }
	w.Add(testkit.Pod("ops", "web", "n0").OwnedBy("ReplicaSet", "web").Change(labels),
		testkit.Pod("ops", "ending", "n0").Change(labels).Terminating(0))
	if got := findingsOf(Analyze(w.Snapshot(), Options{Now: testkit.Now}), OrphanShadow); len(got) > 0 {
		t.Errorf("pods that only a question by name reads: %+v", got)
	}
	w.Add(testkit.PodOf(testkit.DaemonSet("ops", "other").Build(), "n0").Change(func(p *corev1.Pod) { p.Labels["app"] = d.Spec.Template.Labels["app"] }))
	if got := findingsOf(Analyze(w.Snapshot(), Options{Now: testkit.Now}), OrphanShadow); len(got) != 1 || len(got[0].Evidence.Pods) != 1 {
		t.Errorf("a pod of another DaemonSet: %+v", got)
	}
}

func findingsOf(r *Result, reason Reason) []Finding {
	var out []Finding
	for i := range r.DaemonSets {
		for _, f := range r.DaemonSets[i].Findings {
			if f.Reason == reason {
				out = append(out, f)
			}
		}
	}
	return out
}
