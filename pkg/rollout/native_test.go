package rollout

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// native is a world that the controller updates by itself.
func native(nodes int, maxUnavailable string) *world {
	w := planned(nodes)
	v := intstr.Parse(maxUnavailable)
	w.ds.Spec.UpdateStrategy = appsv1.DaemonSetUpdateStrategy{
		Type: appsv1.RollingUpdateDaemonSetStrategyType, RollingUpdate: &appsv1.RollingUpdateDaemonSet{MaxUnavailable: &v},
	}
	for _, r := range w.s.Revisions {
		r.CreationTimestamp = metav1.NewTime(t0.Add(-20 * time.Hour))
	}
	return w
}

// fails makes the newest pod of a node one of the new revision that cannot
// pull its image, since a while ago.
func (w *world) fails(i int, ago time.Duration) {
	w.drop(i)
	p := w.pod(i, "h2")
	at := t0.Add(-ago)
	p.Ready, p.ReadySince, p.Created, p.Phase = false, snapshot.Time(at.Unix()), snapshot.Time(at.Unix()), corev1.PodPending
	full := &corev1.Pod{}
	full.Namespace, full.Name, full.UID, full.Labels = p.Namespace, p.Name, p.UID, p.Labels
	full.CreationTimestamp = metav1.NewTime(at)
	full.Spec.NodeName, full.Spec.Containers = name(i), []corev1.Container{{Name: "agent", Image: "reg/agent:2"}}
	full.Status.Phase = corev1.PodPending
	full.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionFalse, LastTransitionTime: metav1.NewTime(at)}}
	full.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "agent", Image: "reg/agent:2", State: corev1.ContainerState{
		Waiting: &corev1.ContainerStateWaiting{Reason: "ErrImagePull", Message: "no match for platform in manifest: not found"},
	}}}
	p.Full = full
}

func (w *world) updated(i int) { w.p(i).Labels = map[string]string{"app": "agent", hashLabel: "h2"} }

// lost takes the kubelet of a node away, and its old pod is being deleted.
func (w *world) lost(i int, ago time.Duration) {
	at := metav1.NewTime(t0.Add(-ago))
	w.n(i).Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionUnknown, LastTransitionTime: at}}
	p := w.p(i)
	p.Ready, p.Deleted, p.ReadySince = false, snapshot.Time(at.Unix()), snapshot.Time(at.Unix())
}

func TestNativeStates(t *testing.T) {
	cases := []struct {
		name  string
		given func(w *world)
		state NativeState
		takes string // nodes that hold a place
		waits int
		since time.Duration // ago; 0 for not asked
	}{
		{"all current", func(w *world) {
			for i := range 10 {
				w.updated(i)
			}
		}, NativeDone, "", 0, time.Hour},
		{"the controller goes on", func(w *world) { w.updated(0) }, NativeMoving, "", 9, 20 * time.Hour},
		{"a new pod that is starting", func(w *world) {
			w.fails(0, time.Minute)
			w.p(0).Full.Status.ContainerStatuses[0].State.Waiting = &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}
		}, NativeMoving, "n0", 9, 0},
		{"one failing of two allowed", func(w *world) { w.fails(0, time.Hour) }, NativeMoving, "n0", 9, 0},
		{"stuck since the second failed", func(w *world) { w.fails(0, 3*time.Hour); w.fails(1, 2*time.Hour); w.lost(2, time.Hour) }, NativeStuck, "n0 n1 n2", 7, 2 * time.Hour},
		{"a lost node takes a place", func(w *world) { w.fails(0, 3*time.Hour); w.lost(2, time.Hour) }, NativeStuck, "n0 n2", 8, time.Hour},
		{"a node without any pod takes a place", func(w *world) { w.drop(3); w.fails(0, time.Hour) }, NativeStuck, "n0 n3", 8, 0},
		{"nothing waits, and one fails", func(w *world) {
			for i := range 10 {
				w.updated(i)
			}
			w.fails(4, 2*time.Hour)
		}, NativeStuck, "n4", 0, 2 * time.Hour},
		{"OnDelete", func(w *world) { w.ds.Spec.UpdateStrategy.Type = appsv1.OnDeleteDaemonSetStrategyType; w.updated(0) }, NativeHeld, "", 9, 20 * time.Hour},
		{"a template that nobody has seen", func(w *world) { w.ds.Generation = 3 }, NativeUnknown, "", 0, 0},
		{"pods that could not be read", func(w *world) {
			w.s.Incomplete = []snapshot.ReadFailure{{Verb: "list", Resource: snapshot.ResourcePods, Error: "forbidden"}}
		}, NativeUnknown, "", 0, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := native(10, "20%")
			c.given(w)
			n := NativeOf(w.view(), "", t0)
			var takes []string
			for _, p := range n.Places {
				takes = append(takes, p.Node)
			}
			slices.Sort(takes)
			if n.State != c.state || strings.Join(takes, " ") != c.takes || n.Waiting != c.waits {
				t.Errorf("got %s, taken by %v, %d wait; want %s, %s, %d\n%+v", n.State, takes, n.Waiting, c.state, c.takes, c.waits, n.Places)
			}
			if c.since > 0 && (n.Since == nil || !n.Since.Time.Equal(t0.Add(-c.since))) {
				t.Errorf("since %v, want %s ago", n.Since, c.since)
			}
		})
	}
}

