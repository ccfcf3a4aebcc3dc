package present

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// afternoon is when the plan of the golden files is made.
var afternoon = time.Date(2026, 11, 23, 15, 20, 0, 0, time.UTC)

// fleet is the cluster of the golden files seen by one DaemonSet: 191 nodes in
// three zones, 12 of them arm64, one lost.
type fleet struct {
	s   *snapshot.Snapshot
	ds  *appsv1.DaemonSet
	now time.Time
}

const (
	lostNodeName = "ip-10-0-141-7"
	armCanary    = "ip-10-0-61-9"
	hash41       = "6f4c9d7b8"
	hash42       = "5d8b7c9f4"
)

func newFleet(now time.Time) *fleet {
	f := &fleet{s: &snapshot.Snapshot{AllPods: true}, now: now}
	f.s.Source = snapshot.Source{Context: "train-eu-1", ClusterUID: "cluster", TakenAt: now}
	f.ds = &appsv1.DaemonSet{}
	f.ds.Namespace, f.ds.Name, f.ds.UID, f.ds.Generation = "kube-system", "cilium", "ds-uid", 42
	f.ds.Annotations = map[string]string{appsv1.DeprecatedTemplateGeneration: "42"}
	f.ds.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "argocd-controller", FieldsV1: metav1.NewFieldsV1(`{"f:spec":{"f:updateStrategy":{},"f:template":{}}}`)}}
	f.ds.Spec.UpdateStrategy.Type = appsv1.OnDeleteDaemonSetStrategyType
	f.ds.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": "cilium"}}
	f.ds.Spec.Template = ciliumTemplate("v1.19.2")
	f.ds.Spec.Template.Spec.Containers[0].Env = append(f.ds.Spec.Template.Spec.Containers[0].Env, corev1.EnvVar{Name: "GOMEMLIMIT", Value: "hunter2"})
	f.ds.Status.ObservedGeneration = 42
	f.s.DaemonSets = []*appsv1.DaemonSet{f.ds}
	old := ciliumTemplate("v1.18.6")
	old.Spec.Containers[0].Args, old.Spec.HostNetwork = []string{"--config-dir=/tmp/hunter2"}, true
	older := old.DeepCopy()
	older.Spec.Containers[0].Resources.Limits = nil
	day := 24 * time.Hour
	f.revision(40, "7b6d5c8f9", 88*day, older, "")
	f.revision(41, hash41, 26*day, ptr(ciliumTemplate("v1.19.1")), "")
	f.revision(42, hash42, 18*time.Minute, &f.ds.Spec.Template, "sync 9f31c2a")
	for i := range 191 {
		f.node(i)
	}
	return f
}

func ptr[T any](v T) *T { return &v }

func ciliumTemplate(tag string) corev1.PodTemplateSpec {
	var t corev1.PodTemplateSpec
	t.Labels = map[string]string{"app": "cilium"}
	t.Spec.Tolerations = []corev1.Toleration{{Operator: corev1.TolerationOpExists}}
	t.Spec.Containers = []corev1.Container{{Name: "cilium-agent", Image: "quay.io/cilium/cilium:" + tag, Env: []corev1.EnvVar{{Name: "TOKEN", Value: "hunter2"}}}}
	return t
}

func (f *fleet) revision(n int64, hash string, ago time.Duration, t *corev1.PodTemplateSpec, cause string) {
	raw, err := json.Marshal(map[string]any{"spec": map[string]any{"template": t}})
	if err != nil {
		panic(err)
	}
	r := &appsv1.ControllerRevision{Revision: n, Data: runtime.RawExtension{Raw: raw}}
	r.Namespace, r.Name, r.UID, r.CreationTimestamp = "kube-system", "cilium-"+hash, types.UID(hash), metav1.NewTime(f.now.Add(-ago))
	r.Labels = map[string]string{appsv1.DefaultDaemonSetUniqueLabelKey: hash}
	if cause != "" {
		r.Annotations = map[string]string{"kubernetes.io/change-cause": cause}
	}
	r.OwnerReferences = []metav1.OwnerReference{{Kind: "DaemonSet", Name: "cilium", UID: "ds-uid", Controller: ptr(true)}}
	f.s.Revisions = append(f.s.Revisions, r)
}

// node makes node i with its pod of revision 41: 64 in zone a, 64 in b, 63 in
// c, the last of which is lost; the arm64 ones are in b.
func (f *fleet) node(i int) {
	zone, at, base := "a", i, 30
	switch {
	case i >= 128:
		zone, at, base = "c", i-128, 97
	case i >= 64:
		zone, at, base = "b", i-64, 61
	}
	n := &corev1.Node{}
	n.Name = fmt.Sprintf("ip-10-0-%d-%d", base+at/16, 9+at%16*8)
	arch, kind := "amd64", "m7i.4xlarge"
	if zone == "b" && at < 12 {
		arch, kind = "arm64", "m7g.xlarge"
	}
	ready := corev1.ConditionTrue
	if i == 190 {
		n.Name, ready = lostNodeName, corev1.ConditionUnknown
	}
	n.UID = types.UID(fmt.Sprintf("%08d-uid", i))
	n.CreationTimestamp = metav1.NewTime(f.now.Add(-time.Duration(400-i) * time.Hour))
	n.Labels = map[string]string{"topology.kubernetes.io/zone": zone, "kubernetes.io/arch": arch, "node.kubernetes.io/instance-type": kind}
	n.Status.Conditions = []corev1.NodeCondition{{
		Type: corev1.NodeReady, Status: ready, LastTransitionTime: metav1.NewTime(f.now.Add(-16 * time.Hour)), Reason: "NodeStatusUnknown", Message: "Kubelet stopped posting node status.",
	}}
	f.s.Nodes = append(f.s.Nodes, n)
	p := f.pod(n.Name, hash41, 300*time.Hour)
	if i == 190 {
		p.Ready, p.ReadySince = false, snapshot.Time(f.now.Add(-16*time.Hour).Unix())
	}
}

