package rollout

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

var t0 = time.Date(2026, 11, 23, 15, 30, 0, 0, time.UTC)

// world builds a cluster in which a DaemonSet goes from revision 1 (h1) to 2
// (h2): everything is well, and all pods are old.
type world struct {
	s    *snapshot.Snapshot
	ds   *appsv1.DaemonSet
	run  *Run
	pol  *Policy
	obs  *Observed
	ints []Intent
	gone bool // the Lease
}

func newWorld(nodes int) *world {
	w := &world{s: &snapshot.Snapshot{AllPods: true}}
	w.s.Source.ClusterUID, w.s.Source.TakenAt = "cluster", t0
	yes := true
	w.ds = &appsv1.DaemonSet{}
	w.ds.Namespace, w.ds.Name, w.ds.UID, w.ds.ResourceVersion, w.ds.Generation = "kube-system", "agent", "ds-uid", "100", 2
	w.ds.Annotations = map[string]string{appsv1.DeprecatedTemplateGeneration: "2", ArmAnnotation: Armed{Run: "r1", Original: "RollingUpdate"}.String()}
	w.ds.Spec.UpdateStrategy.Type = appsv1.OnDeleteDaemonSetStrategyType
	w.ds.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": "agent"}}
	w.ds.Spec.Template = revisionTemplate(2)
	w.ds.Status.ObservedGeneration = 2
	w.s.DaemonSets = []*appsv1.DaemonSet{w.ds}
	for i := int64(1); i <= 2; i++ {
		r := &appsv1.ControllerRevision{Revision: i, Data: dataOf(revisionTemplate(i))}
		r.Namespace, r.Name, r.UID, r.ResourceVersion = "kube-system", fmt.Sprintf("agent-h%d", i), types.UID(fmt.Sprintf("rev%d", i)), "5"
		r.Labels = map[string]string{hashLabel: fmt.Sprintf("h%d", i)}
		r.OwnerReferences = []metav1.OwnerReference{{Kind: "DaemonSet", Name: "agent", UID: "ds-uid", Controller: &yes}}
		w.s.Revisions = append(w.s.Revisions, r)
	}
	w.run = &Run{
		Version: SchemaVersion, Original: "RollingUpdate",
		Identity: Identity{ClusterUID: "cluster", Namespace: "kube-system", Name: "agent", UID: "ds-uid", ID: "r1", Epoch: 1},
		Target:   Revision{Name: "agent-h2", Hash: "h2", Number: 2, Generation: 2}, From: Revision{Name: "agent-h1", Hash: "h1", Number: 1},
	}
	w.run.Phase = Running
	for i := range nodes {
		w.node(i)
		w.pod(i, "h1")
		w.run.Members = append(w.run.Members, Member{Node: name(i), UID: ShortUID(nodeUID(i))})
	}
	w.run.Waves, w.run.Size = []int{nodes}, nodes
	w.pol = (&Policy{}).WithDefaults(Context{Nodes: nodes, Archs: 1})
	w.run.Policy = w.pol
	w.obs = NewObserved(t0.Add(-time.Hour), 1)
	return w
}

// revisionTemplate is what a revision of a world holds.
func revisionTemplate(i int64) corev1.PodTemplateSpec {
	t := corev1.PodTemplateSpec{}
	t.Labels = map[string]string{"app": "agent"}
	t.Spec.Containers = []corev1.Container{{Name: "agent", Image: fmt.Sprintf("agent:%d", i)}}
	return t
}

// dataOf is a template as the controller keeps it in a revision.
func dataOf(t corev1.PodTemplateSpec) runtime.RawExtension {
	raw, err := json.Marshal(t)
	if err != nil {
		panic(err)
	}
	return runtime.RawExtension{Raw: fmt.Appendf(nil, `{"spec":{"template":{"$patch":"replace",%s}}`, raw[1:])}
}

func name(i int) string                 { return fmt.Sprintf("n%d", i) }
func nodeUID(i int) types.UID           { return types.UID(fmt.Sprintf("%08d-node", i)) }
func podUID(n, g int) types.UID         { return types.UID(fmt.Sprintf("pod-%d-%d", n, g)) }
func podName(n, g int) string           { return fmt.Sprintf("agent-%d-%d", n, g) }
func intOr(n int32) *intstr.IntOrString { v := intstr.FromInt32(n); return &v }

func (w *world) node(i int) *corev1.Node {
	n := &corev1.Node{}
	n.Name, n.UID, n.ResourceVersion = name(i), nodeUID(i), "7"
	n.Labels = map[string]string{zoneLabel: string(rune('a' + i%3)), archLabel: "amd64"}
	n.Annotations = map[string]string{}
	n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
	w.s.Nodes = append(w.s.Nodes, n)
	return n
}

// pod puts a ready pod on a node.
func (w *world) pod(i int, hash string) *snapshot.Pod {
	gen := 1
	for k := range w.s.Pods {
		if w.s.Pods[k].Node == name(i) {
			gen++
		}
	}
	w.s.Pods = append(w.s.Pods, snapshot.Pod{
		Namespace: "kube-system", Name: podName(i, gen), UID: podUID(i, gen), ResourceVersion: "9", Node: name(i),
		Owner: &snapshot.Owner{Kind: "DaemonSet", Name: "agent", UID: "ds-uid"}, Phase: corev1.PodRunning, Ready: true,
		ReadySince: snapshot.Time(t0.Add(-time.Hour).Unix()), Created: snapshot.Time(t0.Add(-time.Hour - 20*time.Second).Unix()),
		Labels: map[string]string{"app": "agent", hashLabel: hash},
	})
	return &w.s.Pods[len(w.s.Pods)-1]
}

