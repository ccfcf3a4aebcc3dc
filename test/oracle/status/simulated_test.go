package status

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/retry"

	"github.com/kubectl-ds/kubectl-ds/pkg/coverage"
	"github.com/kubectl-ds/kubectl-ds/test/cluster"
	"github.com/kubectl-ds/kubectl-ds/test/cluster/simnode"
)

// Sizes of the simulated world. The first names are those of the pairs'
// vocabulary, so that templates which name a node find it.
var simulatedNodes = []string{"n1", "n2", "test-node", "n3", "n4", "n5", "n6", "n7"}

// wellNode is never tainted or lost: on a node set where every node is, hardly
// a DaemonSet would be without misscheduled pods.
const wellNode = "n7"

const (
	setsPerNodeSet = 102 // DaemonSets: two looks at each, on three node sets
	minStale       = 10  // DaemonSets whose status must be seen to miss a taint
)

// simulatedFeatures must all turn up where kubelets are simulated.
var simulatedFeatures = []string{
	"a node that should run no pod has one", "a pod is not ready", "a pod is ready and not available", "a pod is outdated",
	"all is well", "no node is desired", "an ending pod is counted as available", "a stranger's pod matches the selector",
}

// TestSimulatedNodesHaveTheControllersStatus is the same question with all the
// controllers and the scheduler at work and KWOK for kubelets: pods get bound,
// start well or badly, are evicted, and cannot end; nodes are cordoned, tainted
// and lost. The rules are those of the differential test of eligibility.
func TestSimulatedNodesHaveTheControllersStatus(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a control plane")
	}
	n, nodeSets := seed(t), 3
	if os.Getenv(soakVar) == "1" {
		nodeSets = 20
	}
	t.Logf("repeat the choices with %s=%d", seedVar, n)
	w := newSimulated(t, n)
	seen, stale, compared := features{}, 0, 0
	// What is rare may take longer: on some node sets hardly a DaemonSet is
	// without misscheduled pods, which alone are blind to the taint.
	round := 0
	for ; round < nodeSets || (stale < minStale || len(seen.missing(simulatedFeatures)) > 0) && round < 4*nodeSets; round++ {
		w.changeSimulatedNodes()
		w.createDrawn(round)
		compared += len(w.settle(2*round, seen).DaemonSets)
		w.breakThings()
		s := w.settle(2*round+1, seen)
		compared += len(s.DaemonSets)
		stale += w.taintUnderPods(s)
		w.deleteDaemonSets(s)
	}
	t.Logf("%d worlds compared on %d node sets; in %d more, status missed a taint; in how many there was: %v", compared, round, stale, seen)
	if compared < 300 {
		t.Errorf("only %d worlds were compared", compared)
	}
	if stale < minStale {
		t.Errorf("status missed a taint in %d worlds only, want %d", stale, minStale)
	}
	if missing := seen.missing(simulatedFeatures); len(missing) > 0 {
		t.Errorf("no world with: %s", strings.Join(missing, "; "))
	}
}

// simulated is a world with kubelets.
type simulated struct {
	*world
	cluster *cluster.Cluster
	lost    []string
}

