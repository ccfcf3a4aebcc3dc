package coverage

import (
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// IsPodAvailable of pkg/api/v1/pod counts a pod from the very second on; the
// helper of kubectl, a second later.
func TestAPodIsAvailableFromTheSecondOn(t *testing.T) {
	now := testkit.Now
	for _, c := range []struct {
		name    string
		since   snapshot.Time
		seconds int32
		want    bool
	}{
		{"without minReadySeconds at once", 0, 0, true},
		{"one second early", snapshot.Time(now.Unix() - 59), 60, false},
		{"on the second", snapshot.Time(now.Unix() - 60), 60, true},
		{"nobody says since when", 0, 60, false},
	} {
		if got := availableSince(&snapshot.Pod{ReadySince: c.since}, c.seconds, now); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestShortWordsAreNotMisspelt(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"accelerator", "acelerator", true},
		{"nvidia", "nvdia", true},
		{"nvidia", "nividai", false}, // three apart
		{"gpu", "cpu", false},
		{"east", "west", false}, // two of four letters
		{"blue", "blur", true},
		{"blue", "blue", false},
	} {
		if got := misspelt(c.a, c.b); got != c.want {
			t.Errorf("%s and %s: %v, want %v", c.a, c.b, got, c.want)
		}
	}
}

// A taint that keeps a DaemonSet off a part of the cluster is told as a finding;
// only where it hides most of it do the nodes look unintended.
func TestATaintIsSuspectOnlyWhereItHidesMost(t *testing.T) {
	for _, c := range []struct {
		tainted         int
		finding, suspct bool
	}{{1, false, false}, {2, true, false}, {5, true, false}, {6, true, true}} {
		w := testkit.NewWorld()
		var free []string
		for i := range 10 {
			n := testkit.Node(fmt.Sprintf("n%d", i))
			if i < c.tainted {
				n.Taint("dedicated=gpu:NoSchedule")
			} else {
				free = append(free, fmt.Sprintf("n%d", i))
			}
			w.Add(n)
		}
		w.Run(testkit.DaemonSet("ops", "agent"), free...)
		r := Analyze(w.Snapshot(), Options{Now: testkit.Now, Grace: 5 * time.Minute})
		d := &r.DaemonSets[0]
		suspect := d.Summary.Suspect == c.tainted
		if (len(d.Findings) == 1) != c.finding || suspect != c.suspct || d.Summary.Suspect != 0 && !suspect {
			t.Errorf("%d of 10: findings %v, %d suspects", c.tainted, d.Findings, d.Summary.Suspect)
		}
		// A paragraph about the nodes says what the finding says: not both.
		if causes := r.Causes(); c.finding && len(causes) != 1 {
			t.Errorf("%d of 10: %d paragraphs: %+v", c.tainted, len(causes), causes)
		}
	}
}

// What every node has tells no nodes apart.
func TestWhatAllNodesHaveIsNotShared(t *testing.T) {
	var all []*corev1.Node
	for i := range 4 {
		n := testkit.Node(fmt.Sprintf("n%d", i)).Label("topology.kubernetes.io/zone=a").Build()
		n.Status.NodeInfo.KubeletVersion = "v1.37.2"
		all = append(all, n)
	}
	if got := shared(all, []int32{0, 2}, testkit.Now); got != "" {
		t.Errorf("%q", got)
	}
	all[2].Status.NodeInfo.KubeletVersion, all[0].Status.NodeInfo.KubeletVersion = "v1.36.0", "v1.36.0"
	if got := shared(all, []int32{0, 2}, testkit.Now); got != "all 2 of kubelet v1.36.0" {
		t.Errorf("%q", got)
	}
}

// One unknown pair that may be covered does not save what is too low anyway.
func TestUnknownPairsCannotSaveACoverage(t *testing.T) {
	part := 98.5
	l := reportOf(Summary{Covered: 197, ShouldRun: 200, Unknown: 1, Coverage: &part})
	c, err := ParseCondition(nil, "99", false)
	if err != nil {
		t.Fatal(err)
	}
	if got, why := l.Check(c); got != Fails {
		t.Errorf("198 of 201 at best are less than 99%%: outcome %d (%s)", got, why)
	}
}

// Of nodes that all differ, at most fifty are read.
func TestAtMostFiftyNodesAreRead(t *testing.T) {
	w := testkit.NewWorld()
	d := w.Run(testkit.DaemonSet("ops", "agent").Requests("cpu", "5"))
	for i := range 60 {
		name := fmt.Sprintf("n%02d", i)
		w.Add(testkit.Node(name).Allocatable("cpu", fmt.Sprintf("%dm", 1000+i)),
			testkit.PodOf(d, name).Pending("0/60 nodes are available: 1 Insufficient cpu, 59 node(s) didn't satisfy plugin(s) [NodeAffinity]."))
	}
	s := w.Snapshot()
	s.AllPods = false
	if m := Analyze(s, Options{Now: testkit.Now}).Needs(); len(m.Nodes) != maxExamined {
		t.Errorf("%d nodes", len(m.Nodes))
	}
}
