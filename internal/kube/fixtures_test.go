package kube

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit/apiserver"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

var (
	born = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	now  = born.Add(24 * time.Hour)
	yes  = true
)

func newReader(t testing.TB, s *apiserver.Server) *Reader {
	t.Helper()
	r, err := NewReader(s.Config())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func read(t testing.TB, r *Reader, req Request) *snapshot.Snapshot {
	t.Helper()
	req.Now = func() time.Time { return now }
	snap, err := r.Read(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

// named is the scope of one DaemonSet.
func named(namespace string, names ...string) Request {
	return Request{Scope: snapshot.Scope{Namespace: namespace, Names: names}}
}

func meta(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace: namespace, Name: name, UID: types.UID("uid-" + namespace + "-" + name), ResourceVersion: "7",
		CreationTimestamp: metav1.NewTime(born),
		ManagedFields: []metav1.ManagedFieldsEntry{{
			Manager: "kubelet", Operation: metav1.ManagedFieldsOperationUpdate, APIVersion: "v1", FieldsType: "FieldsV1",
			FieldsV1: metav1.NewFieldsV1(`{"f:status":{"f:conditions":{".":{},"k:{\"type\":\"Ready\"}":{".":{},"f:status":{}}}}}`),
		}},
	}
}

func node(i int) *corev1.Node {
	n := &corev1.Node{ObjectMeta: meta("", fmt.Sprintf("node-%05d", i))}
	n.Labels = map[string]string{"kubernetes.io/os": "linux", "kubernetes.io/hostname": n.Name}
	n.Spec.Taints = []corev1.Taint{{Key: "a", Effect: corev1.TaintEffectNoSchedule}}
	n.Status.Allocatable = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("3920m"), corev1.ResourceMemory: resource.MustParse("15Gi")}
	n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue, LastTransitionTime: metav1.NewTime(born)}}
	n.Status.Images = []corev1.ContainerImage{{Names: []string{"example.org/app:1"}, SizeBytes: 1 << 20}}
	return n
}

func daemonSet(namespace, name string) *appsv1.DaemonSet {
	d := &appsv1.DaemonSet{ObjectMeta: meta(namespace, name)}
	d.Labels = map[string]string{"team": name}
	d.Generation = 1
	d.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": name}}
	d.Spec.Template.Labels = map[string]string{"app": name}
	d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "main", Image: "example.org/" + name + ":1"}}
	d.Status.ObservedGeneration = 1
	return d
}

func controlledBy(d *appsv1.DaemonSet) []metav1.OwnerReference {
	return []metav1.OwnerReference{{
		APIVersion: "apps/v1", Kind: "DaemonSet", Name: d.Name, UID: d.UID, Controller: &yes, BlockOwnerDeletion: &yes,
	}}
}

func revision(d *appsv1.DaemonSet) *appsv1.ControllerRevision {
	r := &appsv1.ControllerRevision{ObjectMeta: meta(d.Namespace, d.Name+"-5d8f7c6b5"), Revision: 1}
	r.Labels = map[string]string{"app": d.Name, appsv1.DefaultDaemonSetUniqueLabelKey: "5d8f7c6b5"}
	r.OwnerReferences = controlledBy(d)
	data, err := json.Marshal(map[string]any{"spec": map[string]any{"template": map[string]any{"x": 1}}})
	if err != nil {
		panic(err)
	}
	r.Data = runtime.RawExtension{Raw: data}
	return r
}

// podOf is a healthy pod of d on node i, about as large as real ones are.
func podOf(d *appsv1.DaemonSet, i int) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: meta(d.Namespace, fmt.Sprintf("%s-%05d", d.Name, i))}
	p.UID = types.UID(fmt.Sprintf("%s-0000-4000-8000-%012d", d.Name, i))
	p.ResourceVersion = fmt.Sprint(100000 + i)
	p.GenerateName = d.Name + "-"
	p.OwnerReferences = controlledBy(d)
	p.Labels = map[string]string{
		"app": d.Name, appsv1.DefaultDaemonSetUniqueLabelKey: "5d8f7c6b5", templateGeneration: "1",
	}
	p.Spec = podSpec(fmt.Sprintf("node-%05d", i))
	p.Status = podStatus()
	return p
}

