package rollout

import (
	"slices"
	"strings"
	"testing"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

func TestStatusNamesTheCordonsOfItsRun(t *testing.T) {
	for _, phase := range []Phase{Running, Stopped, Paused, Aborting} {
		w := newWorld(4)
		w.mark(1, Mark{Run: "r1"})
		w.mark(3, Mark{Run: "r1", Prior: true})
		w.mark(2, Mark{Run: "other"})
		w.run.Phase = phase
		w.run.Because = &Cause{Code: StopFailed, Node: "n1"}
		s := StatusOf(w.pol, w.run, w.view(), Outside(w.pol, w.run, w.view(), t0), t0)
		if !slices.Equal(s.Cordoned, []string{"n1", "n3"}) {
			t.Errorf("%s: got %v", phase, s.Cordoned)
		}
	}
}

func TestNativeNamesCordonsThatRunsLeft(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(*world)
		want string // nodes, then what gives them back
	}{
		{"none", func(*world) {}, ""},
		{"of the run that armed it", func(w *world) { w.mark(1, Mark{Run: "r1"}); w.mark(2, Mark{Run: "r1"}) },
			"n1 r1 true; n2 r1 true; kubectl ds-rollout recover -n kube-system agent --context prod: : gives n1, n2 back as before the run"},
		{"of a run that only a copy tells of", func(w *world) {
			w.mark(1, Mark{Run: "r0"})
			w.s.Revisions[0].Annotations = map[string]string{ArmAnnotation: Armed{Run: "r0", Original: "RollingUpdate"}.String()}
		}, "n1 r0 true; kubectl ds-rollout recover -n kube-system agent --context prod: : gives n1 back as before the run"},
		{"of a run that nothing tells of", func(w *world) { w.mark(1, Mark{Run: "r7"}) },
			"n1 r7 false; kubectl ds-rollout recover -n kube-system agent --run r7 --context prod: if run r7 was of this DaemonSet and is over: gives n1 back as before the run"},
		{"a mark that cannot be read", func(w *world) { w.n(1).Annotations[MarkAnnotation] = "{" }, "n1  false"},
		{"on a node that it has nothing to do with", func(w *world) { w.mark(1, Mark{Run: "r7"}); w.taint(1); w.drop(1) }, ""},
		{"while a Lease is there", func(w *world) { w.mark(1, Mark{Run: "r1"}); w.gone = false }, "n1 r1 true"},
		{"while the template is too new to tell", func(w *world) { w.mark(1, Mark{Run: "r1"}); w.ds.Generation = 3 },
			"n1 r1 true; kubectl ds-rollout recover -n kube-system agent --context prod: : gives n1 back as before the run"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(4)
			w.gone = true
			c.set(w)
			n := NativeOf(w.view(), "--context prod", t0)
			var got []string
			for _, x := range n.Cordoned {
				got = append(got, strings.Join([]string{x.Node, x.Run, map[bool]string{true: "true", false: "false"}[x.Known]}, " "))
			}
			for _, x := range n.Cleanups {
				got = append(got, strings.Join([]string{x.Do, x.When, x.Then}, ": "))
			}
			if s := strings.Join(got, "; "); s != c.want {
				t.Errorf("\n got %s\nwant %s", s, c.want)
			}
		})
	}
}

// What was before cannot be known any more, and start refuses: it is not what
// helps.
func TestAnArmAnnotationThatCannotBeReadIsTold(t *testing.T) {
	w := newWorld(3)
	if n := NativeOf(w.view(), "", t0); n.OddArm != "" || n.State != NativeHeld || len(n.Remedies) != 1 {
		t.Fatalf("got %q, %s, %v", n.OddArm, n.State, n.Remedies)
	}
	w.ds.Annotations[ArmAnnotation] = "{"
	n := NativeOf(w.view(), "", t0)
	if !strings.Contains(n.OddArm, ArmAnnotation) || !strings.Contains(n.OddArm, "set it, and remove the annotation") || len(n.Remedies) != 0 {
		t.Errorf("got %q, %v", n.OddArm, n.Remedies)
	}
}

// Who does not drive reads no pods of others, and a drain is no failed read.
func TestOutsideTellsADrainWithoutThePodsOfOthers(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(*world)
		want Code
	}{
		{"a drain", func(w *world) { cordoned(w, true) }, WaitDrain},
		{"jobs", func(w *world) { jobOnly(w) }, WaitJobs},
		{"both", func(w *world) { cordoned(w, true); w.pol.WaitForJobs = &WaitForJobs{Selector: "a=b"} }, WaitDrain},
		{"a node that is soaking", func(w *world) {
			cordoned(w, true)
			p := w.replace(0, 0)
			p.ReadySince, p.Created = snapshot.Time(t0.Unix()), snapshot.Time(t0.Unix())
		}, WaitSoak},
	} {
		w := newWorld(1)
		c.set(w)
		w.s.AllPods = false
		s := StatusOf(w.pol, w.run, w.view(), Outside(w.pol, w.run, w.view(), t0), t0)
		if f := s.Flights[0]; f.Code != c.want || f.Code != WaitSoak && !f.Until.IsZero() {
			t.Errorf("%s: got %s until %s, want %s", c.name, f.Code, f.Until, c.want)
		}
		w.obs.Nodes["n0"] = NodeSeen{}
		if f := StatusOf(w.pol, w.run, w.view(), w.obs, t0).Flights[0]; c.want != WaitSoak && f.Code != WaitRead {
			t.Errorf("%s: its driver says %s", c.name, f.Code)
		}
	}
}