// pod puts an available pod on a node.
func (f *fleet) pod(node, hash string, age time.Duration) *snapshot.Pod {
	created := snapshot.Time(f.now.Add(-age).Unix())
	took := snapshot.Time(41)
	if len(f.s.Pods)%10 == 0 {
		took = 74
	}
	f.s.Pods = append(f.s.Pods, snapshot.Pod{
		Namespace: "kube-system", Name: "cilium-" + hash[:2] + node[7:], UID: types.UID(hash + node), Node: node, ResourceVersion: "1",
		Owner: &snapshot.Owner{Kind: "DaemonSet", Name: "cilium", UID: "ds-uid"}, Phase: corev1.PodRunning, Ready: true,
		Created: created, ReadySince: created + took, Labels: map[string]string{"app": "cilium", appsv1.DefaultDaemonSetUniqueLabelKey: hash},
	})
	return &f.s.Pods[len(f.s.Pods)-1]
}

// update replaces the pod of a node by one of revision 42.
func (f *fleet) update(node string, age time.Duration) *snapshot.Pod {
	f.s.Pods = slices.DeleteFunc(f.s.Pods, func(p snapshot.Pod) bool { return p.Node == node && p.Owner != nil })
	return f.pod(node, hash42, age)
}

// broken gives the pod of a node the container status of one that does not run.
func (f *fleet) broken(p *snapshot.Pod, age time.Duration, st corev1.ContainerStatus) {
	at := metav1.NewTime(f.now.Add(-age))
	p.Ready, p.ReadySince, p.Restarts = false, snapshot.Time(at.Unix()), st.RestartCount
	full := &corev1.Pod{}
	full.Namespace, full.Name, full.UID, full.Labels, full.CreationTimestamp = p.Namespace, p.Name, p.UID, p.Labels, at
	full.Spec.NodeName, full.Spec.Containers = p.Node, f.ds.Spec.Template.Spec.Containers
	full.Status.Phase = p.Phase
	full.Status.StartTime = &at
	full.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionFalse, LastTransitionTime: at}}
	full.Status.ContainerStatuses = []corev1.ContainerStatus{st}
	p.Full = full
}

func (f *fleet) crash(node, words string) {
	f.broken(f.update(node, 130*time.Second), 130*time.Second, corev1.ContainerStatus{
		Name: "cilium-agent", RestartCount: 4, Image: "quay.io/cilium/cilium:v1.19.2",
		State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff", Message: "back-off 40s restarting failed container"}},
		LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
			ExitCode: 1, Reason: "Error", Message: words, FinishedAt: metav1.NewTime(f.now.Add(-20 * time.Second)),
		}},
	})
}

func (f *fleet) view() *rollout.View {
	f.s.Sort()
	return rollout.NewView(f.s, "kube-system", "cilium")
}

func scenePolicy() *rollout.Policy {
	until := metav1.NewTime(time.Date(2026, 11, 23, 17, 0, 0, 0, time.UTC))
	p := &rollout.Policy{}
	p.MaxUnavailable = ptr(intstr.FromInt32(4))
	p.Waves = []intstr.IntOrString{intstr.FromInt32(3), intstr.FromString("5%"), intstr.FromString("25%"), intstr.FromString("100%")}
	p.Order, p.PauseAfter = []string{"zone", "age"}, rollout.PauseCanary
	p.Soak, p.Until = &metav1.Duration{Duration: 2 * time.Minute}, &until
	p.Gates = []rollout.Gate{
		{Name: "collateral", When: rollout.AfterNode, Probe: rollout.Probe{Builtin: rollout.GateCollateral}},
		{Name: "events", When: rollout.AfterNode, Probe: rollout.Probe{Builtin: rollout.GateWarnings}},
		{Name: "conditions", When: rollout.AfterNode, Probe: rollout.Probe{Builtin: rollout.GateConditions}},
	}
	return p
}

func (f *fleet) plan(t testing.TB, p *rollout.Policy, in rollout.PlanInput) *rollout.Plan {
	t.Helper()
	in.Now = f.now
	plan, err := rollout.MakePlan(f.view(), p, in)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// run is the run of the plan, in a phase.
func (f *fleet) run(t testing.TB, phase rollout.Phase, because *rollout.Cause) *rollout.Run {
	t.Helper()
	r, err := f.plan(t, scenePolicy(), rollout.PlanInput{}).Run(rollout.Identity{
		ClusterUID: "cluster", Namespace: "kube-system", Name: "cilium", UID: "ds-uid", ID: "7f3k", Epoch: 1, By: "oncall@example.com",
		Started: metav1.NewTime(f.now.Add(-40 * time.Minute)),
	}, "")
	if err != nil {
		t.Fatal(err)
	}
	r.Target = rollout.Revision{Name: "cilium-" + hash42, Hash: hash42, Number: 42, Generation: 42}
	r.Phase, r.Because = phase, because
	return r
}

// canaries are the first wave.
func (f *fleet) canaries(r *rollout.Run) []string {
	var out []string
	for _, m := range r.Members[:r.Waves[0]] {
		out = append(out, m.Node)
	}
	return out
}
