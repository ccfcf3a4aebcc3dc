package rollout

import (
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

func TestCompareWithWhereItIsFine(t *testing.T) {
	w := newWorld(8)
	for _, i := range []int{5, 6, 7} {
		w.n(i).Labels[archLabel] = "arm64"
	}
	w.updated(0)
	w.updated(1)
	w.fails(5, time.Minute)
	came := snapshot.Time(t0.Add(-time.Minute).Unix())
	other := func(pod string, ready bool, since, created snapshot.Time) {
		w.s.Pods = append(w.s.Pods, snapshot.Pod{
			Namespace: "team-a", Name: pod, UID: "x" + podUID(0, len(w.s.Pods)), Node: "n5", Phase: corev1.PodRunning, Ready: ready, ReadySince: since, Created: created,
		})
	}
	other("worse", false, came+5, came-1000)
	other("bad-before", false, came-5, came-1000)
	other("newer", false, came+5, came+1)
	other("well", true, came-900, came-1000)
	c := Compare(w.view(), w.run, "n5", t0)
	if strings.Join(c.Fine, ",") != "n0,n1" || c.FineShare != "amd64" || c.Arch != "arm64" || strings.Join(c.Worse, ",") != "team-a/worse" {
		t.Errorf("got %+v", c)
	}
	if c.Alike == nil || c.Alike.What != "arm64" || c.Alike.Waiting != 2 {
		t.Errorf("alike: %+v", c.Alike)
	}
	w.updated(6) // it is fine on one of them
	if c = Compare(w.view(), w.run, "n5", t0); c.Alike != nil || c.FineShare != "" {
		t.Errorf("got %+v", c)
	}
}

func TestChoices(t *testing.T) {
	w := newWorld(3)
	w.run.Phase, w.run.Because = Stopped, &Cause{Code: StopFailed, Node: "n1"}
	w.run.Failed = []Failure{{Node: "n1", Reason: "x"}}
	w.updated(1)
	got := Choices(w.run, w.view(), t0)
	if len(got) != 3 || got[0].Because != "" || got[0].Pods != 1 || got[1].Node != "n1" || got[2].Because != "" {
		t.Errorf("got %+v", got)
	}
	w.run.Failed = nil // a gate before it blocks
	if got = Choices(w.run, w.view(), t0); len(got) != 2 || got[1].Verb != VerbSkip {
		t.Errorf("of a node that nothing was done to: %+v", got)
	}
	w.run.TemplateOwner, w.run.Because = "argocd-controller", &Cause{Code: StopFlip}
	got = Choices(w.run, w.view(), t0)
	if len(got) != 1 || !strings.Contains(got[0].Because, "argocd-controller owns the template") {
		t.Errorf("got %+v", got)
	}
}

func TestNothingIsOfferedWhereNothingHasChanged(t *testing.T) {
	w := newWorld(2)
	w.run.Phase, w.run.Because, w.run.Target = Stopped, &Cause{Code: StopChange}, Revision{}
	if got := Choices(w.run, w.view(), t0); len(got) != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestResumeFacts(t *testing.T) {
	w := newWorld(6)
	w.run.Phase, w.run.Because, w.run.Waves = Paused, &Cause{Code: PauseUntil}, []int{1, 6}
	until := metav1.NewTime(t0.Add(-time.Hour))
	w.run.Policy.Until = &until
	w.updated(0)
	w.lost(4, time.Hour)
	w.node(9)
	w.pod(9, "h2")
	w.s.Nodes = slices.DeleteFunc(w.s.Nodes, func(n *corev1.Node) bool { return n.Name == "n5" })
	f := ResumeOf(w.run, w.view(), t0)
	if f.Done != 1 || f.Total != 5 || f.LeftNodes != 3 || len(f.Left) != 1 || f.Left[0] != (LeftWave{2, 3}) || !f.UntilPast {
		t.Errorf("got %+v", f)
	}
	if strings.Join(f.Joined, ",") != "n9" || strings.Join(f.Gone, ",") != "n5" || strings.Join(f.Lost, ",") != "n4" || len(f.Differs) > 0 || len(f.Same) != 4 {
		t.Errorf("got %+v", f)
	}
	if !f.Until.Equal(&until) {
		t.Errorf("until %v", f.Until)
	}
	if w.run.Undo = (&Undo{TouchPods: true, Asked: true}); ResumeOf(w.run, w.view(), t0).UntilPast {
		t.Error("the way back that a person asked for is put off")
	}
	w.run.Undo = nil
	if f.Seconds != 3*(20+10) {
		t.Errorf("it takes %d seconds", f.Seconds)
	}
	w.run.ClusterUID, w.ds.UID = "other", "again"
	flipped(w)
	if f = ResumeOf(w.run, w.view(), t0); len(f.Differs) != 3 {
		t.Errorf("differs: %v", f.Differs)
	}
}

func TestWhichRunsRestByTheirTime(t *testing.T) {
	past, later := metav1.NewTime(t0), metav1.NewTime(t0.Add(time.Second))
	for _, phase := range Phases() {
		for _, until := range []*metav1.Time{nil, &past, &later} {
			r := &Run{Policy: &Policy{Timing: Timing{Until: until}}}
			r.Phase = phase
			want := until == &past && !slices.Contains([]Phase{Aborting, Finishing, Ended}, phase)
			if got := RestsByUntil(r, t0); got != want {
				t.Errorf("%s until %v: %v", phase, until, got)
			}
		}
	}
}

func TestPrintedCommandsArePasted(t *testing.T) {
	for _, c := range []struct{ want, got string }{
		{"kubectl ds-rollout undo -n kube-system agent --context prod", Command("--context prod", "kubectl", "ds-rollout", "undo", "-n", "kube-system", "agent")},
		{"kubectl delete node 'a; rm -rf /'", Command("", "kubectl", "delete", "node", "a; rm -rf /")},
		{`kubectl delete node 'it'\''s'`, Command("", "kubectl", "delete", "node", "it's")},
		{"kubectl delete node '?'", Command("", "kubectl", "delete", "node", "--all")},
		{"kubectl delete node ''", Command("", "kubectl", "delete", "node", "")},
	} {
		if c.got != c.want {
			t.Errorf("got %s, want %s", c.got, c.want)
		}
	}
}
