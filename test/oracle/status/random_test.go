package status

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-ds/kubectl-ds/pkg/coverage"
)

// touchAnnotation wakes the controller for a DaemonSet, and changes nothing
// that it looks at.
const touchAnnotation = "example.com/touched"

// TestRandomWorldsHaveTheControllersStatus changes a world at random, lets the
// real controller settle, and compares its status with the recomputed counts.
// Every DaemonSet of every round is one world.
func TestRandomWorldsHaveTheControllersStatus(t *testing.T) {
	c, client := controlPlane(t)
	n := seed(t)
	t.Logf("repeat the choices with %s=%d", seedVar, n)
	w := newWorld(t, c, client, rand.New(rand.NewPCG(n, 2)))
	rounds := 9
	if os.Getenv(soakVar) == "1" {
		rounds = 60
	}
	w.changeNodes(nil)
	w.createDaemonSets()
	seen := features{}
	compared := 0
	round := 0
	// What is rare, as a DaemonSet that nothing is wrong with, may take longer.
	for ; round < rounds || len(seen.missing(allFeatures)) > 0 && round < 4*rounds; round++ {
		s := w.settle(round, seen)
		compared += len(s.DaemonSets)
		// All at once, so that what the controller does falls in between.
		w.changePods(s)
		w.plant(s)
		w.changeDaemonSets(s)
		w.changeNodes(s.Nodes)
	}
	compared += len(w.settle(round, seen).DaemonSets)
	t.Logf("%d worlds compared in %d rounds; in how many there was: %v", compared, round, seen)
	if compared < 300 {
		t.Errorf("only %d worlds were compared", compared)
	}
	// A generator that stops making these proves nothing about them.
	if missing := seen.missing(allFeatures); len(missing) > 0 {
		t.Errorf("no world with: %s", strings.Join(missing, "; "))
	}
}

// settling is how long a world may take to come to rest. Failed pods make the
// controller back off, by a second at first.
const settling = 90 * time.Second

// held is the read after which a generation that is not observed counts as
// held back: the controller has synced several times by then. It waits, for up
// to five minutes, for a deletion that it asked for and that no event will
// confirm: of a pod that was Terminating before.
const held = 12

// settle wakes the controller until every DaemonSet's status equals the
// recomputed counts, in a world that did not change between two reads. It
// fails where the counts keep apart.
func (w *world) settle(round int, seen features) *state {
	w.t.Helper()
	deadline := time.Now().Add(settling)
	tick := time.NewTicker(400 * time.Millisecond)
	defer tick.Stop()
	agreed := map[types.UID]bool{}
	before := map[types.UID]string{}
	// The plugin reads in between two reads that find the same world, so that
	// it has seen that world too.
	var said map[types.UID]*coverage.DaemonSetResult
	w.last = map[types.UID]*coverage.DaemonSetResult{}
	for try := 0; ; try++ {
		s, err := read(w.t.Context(), w.client, w.namespaces...)
		if err != nil {
			w.t.Fatal(err)
		}
		r := coverage.Analyze(&s.Snapshot, coverage.Options{Now: time.Now()})
		var open []*coverage.DaemonSetResult
		for i := range r.DaemonSets {
			d := &r.DaemonSets[i]
			uid, now := d.DaemonSet.UID, s.fingerprint(d.DaemonSet)
			// The first read comes before the first touch.
			if !agreed[uid] && try > 1 && before[uid] == now && checkBoth(d, said[uid], try > held) == nil {
				agreed[uid] = true
				w.last[uid] = said[uid]
				seen.count(s, d)
			}
			before[uid] = now
			if !agreed[uid] {
				open = append(open, d)
			}
		}
		if len(open) == 0 {
			return s
		}
		if time.Now().After(deadline) {
			for _, d := range open {
				w.t.Errorf("round %d, after %s: %v\n%s", round, settling, checkBoth(d, said[d.DaemonSet.UID], true), s.describe(d.DaemonSet))
			}
			w.t.FailNow()
		}
		// Not before every read: two must find the same world.
		if try%3 == 0 {
			for _, d := range open {
				w.touch(d.DaemonSet, fmt.Sprintf("%d.%d", round, try))
			}
			w.flush(w.t.Context())
		}
		<-tick.C
		if said, err = plugin(w.t.Context(), w.reader); err != nil {
			w.t.Fatal(err)
		}
	}
}

// checkBoth checks what all objects say, and what the plugin made of those that
// it chose to read.
func checkBoth(all, said *coverage.DaemonSetResult, mayHold bool) error {
	if err := check(all, mayHold); err != nil {
		return err
	}
	if said == nil {
		return errors.New("the plugin has not seen it")
	}
	if err := check(said, mayHold); err != nil {
		return fmt.Errorf("with what the plugin reads: %w", err)
	}
	return nil
}

