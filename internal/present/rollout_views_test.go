package present

import (
	"bytes"
	"slices"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// stuckNative is a native update that three arm64 nodes and a lost one hold.
func stuckNative() *rollout.Native {
	f := newFleet(monday)
	f.ds.ManagedFields = nil
	f.ds.Spec.UpdateStrategy = appsv1.DaemonSetUpdateStrategy{Type: appsv1.RollingUpdateDaemonSetStrategyType, RollingUpdate: &appsv1.RollingUpdateDaemonSet{MaxUnavailable: ptr(intstr.FromString("2%"))}}
	for i := range f.s.Pods {
		if p := &f.s.Pods[i]; p.Node == lostNodeName {
			p.Deleted = snapshot.Time(monday.Add(-15 * time.Hour).Unix())
		}
	}
	f.s.Revisions[2].CreationTimestamp = metav1.NewTime(monday.Add(-10 * time.Hour))
	for _, n := range slices.Clone(f.s.Nodes) {
		if n.Labels["topology.kubernetes.io/zone"] == "a" {
			f.update(n.Name, 9*time.Hour)
		}
	}
	for i, ago := range []time.Duration{580 * time.Minute, 562 * time.Minute, 548 * time.Minute} {
		f.broken(f.update(f.s.Nodes[64+i].Name, ago), ago, corev1.ContainerStatus{
			Name: "cilium-agent", Image: "quay.io/cilium/cilium:v1.19.2",
			State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ErrImagePull", Message: "no match for platform in manifest: not found"}},
		})
	}
	return rollout.NativeOf(f.view(), testFlags, monday)
}

func nativeScreens() []rolloutScreen {
	show := func(n *rollout.Native) func(*bytes.Buffer, Options) error {
		return func(b *bytes.Buffer, o Options) error {
			return WriteNative(b, &NativeView{Context: "train-eu-1", Native: n}, o)
		}
	}
	held := newFleet(monday)
	moving := newFleet(monday)
	moving.ds.Spec.UpdateStrategy.Type = appsv1.RollingUpdateDaemonSetStrategyType
	moving.ds.Spec.UpdateStrategy.RollingUpdate = &appsv1.RollingUpdateDaemonSet{MaxUnavailable: ptr(intstr.FromInt32(3))}
	done := newFleet(monday)
	for _, n := range slices.Clone(done.s.Nodes) {
		done.update(n.Name, time.Hour)
	}
	done.s.Nodes = slices.DeleteFunc(done.s.Nodes, func(n *corev1.Node) bool { return n.Name == lostNodeName })
	done.s.Pods = slices.DeleteFunc(done.s.Pods, func(p snapshot.Pod) bool { return p.Node == lostNodeName })
	behind := newFleet(monday)
	behind.ds.Generation = 43
	of := func(f *fleet) *rollout.Native { return rollout.NativeOf(f.view(), testFlags, monday) }
	return []rolloutScreen{
		{"native-stuck", show(stuckNative())}, {"native-held", show(of(held))}, {"native-moving", show(of(moving))},
		{"native-done", show(of(done))}, {"native-unknown", show(of(behind))}, {"native-left", show(leftBehind())},
	}
}

// leftBehind is what a run leaves that is lost with its Lease.
func leftBehind() *rollout.Native {
	f := newFleet(monday)
	f.ds.Annotations[rollout.ArmAnnotation] = rollout.Armed{Run: "7f3k", Original: "RollingUpdate"}.String()
	for i, run := range []string{"7f3k", "7f3k", "ab12"} {
		f.s.Nodes[i].Annotations = map[string]string{rollout.MarkAnnotation: rollout.Mark{Run: run}.String()}
	}
	f.s.Nodes[3].Annotations = map[string]string{rollout.MarkAnnotation: "{"}
	v := f.view()
	v.LeaseGone = true
	return rollout.NativeOf(v, testFlags, monday)
}

func historyScreens(t testing.TB) []rolloutScreen {
	f := newFleet(afternoon)
	r := f.run(t, rollout.Running, nil)
	for _, m := range r.Members[:85] {
		f.update(m.Node, time.Hour)
	}
	v := f.view()
	changes, err := rollout.RevisionDiff(v, 40, 42)
	if err != nil {
		t.Fatal(err)
	}
	rev, err := rollout.FindRevision(v, 42)
	if err != nil {
		t.Fatal(err)
	}
	return []rolloutScreen{
		{"history", func(b *bytes.Buffer, o Options) error {
			o.Now = afternoon
			return WriteHistory(b, &HistoryView{Context: "train-eu-1", Namespace: "kube-system", Name: "cilium", Rows: rollout.HistoryOf(v, r, f.now)}, o)
		}},
		{"history-diff", func(b *bytes.Buffer, o Options) error {
			return WriteDiff(b, &DiffView{"train-eu-1", "kube-system", "cilium", 40, 42, changes}, o)
		}},
		{"history-revision", func(b *bytes.Buffer, _ Options) error { return WriteRevision(b, rev) }},
	}
}
