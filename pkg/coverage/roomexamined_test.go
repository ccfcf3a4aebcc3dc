package coverage

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// cramped is a cluster of nodes where ops/agent waits for 500m of cpu of 1000m;
// app holds the amount of each node.
func cramped(held ...string) *testkit.World {
	w := testkit.NewWorld()
	d := testkit.DaemonSet("ops", "agent").Requests("cpu", "500m").Build()
	w.Add(d, testkit.Revision(d, testkit.Hash, 1, day))
	for i, cpu := range held {
		name := fmt.Sprintf("n%d", i+1)
		w.Add(testkit.Node(name).Allocatable("cpu", "1"),
			testkit.Pod("shop", "app-"+name, name).OwnedBy("ReplicaSet", "app").Requests("cpu", cpu),
			testkit.PodOf(d, name).Pending("0/9 nodes are available: 1 Insufficient cpu, 8 node(s) didn't satisfy plugin(s) [NodeAffinity]. "+
				"preemption: 0/9 nodes are available: 1 No preemption victims found for incoming pod, 8 Preemption is not helpful for scheduling."))
	}
	return w
}

// analyzeExamined judges a world of which the pods of some nodes were read.
func analyzeExamined(w *testkit.World, nodes ...string) *Result {
	s := *w.Snapshot()
	s.AllPods, s.FullNodes = false, map[string]bool{}
	for _, n := range nodes {
		s.FullNodes[n] = true
	}
	s.Pods = slices.DeleteFunc(slices.Clone(s.Pods), func(p snapshot.Pod) bool { return p.Node != "" && !s.FullNodes[p.Node] })
	return Analyze(&s, Options{Now: testkit.Now})
}

// A node whose pods were not read has no figures: those of another one, however
// alike, are said of that one alone.
func TestFiguresAreOfTheNodeThatWasExamined(t *testing.T) {
	w := cramped("700m", "900m", "800m", "600m")
	for _, tt := range []struct {
		examined []string
		cpu      string // the line of the cause
		room     string
		like     string // of the nodes that were not examined
	}{
		{[]string{"n1", "n2", "n3", "n4"}, "asks 500m; free on these nodes 100m to 400m of 1000m", "", ""},
		{[]string{"n1", "n3"}, "asks 500m; free on the 2 nodes examined 200m to 300m of 1000m", "the pods of 2 more nodes were not read", "n1"},
		{[]string{"n2"}, "asks 500m; free on n2 100m of 1000m", "the pods of 3 more nodes were not read", "n2"},
		{nil, "", "the pods of these nodes were not read", ""},
	} {
		t.Run(strings.Join(tt.examined, ","), func(t *testing.T) {
			r := analyzeExamined(w, tt.examined...)
			facts := map[string]string{}
			for _, f := range r.Causes()[0].Facts {
				facts[f.Label] = f.Text
			}
			if got := facts["cpu"]; !strings.HasPrefix(got, tt.cpu) || (tt.cpu == "") != (got == "") {
				t.Errorf("cpu: %q, want %q", got, tt.cpu)
			}
			if got := facts["room"]; !strings.HasPrefix(got, tt.room) || (tt.room == "") != (got == "") {
				t.Errorf("room: %q, want %q", got, tt.room)
			}
			for _, n := range r.Report().Items[0].Nodes {
				room := n.Evidence.Room
				if slices.Contains(tt.examined, n.Node) {
					if room.NotExamined || room.LikeNode != "" || len(room.Resources) == 0 || len(room.Holders) == 0 || room.Holders[0].Pod != "shop/app-"+n.Node {
						t.Errorf("%s was examined: %+v", n.Node, room)
					}
					continue
				}
				if !room.NotExamined || room.LikeNode != tt.like || len(room.Resources)+len(room.Holders)+len(room.HostPorts) > 0 || room.Preemption != "" {
					t.Errorf("%s was not examined: %+v", n.Node, room)
				}
				if !strings.HasPrefix(n.Message, "scheduler: Insufficient cpu; the pods of the node were not read") || strings.Contains(n.Message, "free") {
					t.Errorf("%s: message %q", n.Node, n.Message)
				}
			}
		})
	}
}