// p finds the newest pod of a node.
func (w *world) p(i int) *snapshot.Pod {
	var out *snapshot.Pod
	for k := range w.s.Pods {
		if w.s.Pods[k].Node == name(i) {
			out = &w.s.Pods[k]
		}
	}
	return out
}

func (w *world) drop(i int) {
	for k := range w.s.Pods {
		if w.s.Pods[k].Node == name(i) {
			w.s.Pods = append(w.s.Pods[:k], w.s.Pods[k+1:]...)
			return
		}
	}
}

func (w *world) n(i int) *corev1.Node {
	for _, n := range w.s.Nodes {
		if n.Name == name(i) {
			return n
		}
	}
	return nil
}

func (w *world) taint(i int) {
	w.n(i).Spec.Taints = []corev1.Taint{{Key: "dedicated", Value: "batch", Effect: corev1.TaintEffectNoSchedule}}
}

func (w *world) notReady(i int, s corev1.ConditionStatus) {
	w.n(i).Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: s}}
}

func (w *world) mark(i int, m Mark) {
	w.n(i).Annotations[MarkAnnotation] = m.String()
	w.n(i).Spec.Unschedulable = true
}

// fly puts a node in flight, its old pod still there.
func (w *world) fly(i int) *Flight {
	w.run.InFlight = append(w.run.InFlight, Flight{
		Node: name(i), NodeUID: nodeUID(i), Pod: podName(i, 1), PodUID: podUID(i, 1), Wave: w.run.wave(i), Step: StepPrepare,
		Started: metav1.NewTime(t0),
	})
	w.run.Touched = append(w.run.Touched, i)
	w.obs.Nodes[name(i)] = NodeSeen{Flying: t0.Add(-time.Second), Replaced: t0.Add(-time.Second)}
	return &w.run.InFlight[len(w.run.InFlight)-1]
}

// replace gives a node in flight its new pod, available for a while.
func (w *world) replace(i int, soaked time.Duration) *snapshot.Pod {
	w.drop(i)
	p := w.pod(i, "h2")
	p.Name, p.UID = podName(i, 2), podUID(i, 2)
	seen := w.obs.Nodes[name(i)]
	seen.Pod, seen.Available, seen.ready = p.UID, t0.Add(-soaked), p.ReadySince
	w.obs.Nodes[name(i)] = seen
	return p
}

func (w *world) view() *View {
	w.s.Sort()
	v := NewView(w.s, "kube-system", "agent")
	v.LeaseVersion, v.Intents, v.LeaseGone = "50", w.ints, w.gone
	return v
}

func (w *world) decide(t *testing.T) Decision {
	t.Helper()
	d := Decide(w.pol, w.run, w.view(), w.obs, t0)
	set := 0
	for _, ok := range []bool{d.Act != nil, d.Wait != nil, d.Stop != nil, d.Done != nil} {
		if ok {
			set++
		}
	}
	if set != 1 {
		t.Fatalf("a decision is exactly one thing, this is %d: %+v", set, d)
	}
	if s, ok := d.Act.(*SaveRun); ok {
		if err := s.Run.Validate(); err != nil {
			t.Fatalf("what is to be saved is not valid: %v", err)
		}
	}
	return d
}

// in words, for tables.
func words(d Decision) string {
	switch {
	case d.Act != nil:
		switch a := d.Act.(type) {
		case *SaveRun:
			out := "save " + string(a.Run.Phase)
			if a.Run.Because != nil {
				out += " " + string(a.Run.Because.Code)
			}
			for _, f := range a.Run.InFlight {
				out += " fly:" + f.Node
			}
			for _, f := range a.Run.Failed {
				out += " failed:" + f.Node
			}
			return out
		case *DeletePod:
			return "delete " + a.Name
		case *Cordon:
			return "cordon " + a.Node
		case *Uncordon:
			return fmt.Sprintf("uncordon %s to %v", a.Node, a.Unschedulable)
		case *Evict:
			return "evict " + a.Name
		case *RunGate:
			return fmt.Sprintf("gate %s %s#%d", a.Gate, a.Node, a.Attempt)
		case *Arm:
			return fmt.Sprintf("arm again=%v rearms=%d template=%v", a.Again, a.Armed.Rearms, a.Template != nil)
		case *HandBack:
			return fmt.Sprintf("hand back %q ack=%v", a.Strategy, a.Acknowledged)
		case *PutBack:
			return "put back " + a.Revision.Hash
		case *CleanRevision:
			return "clean " + a.Name
		case *DeleteLease:
			return "delete lease"
		}
	case d.Wait != nil:
		return fmt.Sprintf("wait %s %s rests=%v", d.Wait.Because[0].Code, d.Wait.Because[0].Node, d.Wait.Rests)
	case d.Stop != nil:
		return fmt.Sprintf("stop %s %s", d.Stop.Because.Code, d.Stop.Because.Node)
	case d.Done != nil:
		return fmt.Sprintf("done %s exit %d", d.Done.Outcome, d.Done.Exit)
	}
	return "nothing"
}
