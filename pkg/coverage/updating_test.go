package coverage

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit"
)

// rolling is a DaemonSet on ten nodes, of which some are outdated and the last
// ones crash.
func rolling(b *testkit.DaemonSetBuilder, outdated, crashing int) *Result {
	w := testkit.NewWorld()
	d := b.Build()
	w.Add(d, testkit.Revision(d, testkit.Hash, 2, time.Hour))
	for i := range 10 {
		name := fmt.Sprintf("n%d", i)
		p := testkit.PodOf(d, name)
		switch {
		case i < outdated:
			p.Hash("old")
		case i >= 10-crashing:
			p.Crashing(1, "Error", 3)
		}
		w.Add(testkit.Node(name), p)
	}
	return Analyze(w.Snapshot(), Options{Now: testkit.Now, Grace: 5 * time.Minute})
}

func TestOutdatedSaysWhatHoldsTheUpdate(t *testing.T) {
	agent := func() *testkit.DaemonSetBuilder { return testkit.DaemonSet("ops", "agent") }
	surge := agent().Build()
	one := intstr.FromString("10%")
	surge.Spec.UpdateStrategy.RollingUpdate = &appsv1.RollingUpdateDaemonSet{MaxSurge: &one}
	for _, c := range []struct {
		name     string
		result   *Result
		why, fix string
	}{
		{"OnDelete", rolling(agent().OnDelete(), 3, 0), "updateStrategy is OnDelete: nothing replaces them by itself", "delete the pods one by one"},
		{"under way", rolling(agent().MaxUnavailable("30%"), 3, 2), "a RollingUpdate is under way: 2 of 3 allowed unavailable are taken", "wait"},
		{"nothing is wrong", rolling(agent().MaxUnavailable("2"), 3, 0), "a RollingUpdate is under way: 0 of 2 allowed unavailable are taken", "wait"},
		{"stuck", rolling(agent().MaxUnavailable("15%"), 3, 2), "RollingUpdate waits: 2 of 2 allowed unavailable are taken (2 CrashLoop)", "mend what takes the places"},
		{"by default one", rolling(agent(), 3, 1), "RollingUpdate waits: 1 of 1 allowed unavailable are taken (1 CrashLoop)", "mend what takes the places"},
		{"0 without a surge is 1", rolling(agent().MaxUnavailable("0"), 3, 0), "a RollingUpdate is under way: 0 of 1 allowed unavailable are taken", "wait"},
	} {
		cs := causesOf(c.result, OutdatedReason)
		if len(cs) != 1 || cs[0].Facts[0].Text != c.why || !strings.HasPrefix(cs[0].Fixes[0], c.fix) {
			t.Errorf("%s: %+v", c.name, cs)
		}
	}
	d := &DaemonSetResult{DaemonSet: surge, Counts: Counts{Desired: 10}}
	if got := updateText(d); !strings.Contains(got, "maxSurge 10%") {
		t.Errorf("a surge: %s", got)
	}
}

// What holds an update, or has the image, may be on a node that is not asked
// for.
func TestNodesThatAreNotAskedForAreCountedAllTheSame(t *testing.T) {
	all := rolling(testkit.DaemonSet("ops", "agent").MaxUnavailable("15%"), 3, 2)
	opts := all.Options
	opts.Nodes = func(n *corev1.Node) bool { return n.Name == "n0" } // an outdated one
	chosen := Analyze(all.Snapshot, opts)
	if s := chosen.Summary(); s.Nodes != 1 || s.Outdated != 1 || len(chosen.Report().Items[0].Nodes) != 1 {
		t.Errorf("shown: %+v", s)
	}
	want, got := causesOf(all, OutdatedReason), causesOf(chosen, OutdatedReason)
	if len(got) != 1 || got[0].Facts[0] != want[0].Facts[0] || got[0].Fixes[0] != want[0].Fixes[0] {
		t.Errorf("%+v, want what is said of all: %+v", got, want)
	}
	opts.Nodes = func(n *corev1.Node) bool { return n.Name == "n9" } // one that crashes
	chosen = Analyze(all.Snapshot, opts)
	if got := causesOf(chosen, CrashLoop); len(got) != 1 || len(got[0].Fixes) != 2 || len(chosen.Causes()) != 1 {
		t.Errorf("an update that has outdated pods elsewhere can be undone: %+v", got)
	}

	w := testkit.NewWorld()
	d := w.Run(testkit.DaemonSet("ops", "agent"), "n0")
	w.Add(testkit.Node("n0"), testkit.Node("n1"), testkit.PodOf(d, "n1").Waiting("ImagePullBackOff", "Back-off pulling image"))
	opts.Nodes = func(n *corev1.Node) bool { return n.Name == "n1" }
	if cs := causesOf(Analyze(w.Snapshot(), opts), ImagePull); len(cs) != 1 || len(cs[0].Notes) != 1 || !strings.HasPrefix(cs[0].Notes[0], "the same revision runs on 1 node:") {
		t.Errorf("%+v", cs)
	}
}