func newSimulated(t *testing.T, n uint64) *simulated {
	t.Helper()
	c, err := cluster.Start(context.WithoutCancel(t.Context()), cluster.Options{Progress: os.Stderr, NoAudit: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	client, err := kubernetes.NewForConfig(c.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	var nodes []simnode.Node
	for _, name := range simulatedNodes {
		nodes = append(nodes, simnode.Node{Name: name})
	}
	if err := simnode.Create(t.Context(), client, nodes...); err != nil {
		t.Fatal(err)
	}
	return &simulated{cluster: c, world: &world{
		t: t, client: client, reader: newReader(t, c), nodes: simulatedNodes, r: rand.New(rand.NewPCG(n, 3)),
	}}
}

func image(version int) string { return fmt.Sprintf("registry.example/agent:%d", version) }

// changeSimulatedNodes draws a node set: the machines stay, with other labels
// and taints.
func (w *simulated) changeSimulatedNodes() {
	w.t.Helper()
	if err := simnode.Return(w.t.Context(), w.client, w.lost...); err != nil {
		w.t.Fatal(err)
	}
	w.lost = nil
	for _, name := range w.nodes {
		labels, taints := drawNode(w.r)
		if name == wellNode {
			taints = nil
		}
		w.later(func(ctx context.Context) error {
			return w.updateNode(ctx, name, func(n *corev1.Node) {
				kept := map[string]string{}
				for _, k := range []string{corev1.LabelHostname, corev1.LabelOSStable, corev1.LabelArchStable} {
					kept[k] = n.Labels[k]
				}
				maps.Copy(kept, labels)
				n.Labels, n.Spec.Taints, n.Spec.Unschedulable = kept, taints, false
			})
		})
	}
	w.flush(w.t.Context())
}

func (w *simulated) updateNode(ctx context.Context, name string, change func(*corev1.Node)) error {
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		n, err := w.client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		change(n)
		_, err = w.client.CoreV1().Nodes().Update(ctx, n, metav1.UpdateOptions{})
		return err
	})
}

// createDrawn creates the DaemonSets of a round at once, in two namespaces of
// its own. Each is drawn from a source of its own, since the server refuses
// some, and how often must not depend on which request came first.
func (w *simulated) createDrawn(round int) {
	w.t.Helper()
	w.namespaces = nil
	for i := range 2 {
		w.addNamespace(w.cluster, fmt.Sprintf("set-%d-%d", round, i))
	}
	for i := range setsPerNodeSet {
		r := rand.New(rand.NewPCG(w.r.Uint64(), 4))
		ns, name := w.namespaces[i%2], fmt.Sprintf("agent-%03d", i)
		w.later(func(ctx context.Context) error {
			var err error
			for range 50 {
				_, err = w.client.AppsV1().DaemonSets(ns).Create(ctx, drawDaemonSet(r, ns, name), metav1.CreateOptions{})
				if !apierrors.IsInvalid(err) {
					break
				}
			}
			return err
		})
	}
	w.flush(w.t.Context())
}

func drawDaemonSet(r *rand.Rand, namespace, name string) *appsv1.DaemonSet {
	d := simnode.DaemonSet(namespace, name, nil)
	s := &d.Spec.Template
	// Some are as plain as most are in clusters: else few nodes would run any.
	if chance(r, 75) {
		s.Spec = drawTemplate(r)
	}
	d.Spec.UpdateStrategy = randomStrategy(r)
	d.Spec.MinReadySeconds = oneOf[int32](r, 0, 0, 1, hour)
	if calm(name) {
		return d
	}
	if start := oneOf(r, "", "", "", simnode.CrashLoop, simnode.ImagePull, simnode.NeverReady, simnode.SlowReady, simnode.ConfigError, simnode.MountError); start != "" {
		s.Annotations = map[string]string{simnode.StartAnnotation: start, simnode.StartDelayAnnotation: "1s"}
		if chance(r, 50) {
			s.Annotations[simnode.NodesAnnotation] = "n1,n3,n5"
		}
	} else if chance(r, 30) {
		s.Annotations = map[string]string{simnode.StopAnnotation: simnode.StuckStop}
	}
	return d
}

// breakThings is what happens to a cluster in a bad hour.
func (w *simulated) breakThings() {
	w.t.Helper()
	s, err := read(w.t.Context(), w.client, w.namespaces...)
	if err != nil {
		w.t.Fatal(err)
	}
	for i := range s.pods {
		if p := &s.pods[i]; !calm(p.Labels["app"]) && p.DeletionTimestamp == nil {
			w.inOrder(func() { w.breakPod(p) })
		}
	}
	for _, d := range s.DaemonSets {
		if !calm(d.Name) && chance(w.r, 40) {
			w.later(func(ctx context.Context) error {
				patch := fmt.Sprintf(`[{"op":"replace","path":"/spec/template/spec/containers/0/image","value":%q}]`, image(2))
				_, err := w.client.AppsV1().DaemonSets(d.Namespace).Patch(ctx, d.Name, types.JSONPatchType, []byte(patch), metav1.PatchOptions{})
				return err
			})
		}
	}
	w.plant(s)
	names := slices.DeleteFunc(slices.Clone(w.nodes), func(name string) bool { return name == wellNode })
	w.r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	lose, cordon, evict, change := names[0], names[1], names[2], names[3]
	w.later(func(ctx context.Context) error {
		return w.updateNode(ctx, cordon, func(n *corev1.Node) { n.Spec.Unschedulable = true })
	})
	w.later(func(ctx context.Context) error {
		return w.updateNode(ctx, evict, func(n *corev1.Node) {
			n.Spec.Taints = append(n.Spec.Taints, corev1.Taint{Key: "example.com/evict", Effect: corev1.TaintEffectNoExecute})
		})
	})
	labels, taints := drawNode(w.r)
	w.later(func(ctx context.Context) error {
		return w.updateNode(ctx, change, func(n *corev1.Node) {
			maps.Copy(n.Labels, labels)
			n.Spec.Taints = taints
		})
	})
	w.flush(w.t.Context())
	w.lost = []string{lose}
	if err := simnode.Lose(w.t.Context(), w.client, lose); err != nil {
		w.t.Fatal(err)
	}
}

func (w *simulated) breakPod(p *corev1.Pod) {
	switch n := w.r.IntN(100); {
	case n < 8: // stuck where its template says so
		w.later(func(ctx context.Context) error {
			return w.client.CoreV1().Pods(p.Namespace).Delete(ctx, p.Name, metav1.DeleteOptions{})
		})
	case n < 14: // Terminating and Ready
		w.patch(p, map[string]any{"finalizers": []string{holdFinalizer}})
		w.later(func(ctx context.Context) error {
			return w.client.CoreV1().Pods(p.Namespace).Delete(ctx, p.Name, metav1.DeleteOptions{})
		})
	case n < 20:
		w.later(func(ctx context.Context) error { return simnode.Evict(ctx, w.client, p.Namespace, p.Name) })
	case n < 28:
		w.later(func(ctx context.Context) error {
			return simnode.SetReady(ctx, w.client, p.Namespace, p.Name, false)
		})
	case n < 31:
		w.patch(p, map[string]any{"labels": map[string]any{"app": "lost"}})
	case n < 34:
		w.patch(p, map[string]any{"ownerReferences": []any{}})
	}
}

// late is the taint that status misses.
const late = "example.com/late"

// taintUnderPods adds a NoSchedule taint under running pods and nothing else.
// Where no pod was misscheduled before, that wakes no sync: status must keep its
// numbers, ours must be the new ones, and the report must name the taint, until
// somebody touches the DaemonSet. It returns how many were seen to be stale:
// another change of a pod or of the lost node may wake a few in between.
func (w *simulated) taintUnderPods(s *state) int {
	w.t.Helper()
	node, before := w.mostRun(s)
	if node == "" {
		return 0 // every DaemonSet has misscheduled pods; the next node set may do better
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	if err := w.updateNode(ctx, node, func(n *corev1.Node) {
		n.Spec.Taints = append(n.Spec.Taints, corev1.Taint{Key: late, Effect: corev1.TaintEffectNoSchedule})
	}); err != nil {
		w.t.Fatal(err)
	}
	stale := map[types.UID]bool{}
	// Pods and DaemonSets are read one after the other: a pod that changes by
	// itself may be seen before the status that follows it. What is wrong counts
	// only where the next look finds it so as well.
	doubt := map[types.UID]bool{}
	const looks = 5 // status could have followed several times by the last
	for look := 0; look < looks || len(doubt) > 0; {
		said, err := plugin(ctx, w.reader)
		if err != nil {
			w.t.Fatal(err)
		}
		look++
		for uid, was := range before {
			d := said[uid]
			if d == nil {
				w.t.Fatalf("DaemonSet %s is gone", was.DaemonSet.Name)
			}
			if reported(d.DaemonSet) != was.Counts {
				delete(stale, uid) // woken by something else; settled below
				delete(before, uid)
				delete(doubt, uid)
				continue
			}
			err := driftsByTaint(was, d)
			if err != nil && doubt[uid] {
				w.t.Errorf("%s/%s on %s: %v", d.DaemonSet.Namespace, d.DaemonSet.Name, node, err)
			}
			if err != nil && !doubt[uid] {
				doubt[uid] = true
			} else {
				delete(doubt, uid)
			}
			stale[uid] = true
		}
		if look < looks || len(doubt) > 0 {
			w.tick(ctx)
		}
	}
	for uid := range stale {
		w.touch(before[uid].DaemonSet, "late")
	}
	w.flush(w.t.Context())
	eventually(w.t, time.Minute, func(ctx context.Context) error {
		said, err := plugin(ctx, w.reader)
		if err != nil {
			return err
		}
		var open error
		for uid := range stale {
			if d := said[uid]; reported(d.DaemonSet) != d.Counts || len(d.Drift) > 0 {
				open = errors.Join(open, fmt.Errorf("%s was touched and drifts: %+v", d.DaemonSet.Name, d.Drift))
			}
		}
		return open
	})
	return len(stale)
}

// tick waits for half a second, or for the end of ctx.
func (w *world) tick(ctx context.Context) {
	timer := time.NewTimer(500 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		w.t.Fatal(ctx.Err())
	}
}

// driftsByTaint holds the new numbers against those before the taint: one node
// less is desired, and its pod is misscheduled.
func driftsByTaint(was, d *coverage.DaemonSetResult) error {
	a, b := was.Counts, d.Counts
	if b.Desired != a.Desired-1 || b.Current != a.Current-1 || b.Misscheduled != a.Misscheduled+1 {
		return fmt.Errorf("the taint changed %+v to %+v: want one desired and current less, one misscheduled more", a, b)
	}
	for _, x := range [][2]int64{{a.Ready, b.Ready}, {a.Updated, b.Updated}, {a.Available, b.Available}} {
		if x[0] != x[1] && x[0] != x[1]+1 {
			return fmt.Errorf("the taint changed %+v to %+v: that is more than one pod", a, b)
		}
	}
	numbers := map[string][2]int64{
		"desiredNumberScheduled": {a.Desired, b.Desired}, "currentNumberScheduled": {a.Current, b.Current},
		"numberMisscheduled": {a.Misscheduled, b.Misscheduled}, "numberReady": {a.Ready, b.Ready},
		"updatedNumberScheduled": {a.Updated, b.Updated}, "numberAvailable": {a.Available, b.Available},
	}
	maps.DeleteFunc(numbers, func(_ string, n [2]int64) bool { return n[0] == n[1] })
	for _, x := range d.Drift {
		if n := numbers[x.Field]; n != [2]int64{x.Reported, x.Recomputed} || n[0] == n[1] {
			return fmt.Errorf("drift of %s is %d->%d, want %v", x.Field, x.Reported, x.Recomputed, n)
		}
		if !strings.Contains(x.Because, late) {
			return fmt.Errorf("%s differs because %q, want the taint", x.Field, x.Because)
		}
	}
	if len(d.Drift) != len(numbers) {
		return fmt.Errorf("drift is %+v, want %v", d.Drift, numbers)
	}
	return nil
}

// mostRun is the node on which most DaemonSets should run and have a bound pod,
// and would miss the taint.
func (w *world) mostRun(s *state) (string, map[types.UID]*coverage.DaemonSetResult) {
	best, most := "", map[types.UID]*coverage.DaemonSetResult{}
	for _, n := range s.Nodes {
		tainted := n.DeepCopy()
		tainted.Spec.Taints = append(tainted.Spec.Taints, corev1.Taint{Key: late, Effect: corev1.TaintEffectNoSchedule})
		found := map[types.UID]*coverage.DaemonSetResult{}
		for uid, d := range w.last {
			run, then := d.Rules.Evaluate(n, false), d.Rules.Evaluate(tainted, false)
			settled := d.DaemonSet.Status.ObservedGeneration == d.DaemonSet.Generation
			if settled && d.Counts.Misscheduled == 0 && run.ShouldRun && !then.ShouldRun && s.hasBound(d.DaemonSet, n.Name) {
				found[uid] = d
			}
		}
		if len(found) > len(most) {
			best, most = n.Name, found
		}
	}
	return best, most
}

func (s *state) hasBound(d *appsv1.DaemonSet, node string) bool {
	return slices.ContainsFunc(s.pods, func(p corev1.Pod) bool {
		ended := p.DeletionTimestamp != nil && (p.Status.Phase == corev1.PodFailed || p.Status.Phase == corev1.PodSucceeded)
		return metav1.IsControlledBy(&p, d) && p.Spec.NodeName == node && !ended
	})
}

// deleteDaemonSets ends a round; the garbage collector takes the pods, and
// nobody waits for it.
func (w *simulated) deleteDaemonSets(s *state) {
	w.t.Helper()
	background := metav1.DeletePropagationBackground
	for _, d := range s.DaemonSets {
		w.later(func(ctx context.Context) error {
			return w.client.AppsV1().DaemonSets(d.Namespace).Delete(ctx, d.Name, metav1.DeleteOptions{PropagationPolicy: &background})
		})
	}
	w.flush(w.t.Context())
}
