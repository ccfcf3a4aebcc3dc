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

func TestSurgePlaces(t *testing.T) {
	w := native(4, "0")
	w.ds.Spec.UpdateStrategy.RollingUpdate.MaxSurge = intOr(1)
	w.pod(0, "h2").Ready = false // beside the old one
	n := NativeOf(w.view(), "", t0)
	if len(n.Places) != 1 || n.Places[0].Node != "n0" || n.Waiting != 3 || !n.Surges || n.Places[0].Revision != 2 {
		t.Errorf("got %+v", n)
	}
}

func TestHistory(t *testing.T) {
	w := native(4, "1")
	raw := func(image string) []byte {
		tp := template()
		tp.Spec.Containers[0].Image = image
		b, err := json.Marshal(map[string]any{"spec": map[string]any{"template": tp}})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	w.s.Revisions[0].Data.Raw, w.s.Revisions[1].Data.Raw = raw("quay.io/cilium/cilium:v1"), raw("quay.io/cilium/cilium:v2")
	w.s.Revisions[1].Annotations = map[string]string{changeCause: "sync 9f31c2a"}
	w.updated(0)
	w.p(1).Labels = map[string]string{hashLabel: "h0"}
	rows := HistoryOf(w.view(), nil, t0)
	show := func(rows []HistoryRow) string {
		var b strings.Builder
		for _, r := range rows {
			fmt.Fprintf(&b, "%d %s %s %d/%d %s %s %s\n", r.Revision, r.Role, r.Hash, r.Available, r.Pods, r.Summary, r.Cause, r.Error)
		}
		return b.String()
	}
	want := "2 current h2 1/1 cilium-agent image v1 -> v2 sync 9f31c2a \n1  h1 2/2   \n0 gone h0 1/1 its ControllerRevision is gone  \n"
	if got := show(rows); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if rows = HistoryOf(w.view(), w.run, t0); rows[0].Role != RoleTarget || rows[1].Role != RoleFrom {
		t.Errorf("with a run: %s", show(rows))
	}
	if lines, err := RevisionDiff(w.view(), 2, 1); err != nil || len(lines) != 1 {
		t.Errorf("diff: %v, %v", lines, err)
	}
	if _, err := RevisionDiff(w.view(), 2, 7); err == nil || err.Error() != "there is no revision 7; there are 2, 1" {
		t.Errorf("got %v", err)
	}
	w.s.Revisions[0].Data.Raw = []byte("{}")
	if rows = HistoryOf(w.view(), nil, t0); rows[1].Error == "" || rows[0].Summary != "" {
		t.Errorf("a template that cannot be read: %s", show(rows))
	}
}

func TestParseDiff(t *testing.T) {
	if a, b, err := ParseDiff("41..42"); a != 41 || b != 42 || err != nil {
		t.Errorf("got %d, %d, %v", a, b, err)
	}
	for _, s := range []string{"", "41", "41...42", "..", "0..1", "a..b", "1..-2", "1..2x"} {
		if _, _, err := ParseDiff(s); err == nil {
			t.Errorf("%q is taken", s)
		}
	}
}

func TestCompareWithWhereItIsFine(t *testing.T) {
	w := newWorld(8)
	for _, i := range []int{5, 6, 7} {
		w.n(i).Labels[archLabel] = "arm64"
	}
	w.updated(0)
	w.updated(1)
	w.fails(5, time.Minute)
	came := snapshot.Time(t0.Add(-time.Minute).Unix())
	other := func(pod string, ready bool, since, created snapshot.Time) {
		w.s.Pods = append(w.s.Pods, snapshot.Pod{
			Namespace: "team-a", Name: pod, UID: "x" + podUID(0, len(w.s.Pods)), Node: "n5", Phase: corev1.PodRunning, Ready: ready, ReadySince: since, Created: created,
		})
	}
	other("worse", false, came+5, came-1000)
	other("bad-before", false, came-5, came-1000)
	other("newer", false, came+5, came+1)
	other("well", true, came-900, came-1000)
	c := Compare(w.view(), w.run, "n5", t0)
	if strings.Join(c.Fine, ",") != "n0,n1" || c.FineShare != "amd64" || c.Arch != "arm64" || strings.Join(c.Worse, ",") != "team-a/worse" {
		t.Errorf("got %+v", c)
	}
	if c.Alike == nil || c.Alike.What != "arm64" || c.Alike.Waiting != 2 {
		t.Errorf("alike: %+v", c.Alike)
	}
	w.updated(6) // it is fine on one of them
	if c = Compare(w.view(), w.run, "n5", t0); c.Alike != nil || c.FineShare != "" {
		t.Errorf("got %+v", c)
	}
}

func TestChoices(t *testing.T) {
	w := newWorld(3)
	w.run.Phase, w.run.Because = Stopped, &Cause{Code: StopFailed, Node: "n1"}
	w.updated(1)
	got := Choices(w.run, w.view(), t0)
	if len(got) != 3 || got[0].Because != "" || got[0].Pods != 1 || got[1].Node != "n1" || got[2].Because != "" {
		t.Errorf("got %+v", got)
	}
	w.run.TemplateOwner, w.run.Because = "argocd-controller", &Cause{Code: StopFlip}
	got = Choices(w.run, w.view(), t0)
	if !strings.Contains(got[0].Because, "argocd-controller owns the template") || got[1].Because != "no node has failed" {
		t.Errorf("got %+v", got)
	}
}

func TestResumeFacts(t *testing.T) {
	w := newWorld(6)
	w.run.Phase, w.run.Because, w.run.Waves = Paused, &Cause{Code: PauseUntil}, []int{1, 6}
	until := metav1.NewTime(t0.Add(-time.Hour))
	w.run.Policy.Until = &until
	w.updated(0)
	w.lost(4, time.Hour)
	w.node(9)
	w.pod(9, "h2")
	w.s.Nodes = slices.DeleteFunc(w.s.Nodes, func(n *corev1.Node) bool { return n.Name == "n5" })
	f := ResumeOf(w.run, w.view(), t0)
	if f.Done != 1 || f.Total != 5 || f.LeftNodes != 3 || len(f.Left) != 1 || f.Left[0] != (LeftWave{2, 3}) || !f.UntilPast {
		t.Errorf("got %+v", f)
	}
	if strings.Join(f.Joined, ",") != "n9" || strings.Join(f.Gone, ",") != "n5" || strings.Join(f.Lost, ",") != "n4" || len(f.Differs) > 0 || len(f.Same) != 4 {
		t.Errorf("got %+v", f)
	}
	if f.Seconds != 3*(20+10) {
		t.Errorf("it takes %d seconds", f.Seconds)
	}
	w.run.ClusterUID, w.ds.UID = "other", "again"
	flipped(w)
	if f = ResumeOf(w.run, w.view(), t0); len(f.Differs) != 3 {
		t.Errorf("differs: %v", f.Differs)
	}
}

func TestPrintedCommandsArePasted(t *testing.T) {
	for _, c := range []struct{ want, got string }{
		{"kubectl ds-rollout undo -n kube-system agent --context prod", Command("--context prod", "kubectl", "ds-rollout", "undo", "-n", "kube-system", "agent")},
		{"kubectl delete node 'a; rm -rf /'", Command("", "kubectl", "delete", "node", "a; rm -rf /")},
		{`kubectl delete node 'it'\''s'`, Command("", "kubectl", "delete", "node", "it's")},
		{"kubectl delete node '?'", Command("", "kubectl", "delete", "node", "--all")},
		{"kubectl delete node ''", Command("", "kubectl", "delete", "node", "")},
	} {
		if c.got != c.want {
			t.Errorf("got %s, want %s", c.got, c.want)
		}
	}
}
