package coverage

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// One verdict a node, sums that add up, and a snapshot that is as it was.
func TestEveryPairOfAWorldHasOneVerdict(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := randomWorld(rt)
		w.Sort()
		was := copyOf(&w.Snapshot)
		r := Analyze(&w.Snapshot, w.opts)
		l := r.Report()
		for i := range l.Items {
			if got, want := len(l.Items[i].Nodes), len(r.Snapshot.Nodes); got != want {
				rt.Fatalf("%s: %d verdicts on %d nodes", l.Items[i].Name, got, want)
			}
			for j, v := range l.Items[i].Nodes {
				if v.Node != r.Snapshot.Nodes[j].Name {
					rt.Fatalf("verdict %d is on %s, not on %s", j, v.Node, r.Snapshot.Nodes[j].Name)
				}
				row, ok := Lookup(v.Reason)
				if !ok {
					rt.Fatalf("%s has no row", v.Reason)
				}
				allowed := false
				for _, s := range row.States {
					allowed = allowed || s == v.State
				}
				if !allowed {
					rt.Fatalf("%s is not allowed for %s", v.Reason, v.State)
				}
			}
		}
		sumsAddUp(t, l)
		r.Causes()
		r.Needs()
		if !reflect.DeepEqual(was, copyOf(&w.Snapshot)) {
			rt.Fatal("the snapshot was changed")
		}
	})
}

// The order in which lists arrive never shows.
func TestTheOrderOfReadingDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := randomWorld(rt)
		first := encode(rt, w.analyze())
		w.Nodes = rapid.Permutation(w.Nodes).Draw(rt, "nodes order")
		w.Pods = rapid.Permutation(w.Pods).Draw(rt, "pods order")
		w.DaemonSets = rapid.Permutation(w.DaemonSets).Draw(rt, "sets order")
		w.Events = rapid.Permutation(w.Events).Draw(rt, "events order")
		w.Revisions = rapid.Permutation(w.Revisions).Draw(rt, "revisions order")
		if second := encode(rt, w.analyze()); !bytes.Equal(first, second) {
			rt.Fatalf("two orders, two reports:\n%s\n%s", first, second)
		}
	})
}

// A pod that has nothing to do with any DaemonSet changes no verdict.
func TestAnUnrelatedPodChangesNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := randomWorld(rt)
		w.AllPods = false  // its requests would otherwise count against the room
		w.Incomplete = nil // without nodes, pods tell which there are
		before := encode(rt, w.analyze())
		w.Pods = append(w.Pods, snapshot.Pod{Namespace: "elsewhere", Name: "unrelated", UID: "unrelated", Requests: &snapshot.Requests{}, Node: w.Nodes[0].Name})
		if after := encode(rt, w.analyze()); !bytes.Equal(before, after) {
			rt.Fatalf("it changes the report:\n%s\n%s", before, after)
		}
	})
}

// What is printed can be read again.
func TestAReportSurvivesItsEncoding(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		raw := encode(rt, randomWorld(rt).analyze())
		var l DaemonSetCoverageList
		if err := json.Unmarshal(raw, &l); err != nil {
			rt.Fatal(err)
		}
		again, err := json.Marshal(&l)
		if err != nil || !bytes.Equal(raw, again) {
			rt.Fatalf("%v:\n%s\n%s", err, raw, again)
		}
	})
}

func encode(t *rapid.T, r *Result) []byte {
	raw, err := json.Marshal(r.Report())
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