// What start would do is what its plan counts.
func TestNativeDriveCountsAsThePlanDoes(t *testing.T) {
	for _, c := range []struct {
		given func(w *world)
		moves int
		want  string
	}{
		{func(*world) {}, 9, "replaces 9 old pods node by node, with ceiling and gates"},
		{func(w *world) { w.taint(3) }, 8, "replaces 8 old pods node by node, with ceiling and gates; not 1 that would not come back"},
		{func(w *world) { w.taint(3); w.taint(4); w.notReady(4, corev1.ConditionFalse) }, 7, "replaces 7 old pods node by node, with ceiling and gates; 1 last, if the node is Ready again; not 1 that would not come back"},
		{func(w *world) { w.taint(3); w.taint(4) }, 7, "replaces 7 old pods node by node, with ceiling and gates; not 2 that would not come back"},
	} {
		w := native(10, "20%")
		w.ds.Spec.UpdateStrategy = appsv1.DaemonSetUpdateStrategy{Type: appsv1.OnDeleteDaemonSetStrategyType}
		w.updated(0)
		c.given(w)
		n := NativeOf(w.view(), "", t0)
		if len(n.Remedies) != 1 || n.Remedies[0].Then != c.want {
			t.Errorf("%+v, want %q", n.Remedies, c.want)
		}
		if p, err := MakePlan(w.view(), &Policy{}, PlanInput{Now: t0}); err != nil || p.Updates != c.moves {
			t.Errorf("the plan updates %d (%v), want %d", p.Updates, err, c.moves)
		}
	}
}

func TestNativeLimitsAreTheController(t *testing.T) {
	for _, c := range []struct {
		nodes   int
		given   func(u *appsv1.DaemonSetUpdateStrategy)
		ceiling int
		surges  bool
	}{
		{191, func(u *appsv1.DaemonSetUpdateStrategy) {
			v := intstr.FromString("2%")
			u.RollingUpdate.MaxUnavailable = &v
		}, 4, false},
		{10, func(u *appsv1.DaemonSetUpdateStrategy) {
			v := intstr.FromString("1%")
			u.RollingUpdate.MaxUnavailable = &v
		}, 1, false},
		{10, func(u *appsv1.DaemonSetUpdateStrategy) { u.RollingUpdate.MaxUnavailable = intOr(3) }, 3, false},
		{10, func(u *appsv1.DaemonSetUpdateStrategy) { u.RollingUpdate.MaxUnavailable = intOr(0) }, 1, false},
		{10, func(u *appsv1.DaemonSetUpdateStrategy) { u.RollingUpdate = nil }, 1, false},
		{10, func(u *appsv1.DaemonSetUpdateStrategy) {
			v := intstr.FromString("25%")
			u.RollingUpdate.MaxSurge, u.RollingUpdate.MaxUnavailable = &v, intOr(0)
		}, 3, true},
		{10, func(u *appsv1.DaemonSetUpdateStrategy) { u.Type = appsv1.OnDeleteDaemonSetStrategyType }, 0, false},
	} {
		w := native(1, "1")
		c.given(&w.ds.Spec.UpdateStrategy)
		if _, surges, got := limitOf(w.ds, c.nodes); got != c.ceiling || surges != c.surges {
			t.Errorf("%+v of %d: got %d %v, want %d %v", w.ds.Spec.UpdateStrategy.RollingUpdate, c.nodes, got, surges, c.ceiling, c.surges)
		}
	}
}

