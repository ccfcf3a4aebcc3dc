package rollout

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/intstr"
	"pgregory.net/rapid"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// unavailable counts as rollingUpdate of pkg/controller/daemon/update.go
// (v1.37.2) does without a surge, transcribed from it: nodes that should run
// the DaemonSet or have a pod, by the pods that are not being deleted.
func unavailable(v *View, hash string) (taken, candidates int) {
	count := func(pods []*snapshot.Pod) {
		var newPod, oldPod *snapshot.Pod
		for _, p := range pods {
			if p.Deleted != 0 {
				continue
			}
			at := &oldPod
			if p.Labels[hashLabel] == hash {
				at = &newPod
			}
			if *at != nil {
				taken++
				return
			}
			*at = p
		}
		switch {
		case oldPod == nil && newPod == nil, oldPod != nil && newPod != nil:
			taken++
		case newPod != nil:
			if !newPod.Ready {
				taken++
			}
		case !oldPod.Ready:
			taken++
		default:
			candidates++
		}
	}
	for i := range v.Nodes {
		if n := &v.Nodes[i]; n.ShouldRun || len(n.Pods) > 0 {
			count(n.Pods)
		}
	}
	gone := map[string][]*snapshot.Pod{}
	for _, p := range v.Homeless {
		gone[p.EffectiveNode()] = append(gone[p.EffectiveNode()], p)
	}
	for _, pods := range gone {
		count(pods)
	}
	return taken, candidates
}

func TestNativePlacesAreThoseOfTheController(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes := rapid.IntRange(1, 12).Draw(t, "nodes")
		w := native(nodes, rapid.SampledFrom([]string{"1", "2", "10%", "50%"}).Draw(t, "limit"))
		for i := range nodes {
			what := rapid.SampledFrom([]string{"old", "old", "new", "none", "both", "failing", "old failing", "ending", "tainted", "gone"}).Draw(t, "node")
			switch what {
			case "new":
				w.updated(i)
			case "none":
				w.drop(i)
			case "both":
				w.pod(i, "h2")
			case "failing":
				w.fails(i, time.Duration(rapid.IntRange(1, 900).Draw(t, "age"))*time.Second)
			case "old failing":
				w.p(i).Ready = false
			case "ending":
				w.p(i).Deleted = snapshot.Time(t0.Add(time.Minute).Unix())
			case "tainted":
				w.taint(i)
			case "gone":
				w.n(i).Name = "other"
				w.p(i).Ready = rapid.Bool().Draw(t, "ready")
				w.p(i).Deleted = snapshot.Time(rapid.IntRange(0, 1).Draw(t, "ends") * int(t0.Unix()))
			}
		}
		v := w.view()
		n := NativeOf(v, "", t0)
		taken, candidates := unavailable(v, "h2")
		lost := 0
		for _, p := range v.Homeless {
			if p.Ready && p.Deleted == 0 {
				lost++ // on a node that is gone: the controller takes it for available
			}
		}
		if len(n.Places) != taken || n.Waiting != candidates-lost {
			t.Fatalf("places %d, waiting %d; the controller counts %d and %d\n%+v", len(n.Places), n.Waiting, taken, candidates-lost, n.Places)
		}
		if n.State == NativeStuck && candidates > 0 && taken < n.Ceiling {
			t.Fatalf("stuck with a free place: %+v", n)
		}
		if n.State == NativeDone && (taken > 0 || candidates > 0) {
			t.Fatalf("done with %d taken and %d to go", taken, candidates)
		}
		for _, r := range n.Remedies {
			if n.State != NativeStuck && n.State != NativeHeld {
				t.Fatalf("%s, and yet a remedy: %+v", n.State, r)
			}
			if r.Frees > len(n.Places) {
				t.Fatalf("%+v of %d", r, len(n.Places))
			}
		}
		b, err := json.Marshal(n)
		if err != nil {
			t.Fatal(err)
		}
		var back Native
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatal(err)
		}
		again, err := json.Marshal(back)
		if diff := cmp.Diff(string(b), string(again)); diff != "" || err != nil {
			t.Fatalf("JSON does not come back: %s %v", diff, err)
		}
		pods := 0
		for _, c := range n.Counts {
			pods += c.Pods
			if c.Pods != c.Available+c.Ending+c.Lost+c.Failing {
				t.Fatalf("counts do not add up: %+v", c)
			}
		}
		if pods != len(w.s.Pods) {
			t.Fatalf("%d pods counted of %d", pods, len(w.s.Pods))
		}
	})
}

func TestNativeNamesAreQuoted(t *testing.T) {
	w := native(3, "1")
	w.ds.Name = "a;reboot"
	for i := range w.s.Pods {
		w.s.Pods[i].Owner.Name = w.ds.Name
	}
	v := intstr.FromInt32(1)
	w.ds.Spec.UpdateStrategy.RollingUpdate.MaxUnavailable = &v
	w.fails(0, time.Hour)
	w.s.Sort()
	n := NativeOf(NewView(w.s, "kube-system", "a;reboot"), "", t0)
	if n.State != NativeStuck || len(n.Remedies) < 2 {
		t.Fatalf("got %+v", n)
	}
	for _, r := range n.Remedies {
		if strings.Contains(r.Do, "a;reboot") && !strings.Contains(r.Do, "'a;reboot'") {
			t.Errorf("not quoted: %s", r.Do)
		}
	}
}