func podSpec(nodeName string) corev1.PodSpec {
	c := func(name string) corev1.Container {
		return corev1.Container{
			Name: name, Image: "registry.example.org/team/" + name + ":v1.2.3",
			Args: []string{"--v=2", "--config=/etc/" + name + "/config.yaml", "--metrics-addr=:9100"},
			Env: []corev1.EnvVar{{Name: "NODE_NAME", ValueFrom: &corev1.EnvVarSource{
				FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "spec.nodeName"}}}},
			Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{
				corev1.ResourceCPU: resource.MustParse("100m"), corev1.ResourceMemory: resource.MustParse("128Mi")}},
			VolumeMounts: []corev1.VolumeMount{{Name: "config", MountPath: "/etc/" + name}, {Name: "token", MountPath: "/var/run/secrets/kubernetes.io/serviceaccount", ReadOnly: true}},
			LivenessProbe: &corev1.Probe{PeriodSeconds: 10, FailureThreshold: 3, ProbeHandler: corev1.ProbeHandler{
				HTTPGet: &corev1.HTTPGetAction{Path: "/healthz", Scheme: "HTTP"}}},
		}
	}
	spec := corev1.PodSpec{
		NodeName: nodeName, ServiceAccountName: "agent", RestartPolicy: corev1.RestartPolicyAlways,
		Containers: []corev1.Container{c("agent"), c("exporter")},
		Volumes:    []corev1.Volume{{Name: "config"}, {Name: "token"}},
		Affinity: &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{
			NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchFields: []corev1.NodeSelectorRequirement{
				{Key: "metadata.name", Operator: corev1.NodeSelectorOpIn, Values: []string{nodeName}}}}}}}},
	}
	for _, key := range []string{"not-ready", "unreachable", "disk-pressure", "memory-pressure", "pid-pressure", "unschedulable"} {
		spec.Tolerations = append(spec.Tolerations, corev1.Toleration{Key: "node.kubernetes.io/" + key, Operator: corev1.TolerationOpExists})
	}
	return spec
}

func podStatus() corev1.PodStatus {
	st := corev1.PodStatus{Phase: corev1.PodRunning, HostIP: "10.0.0.1", PodIP: "10.1.0.1"}
	for _, c := range []corev1.PodConditionType{corev1.PodInitialized, corev1.PodReady, corev1.ContainersReady, corev1.PodScheduled} {
		st.Conditions = append(st.Conditions, corev1.PodCondition{Type: c, Status: corev1.ConditionTrue, LastTransitionTime: metav1.NewTime(born)})
	}
	for _, name := range []string{"agent", "exporter"} {
		st.ContainerStatuses = append(st.ContainerStatuses, corev1.ContainerStatus{
			Name: name, Ready: true, Started: &yes, RestartCount: 1, Image: "registry.example.org/team/" + name + ":v1.2.3",
			ImageID:     "registry.example.org/team/" + name + "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
			ContainerID: "containerd://0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
			State:       corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(born)}},
		})
	}
	return st
}

// broken makes a pod one that is not well.
func broken(p *corev1.Pod) *corev1.Pod {
	p.Status.Conditions[1].Status = corev1.ConditionFalse
	p.Status.ContainerStatuses[0].Ready = false
	p.Status.ContainerStatuses[0].State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}}
	return p
}

func event(p *corev1.Pod, reason string) *corev1.Event {
	return &corev1.Event{
		ObjectMeta: meta(p.Namespace, p.Name+"."+reason), Type: corev1.EventTypeWarning, Reason: reason, Message: "because", Count: 3,
		InvolvedObject: corev1.ObjectReference{Kind: "Pod", Namespace: p.Namespace, Name: p.Name, UID: p.UID}, LastTimestamp: metav1.NewTime(born),
	}
}

func namespace(name string) *corev1.Namespace {
	ns := &corev1.Namespace{ObjectMeta: meta("", name)}
	ns.Labels = map[string]string{"pod-security.kubernetes.io/enforce": "baseline"}
	return ns
}

// cluster is n nodes and two DaemonSets in two namespaces, each with a pod on
// every node, and a pod that no DaemonSet owns on node 0.
func cluster(n int) []runtime.Object {
	agent, proxy := daemonSet("monitoring", "agent"), daemonSet("kube-system", "proxy")
	objs := []runtime.Object{agent, proxy, revision(agent), revision(proxy), namespace("monitoring"), namespace("kube-system")}
	for i := range n {
		objs = append(objs, node(i), podOf(agent, i), podOf(proxy, i))
	}
	return append(objs, lonePod("default", "web", 0))
}

// lonePod is a pod without an owner.
func lonePod(namespace, name string, i int) *corev1.Pod {
	p := podOf(daemonSet(namespace, name), i)
	p.OwnerReferences = nil
	p.Labels = map[string]string{"app": name}
	return p
}