func TestAStuckUpdateNamesTheWaysOut(t *testing.T) {
	w := native(10, "30%")
	for i := range 6 {
		w.n(i).Labels[archLabel] = "arm64"
	}
	w.updated(8)
	w.fails(0, 3*time.Hour)
	w.fails(1, 2*time.Hour)
	w.lost(9, time.Hour)
	n := NativeOf(w.view(), "--context prod", t0)
	if n.State != NativeStuck || n.Alike == nil || *n.Alike != (Alike{What: "arm64", Waiting: 4, Certain: true}) {
		t.Fatalf("got %s, alike %+v: %+v", n.State, n.Alike, n.Places)
	}
	var got []string
	for _, r := range n.Remedies {
		got = append(got, fmt.Sprintf("%s %d %s; %s%s", r.Label, r.Frees, r.Do, r.When, r.Then))
	}
	want := []string{
		"image 2 publish the image for arm64, or select nodes by kubernetes.io/arch; all but 1 lost node can finish",
		"undo 0 kubectl ds-rollout undo -n kube-system agent --context prod; 3 pods back to revision 1, with ceiling and gates",
		"node 1 kubectl delete node n9 --context prod; if it is gone for gooduntil the next arm64 node takes it",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for i, because := range []string{"image 2 has no arm64", "image 2 has no arm64", "pod Terminating; no kubelet to end it"} {
		if p := n.Places[i]; p.Because != because || p.Since == nil {
			t.Errorf("%s: %q since %v, want %q", p.Node, p.Because, p.Since, because)
		}
	}
	// A template of somebody else's cannot be taken back here.
	owned(w, "argocd-controller", `{"f:spec":{"f:template":{}}}`)
	n = NativeOf(w.view(), "", t0)
	if r := n.Remedies[1]; !strings.Contains(r.Then, "refused while argocd-controller owns the template") {
		t.Errorf("undo says %q", r.Then)
	}
	if _, err := json.Marshal(n); err != nil {
		t.Error(err)
	}
}

func TestAPodThatNobodyOwnsIsNotAnOldOne(t *testing.T) {
	w := native(2, "1")
	w.ds.Spec.UpdateStrategy.Type = ""
	w.updated(0)
	w.updated(1)
	w.p(1).Owner = nil
	n := NativeOf(w.view(), "", t0)
	if n.Strategy != "RollingUpdate" || len(n.Places) != 1 || strings.Contains(n.Places[0].Because, "old pod") {
		t.Errorf("got %+v", n)
	}
}

func TestSurgePlaces(t *testing.T) {
	w := native(4, "0")
	w.ds.Spec.UpdateStrategy.RollingUpdate.MaxSurge = intOr(1)
	w.pod(0, "h2").Ready = false // beside the old one
	n := NativeOf(w.view(), "", t0)
	if len(n.Places) != 1 || n.Places[0].Node != "n0" || n.Waiting != 3 || !n.Surges || n.Places[0].Revision != 2 {
		t.Errorf("got %+v", n)
	}
}