// Who holds a port is said with the node.
func TestPortHoldersAreOfTheirNode(t *testing.T) {
	w := testkit.NewWorld()
	d := testkit.DaemonSet("ops", "agent").Build()
	w.Add(d, testkit.Revision(d, testkit.Hash, 1, day))
	for _, name := range []string{"n1", "n2", "n3"} {
		w.Add(testkit.Node(name),
			testkit.Pod("shop", "web-"+name, name).OwnedBy("ReplicaSet", "web").Change(withHostPort("", 9100, "TCP")),
			testkit.PodOf(d, name).Change(withHostPort("", 9100, "TCP")).
				Pending("0/9 nodes are available: 1 node(s) didn't have free ports for the requested pod ports, 8 node(s) didn't satisfy plugin(s) [NodeAffinity]."))
	}
	want := Fact{"port", "9100/TCP is held by shop/web-n1 on n1, shop/web-n3 on n3"}
	if got := analyzeExamined(w, "n1", "n3").Causes()[0].Facts; !slices.Contains(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// Two DaemonSets whose pods wait with the same words, on nodes of one size that
// they do not share: each has a node examined.
func TestEachDaemonSetHasItsNodeExamined(t *testing.T) {
	w := testkit.NewWorld()
	for i, name := range []string{"large", "small"} {
		label := "for=" + name
		d := testkit.DaemonSet("ops", name).Select(label).Requests("cpu", fmt.Sprintf("%dm", 900-500*i)).Build()
		w.Add(d, testkit.Revision(d, testkit.Hash, 1, day))
		for j := range 3 {
			node := fmt.Sprintf("%s-%d", name, j)
			w.Add(testkit.Node(node).Label(label).Allocatable("cpu", "1"),
				testkit.PodOf(d, node).Pending("0/9 nodes are available: 1 Insufficient cpu, 8 node(s) didn't satisfy plugin(s) [NodeAffinity]."))
		}
	}
	if got, want := analyzeExamined(w).Needs().Nodes, []string{"large-0", "small-0"}; !slices.Equal(got, want) {
		t.Errorf("examined %v, want %v", got, want)
	}
}

// What a cause of many nodes says of room costs in proportion to their number.
func TestTheLeastOfManyNodesCostsInProportion(t *testing.T) {
	cost := func(nodes int) uint64 {
		ms := make([]member, nodes)
		for i := range ms {
			v := &Victims{Count: 1, Pods: []Holder{{Pod: fmt.Sprint("shop/", i)}}, Stranded: []string{fmt.Sprint("DaemonSet a/", i)}, Bare: []string{fmt.Sprint("shop/", i)}}
			ms[i].v = &Verdict{Detail: &Detail{Evidence: Evidence{Room: &Room{
				Resources: []ResourceRoom{{Name: "cpu", Asks: 2, Free: 1, Short: true}}, HostPorts: []PortHolder{{Port: "80/TCP", Pod: fmt.Sprint("shop/", i)}},
				Preemption: preemptPossible, Victims: v, Critical: &Critical{Preemption: preemptPossible, Victims: v},
			}}}}
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		room := leastRoom(ms[0].v, ms).Detail.Evidence.Room
		runtime.ReadMemStats(&after)
		if room.Victims.Count != nodes || len(room.HostPorts) != nodes || len(room.Critical.Victims.Stranded) != nodes || len(room.Victims.Pods) != maxHolders {
			t.Errorf("of %d nodes: %d victims, %d ports", nodes, room.Victims.Count, len(room.HostPorts))
		}
		return after.TotalAlloc - before.TotalAlloc
	}
	if one, eight := cost(500), cost(4000); eight > 16*one {
		t.Errorf("%d bytes for 500 nodes, %d for 4000", one, eight)
	}
}