func (w *world) touch(d *appsv1.DaemonSet, value string) {
	w.later(func(ctx context.Context) error {
		patch := `{"metadata":{"annotations":{"` + touchAnnotation + `":` + strconv.Quote(value) + `}}}`
		_, err := w.client.AppsV1().DaemonSets(d.Namespace).Patch(ctx, d.Name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
		return err
	})
}

// check compares status with the counts, and the counts with the verdicts.
// Where the controller holds back the generation, status is recounted all the
// same, and may know the new revision by its hash before we can.
func check(d *coverage.DaemonSetResult, mayHold bool) error {
	want, got, drift := reported(d.DaemonSet), d.Counts, d.Drift
	observed, generation := d.DaemonSet.Status.ObservedGeneration, d.DaemonSet.Generation
	behind := mayHold && observed < generation
	if behind && len(drift) == 1 && drift[0].Field == "updatedNumberScheduled" && strings.Contains(drift[0].Because, "observed generation") {
		got.Updated, drift = want.Updated, nil
	}
	if got != want || observed != generation && !behind {
		return fmt.Errorf("status says %+v of generation %d, recomputed is %+v of generation %d", want, observed, got, generation)
	}
	if len(drift) > 0 {
		return fmt.Errorf("status equals the counts, and drift is %+v", drift)
	}
	var should, misplaced int64
	for i := range d.Verdicts {
		switch d.Verdicts[i].State {
		case coverage.Covered, coverage.Outdated, coverage.Unready, coverage.Missing:
			should++
		case coverage.Misplaced:
			misplaced++
		default:
		}
	}
	if should != want.Desired || misplaced != want.Misscheduled {
		return fmt.Errorf("status says %d desired and %d misscheduled, the verdicts %d and %d", want.Desired, want.Misscheduled, should, misplaced)
	}
	return nil
}

// features counts worlds by what they held.
type features map[string]int

// allFeatures must all turn up. The last ones are those that upstream's own
// tests leave out.
var allFeatures = []string{
	"a node that should run no pod has one", "a node goes without a pod", "a pod is not ready", "a pod is ready and not available",
	"a pod is outdated", "all is well", "no node is desired", "a pod is bound to a node that is gone", "a failed pod stays",
	"a failed pod is ending", "an ending pod is counted as available", "an owned pod has no place", "an orphan is ending",
	"a stranger's pod matches the selector", "two pods on one node", "not-ready:NoSchedule lowers desired",
}

// generationHeld needs a race that not every run meets.
const generationHeld = "the generation is held back"

// missing are those of want that did not turn up.
func (f features) missing(want []string) []string {
	return slices.DeleteFunc(slices.Clone(want), func(name string) bool { return f[name] > 0 })
}

func (f features) count(s *state, d *coverage.DaemonSetResult) {
	c := d.Counts
	for name, has := range map[string]bool{
		allFeatures[0]: c.Misscheduled > 0,
		allFeatures[1]: c.Current < c.Desired,
		allFeatures[2]: c.Ready < c.Current,
		allFeatures[3]: c.Available < c.Ready,
		allFeatures[4]: c.Updated < c.Current,
		allFeatures[5]: c.Desired > 0 && c.Available == c.Desired && c.Updated == c.Desired && c.Misscheduled == 0,
		allFeatures[6]: c.Desired == 0,
		generationHeld: d.DaemonSet.Status.ObservedGeneration < d.DaemonSet.Generation,
	} {
		if has {
			f[name]++
		}
	}
	f.countPods(s, d)
	for _, n := range s.Nodes {
		lost := slices.ContainsFunc(n.Spec.Taints, func(t corev1.Taint) bool {
			return t.Key == corev1.TaintNodeNotReady && t.Effect == corev1.TaintEffectNoSchedule
		})
		if e := d.Rules.Explain(n, false, nil); lost && len(e.Untolerated()) == 1 && d.Rules.Selects(n) {
			f[allFeatures[15]]++
			break
		}
	}
}

func (f features) countPods(s *state, d *coverage.DaemonSetResult) {
	nodes := map[string]bool{}
	for _, n := range s.Nodes {
		nodes[n.Name] = d.Rules.Evaluate(n, false).ShouldRun
	}
	found := map[string]bool{}
	onNode := map[string]int{}
	for _, p := range s.podsNear(d.DaemonSet) {
		owner := metav1.GetControllerOf(p)
		mine, orphan := owner != nil && owner.UID == d.DaemonSet.UID, owner == nil
		ending := p.DeletionTimestamp != nil
		_, exists := nodes[place(p)]
		failed := p.Status.Phase == corev1.PodFailed
		found[allFeatures[7]] = found[allFeatures[7]] || mine && p.Spec.NodeName != "" && !exists
		found[allFeatures[8]] = found[allFeatures[8]] || mine && failed && !ending
		found[allFeatures[9]] = found[allFeatures[9]] || mine && failed && ending
		found[allFeatures[10]] = found[allFeatures[10]] || mine && ending && nodes[place(p)] && d.DaemonSet.Spec.MinReadySeconds == 0 && isReady(p)
		found[allFeatures[11]] = found[allFeatures[11]] || mine && place(p) == ""
		found[allFeatures[12]] = found[allFeatures[12]] || orphan && ending
		found[allFeatures[13]] = found[allFeatures[13]] || !mine && !orphan
		if mine && nodes[place(p)] {
			onNode[place(p)]++
			found[allFeatures[14]] = found[allFeatures[14]] || onNode[place(p)] > 1
		}
	}
	for name, has := range found {
		if has {
			f[name]++
		}
	}
}

func isReady(p *corev1.Pod) bool {
	return slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}