// surging is a DaemonSet on four nodes, whose update puts new pods beside the
// old ones of the first two.
func surging(maxSurge string, change func(*testkit.PodBuilder)) *Result {
	w := testkit.NewWorld()
	d := testkit.DaemonSet("ops", "agent").Build()
	surge := intstr.Parse(maxSurge)
	d.Spec.UpdateStrategy.RollingUpdate = &appsv1.RollingUpdateDaemonSet{MaxSurge: &surge}
	w.Add(d, testkit.Revision(d, testkit.Hash, 2, time.Minute)) // all is settling
	for i := range 4 {
		name := fmt.Sprintf("n%d", i)
		w.Add(testkit.Node(name), testkit.PodOf(d, name).Hash("old"))
		if i < 2 {
			b := testkit.PodOf(d, name).Named("new-" + name).Created(time.Minute)
			change(b)
			w.Add(b)
		}
	}
	return Analyze(w.Snapshot(), Options{Now: testkit.Now, Grace: 5 * time.Minute})
}

// New pods of a surge that crash on one architecture alone are told so, as
// those are that took the place of an old one.
func TestASurgeThatCrashesOnOneArchitecture(t *testing.T) {
	for _, surges := range []bool{true, false} {
		w := testkit.NewWorld()
		d := testkit.DaemonSet("ops", "agent").Build()
		if surges {
			surge := intstr.FromInt32(4)
			d.Spec.UpdateStrategy.RollingUpdate = &appsv1.RollingUpdateDaemonSet{MaxSurge: &surge}
		}
		w.Add(d, testkit.Revision(d, testkit.Hash, 2, day))
		for i := range 4 {
			name := fmt.Sprintf("n%d", i)
			if i < 2 {
				w.Add(testkit.Node(name), testkit.PodOf(d, name))
				continue
			}
			w.Add(testkit.Node(name).Label("kubernetes.io/arch=arm64"), testkit.PodOf(d, name).Named("new-"+name).Crashing(1, "Error", 3))
			if surges {
				w.Add(testkit.PodOf(d, name).Hash("old"))
			}
		}
		r := Analyze(w.Snapshot(), Options{Now: testkit.Now})
		for _, n := range r.Report().Items[0].Nodes {
			if crashes := n.Node >= "n2"; slices.Contains(n.Contributing, ArchMismatch) != crashes {
				t.Errorf("surges %v: %s has %v", surges, n.Node, n.Contributing)
			}
		}
		if c := causesOf(r, CrashLoop); len(c) != 1 || !slices.Contains(c[0].Notes, "all failing nodes have an architecture that no healthy node has: the image may not be made for it") {
			t.Errorf("surges %v: %+v", surges, c)
		}
	}
}

func TestANewPodThatFailsBesideAnOldOneIsTold(t *testing.T) {
	crash := func(b *testkit.PodBuilder) { b.Crashing(1, "Error", 3) }
	for _, c := range []struct {
		name, maxSurge string
		change         func(*testkit.PodBuilder)
		reason         Reason // of the paragraph; empty for none
		why            string // of the nodes that wait
		fix            string
	}{
		{"stuck", "2", crash, CrashLoop,
			"RollingUpdate with maxSurge 2 waits: 2 new pods beside old ones are not available (2 CrashLoop), and it allows 2",
			"mend what takes the places of maxSurge: the update then goes on by itself"},
		{"others go on", "3", crash, CrashLoop,
			"a RollingUpdate with maxSurge 3 is under way: 2 new pods beside old ones are not available (2 CrashLoop), and it allows 3",
			"wait: the update goes on by itself"},
		{"an image", "2", func(b *testkit.PodBuilder) { b.Waiting("ImagePullBackOff", "Back-off pulling image") }, ImagePull,
			"RollingUpdate with maxSurge 2 waits: 2 new pods beside old ones are not available (2 ImagePull), and it allows 2",
			"mend what takes the places of maxSurge: the update then goes on by itself"},
		{"starting", "2", func(b *testkit.PodBuilder) { b.NotReady(time.Minute) }, "",
			"a RollingUpdate with maxSurge 2 is under way: an old pod goes when the new one beside it is available",
			"wait: the update goes on by itself"},
	} {
		r := surging(c.maxSurge, c.change)
		d := &r.DaemonSets[0]
		if d.Summary.Outdated != 4 || d.Summary.Gaps != 0 {
			t.Errorf("%s: the old pods serve: %+v", c.name, d.Summary)
		}
		if got := updateText(d); got != c.why {
			t.Errorf("%s: %q, want %q", c.name, got, c.why)
		}
		if got := r.updateFixes(d)[0]; got != c.fix {
			t.Errorf("%s: %q, want %q", c.name, got, c.fix)
		}
		v := r.Report().Items[0].Nodes[0]
		if c.reason == "" {
			if len(v.Contributing) > 0 || len(r.Causes()) > 0 {
				t.Errorf("%s: %+v, %+v", c.name, v.Contributing, r.Causes())
			}
			continue
		}
		if v.State != Outdated || v.Contributing[0] != c.reason || v.Evidence.Container == nil || !strings.Contains(v.Message, "the new pod new-n0 beside it is not available: "+string(c.reason)) {
			t.Errorf("%s: %+v", c.name, v)
		}
		cs := causesOf(r, c.reason)
		if len(cs) != 1 || cs[0].Count != "2 nodes Outdated" || len(cs[0].Fixes) != 2 || !strings.Contains(cs[0].Fixes[1], "ds-rollout undo") ||
			!strings.Contains(cs[0].Looks[0], "new-n0") {
			t.Errorf("%s: %+v", c.name, cs)
		}
		if m := r.Needs(); len(m.EventNamespaces) != 1 {
			t.Errorf("%s: the events of the new pods are not asked for: %+v", c.name, m)
		}
	}
}

// The controller counts a new pod that is not available whatever becomes of the
// old one beside it: with no node to spare, the update waits for it.
func TestASurgeIsStuckWhereTheOldPodFailsAsWell(t *testing.T) {
	for _, c := range []struct {
		name   string
		old    func(*testkit.PodBuilder)
		new    func(*testkit.PodBuilder)
		why    string
		remedy string
	}{
		{"the old pod is not ready", func(b *testkit.PodBuilder) { b.NotReady(time.Hour) }, func(b *testkit.PodBuilder) { b.Crashing(1, "Error", 3) },
			"RollingUpdate with maxSurge 1 waits: 1 new pod beside old ones is not available (1 CrashLoop), and it allows 1",
			"mend what takes the places of maxSurge: the update then goes on by itself"},
		{"both crash", func(b *testkit.PodBuilder) { b.Crashing(2, "Error", 9) }, func(b *testkit.PodBuilder) { b.Crashing(1, "Error", 3) },
			"RollingUpdate with maxSurge 1 waits: 1 new pod beside old ones is not available (1 CrashLoop), and it allows 1",
			"mend what takes the places of maxSurge: the update then goes on by itself"},
		{"the new pod starts", func(b *testkit.PodBuilder) { b.NotReady(time.Hour) }, func(b *testkit.PodBuilder) { b.NotReady(time.Minute) },
			"a RollingUpdate with maxSurge 1 is under way: an old pod goes when the new one beside it is available",
			"wait: the update goes on by itself"},
		{"the old pod ends", func(b *testkit.PodBuilder) { b.Terminating(time.Minute) }, func(b *testkit.PodBuilder) { b.Crashing(1, "Error", 3) },
			"a RollingUpdate with maxSurge 1 is under way: an old pod goes when the new one beside it is available",
			"wait: the update goes on by itself"},
	} {
		w := testkit.NewWorld()
		d := testkit.DaemonSet("ops", "agent").Build()
		one := intstr.FromInt32(1)
		d.Spec.UpdateStrategy.RollingUpdate = &appsv1.RollingUpdateDaemonSet{MaxSurge: &one}
		w.Add(d, testkit.Revision(d, testkit.Hash, 2, time.Hour))
		old, fresh := testkit.PodOf(d, "n0").Hash("old"), testkit.PodOf(d, "n0").Named("new-n0").Created(time.Minute)
		c.old(old)
		c.new(fresh)
		w.Add(testkit.Node("n0"), old, fresh, testkit.Node("n1"), testkit.PodOf(d, "n1").Hash("old"))
		r := Analyze(w.Snapshot(), Options{Now: testkit.Now, Grace: 5 * time.Minute})
		nodes := r.Report().Items[0].Nodes
		if nodes[0].State != Unready || nodes[1].State != Outdated || nodes[1].Remedy != c.remedy {
			t.Errorf("%s: %s, %s %q", c.name, nodes[0].State, nodes[1].State, nodes[1].Remedy)
		}
		if got := updateText(&r.DaemonSets[0]); got != c.why {
			t.Errorf("%s: %q, want %q", c.name, got, c.why)
		}
	}
}

// What is said of one node never asks all of them again: with 5,000 nodes and 20
// DaemonSets that would be 500 million questions.
func TestTheReportOnANodeLooksAtNoOther(t *testing.T) {
	for _, r := range []*Result{
		rolling(testkit.DaemonSet("ops", "agent").MaxUnavailable("15%"), 3, 2),
		surging("2", func(b *testkit.PodBuilder) { b.Crashing(1, "Error", 3) }),
	} {
		want := asMap(t, r.Report())
		for i := range r.DaemonSets {
			r.DaemonSets[i].everywhere = nil
		}
		if got := asMap(t, r.Report()); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("the report counts the nodes again:\n%v\n%v", got, want)
		}
	}
}

// An image that other nodes have is not a wrong name.
func TestImagePullSaysWhereToLook(t *testing.T) {
	for _, c := range []struct {
		name  string
		fails int
		want  string
	}{
		{"some nodes do not get it", 3, "the same revision runs on 7 nodes"},
		{"nobody gets it", 10, "no node runs this revision"},
	} {
		w := testkit.NewWorld()
		d := w.Run(testkit.DaemonSet("ops", "agent"))
		for i := range 10 {
			name := fmt.Sprintf("n%d", i)
			p := testkit.PodOf(d, name)
			if i < c.fails {
				p.Waiting("ImagePullBackOff", "Back-off pulling image")
			}
			w.Add(testkit.Node(name), p)
		}
		cs := causesOf(Analyze(w.Snapshot(), Options{Now: testkit.Now}), ImagePull)
		if len(cs) != 1 || len(cs[0].Notes) != 1 || !strings.HasPrefix(cs[0].Notes[0], c.want) {
			t.Errorf("%s: %+v", c.name, cs)
		}
	}
}

// Causes is asked for a screen, and may be asked twice: it changes nothing.
func TestCausesChangeNothing(t *testing.T) {
	for _, c := range loadCases(t) {
		before := asMap(t, c.result.Report())
		first := fmt.Sprint(c.result.Causes())
		if second := fmt.Sprint(c.result.Causes()); first != second {
			t.Errorf("%s: asked twice, two answers:\n%s\n%s", c.name, first, second)
		}
		if after := asMap(t, c.result.Report()); fmt.Sprint(before) != fmt.Sprint(after) {
			t.Errorf("%s: the report is another one after Causes", c.name)
		}
	}
}
