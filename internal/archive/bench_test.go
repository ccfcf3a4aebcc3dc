package archive

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// generated is a capture of pods made while it is read, so that a large one
// needs no memory of its own.
type generated struct {
	item func(i int) []byte
	n, i int
	buf  bytes.Buffer
}

func (g *generated) Read(p []byte) (int, error) {
	for g.buf.Len() == 0 {
		switch {
		case g.i > g.n:
			return 0, io.EOF
		case g.i == g.n:
			g.buf.WriteString("]}")
		default:
			if g.i == 0 {
				g.buf.WriteString(`{"apiVersion":"v1","kind":"List","items":[`)
			} else {
				g.buf.WriteString(",\n")
			}
			g.buf.Write(g.item(g.i))
		}
		g.i++
	}
	return g.buf.Read(p)
}

// fatPod is a healthy DaemonSet pod as kubectl prints it, of about 8 KB with
// its managed fields, cut where the number goes that tells pods apart.
func fatPod(tb testing.TB, indent bool) func(i int) []byte {
	tb.Helper()
	const mark = "NUMBER"
	now := metav1.NewTime(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	yes, started := true, true
	p := minimalPod(&snapshot.Pod{
		Namespace: "monitoring", Name: "exporter-" + mark, UID: "00000000-0000-0000-0000-" + mark,
		ResourceVersion: mark, Node: "node-" + mark, Target: "node-" + mark, Phase: corev1.PodRunning,
		Labels: map[string]string{"app": "exporter", "controller-revision-hash": "6f7d9c", "pod-template-generation": "3"},
		Owner:  &snapshot.Owner{Kind: "DaemonSet", Name: "exporter", UID: "ds-1"}, Ready: true, Created: 1767322000,
	})
	p.Annotations = nil
	p.Spec.Containers = nil
	p.Status.Conditions = nil
	for _, t := range []corev1.PodConditionType{"PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"} {
		p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{Type: t, Status: "True", LastTransitionTime: now})
	}
	for _, name := range []string{"exporter", "proxy"} {
		c := corev1.Container{
			Name: name, Image: "registry.example.com/team/" + name + ":v1.2.3", ImagePullPolicy: "IfNotPresent",
			Args: []string{"--web.listen-address=0.0.0.0:9100", "--path.rootfs=/host/root", "--collector.filesystem.mount-points-exclude=^/(dev|proc|sys|var/lib/docker/.+)($|/)"},
			Resources: corev1.ResourceRequirements{
				Requests: corev1.ResourceList{"cpu": resource.MustParse("100m"), "memory": resource.MustParse("64Mi")},
				Limits:   corev1.ResourceList{"memory": resource.MustParse("128Mi")},
			},
			TerminationMessagePath: "/dev/termination-log", TerminationMessagePolicy: "File",
		}
		for e := range 6 {
			c.Env = append(c.Env, corev1.EnvVar{Name: fmt.Sprintf("SETTING_%d", e), Value: "some value of a setting"})
			c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: fmt.Sprintf("volume-%d", e), MountPath: fmt.Sprintf("/host/volume-%d", e), ReadOnly: true})
		}
		p.Spec.Containers = append(p.Spec.Containers, c)
		p.Status.ContainerStatuses = append(p.Status.ContainerStatuses, corev1.ContainerStatus{
			Name: name, Ready: true, Started: &started, Image: c.Image, ImageID: "registry.example.com/team/x@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
			ContainerID: "containerd://0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
			State:       corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}},
		})
	}
	for v := range 6 {
		p.Spec.Volumes = append(p.Spec.Volumes, corev1.Volume{Name: fmt.Sprintf("volume-%d", v), VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: fmt.Sprintf("/var/lib/volume-%d", v)}}})
	}
	for _, k := range []string{"not-ready", "unreachable", "disk-pressure", "memory-pressure", "pid-pressure", "unschedulable"} {
		p.Spec.Tolerations = append(p.Spec.Tolerations, corev1.Toleration{Key: "node.kubernetes.io/" + k, Operator: "Exists", Effect: "NoSchedule"})
	}
	p.Spec.AutomountServiceAccountToken = &yes
	p.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kube-controller-manager", Operation: "Update", APIVersion: "v1", Time: &now, FieldsType: "FieldsV1"}}
	b, err := json.Marshal(p)
	if err != nil {
		tb.Fatal(err)
	}
	field := []byte(`{"f:a":{}}`)
	if pad := 8000 - len(b); pad > 0 {
		field = []byte("{")
		for i := 0; len(field) < pad-20; i++ {
			field = fmt.Appendf(field, `"f:field-%d":{".":{},"f:name":{}},`, i)
		}
		field = append(field, `"f:last":{}}`...)
	}
	p.ManagedFields[0].FieldsV1 = metav1.NewFieldsV1(string(field))
	if indent {
		b, err = json.MarshalIndent(p, "        ", "    ")
	} else {
		b, err = json.Marshal(p)
	}
	if err != nil {
		tb.Fatal(err)
	}
	parts := bytes.Split(b, []byte(mark))
	var out []byte
	return func(i int) []byte {
		out = out[:0]
		for j, part := range parts {
			if j > 0 {
				out = fmt.Appendf(out, "%06d", i)
			}
			out = append(out, part...)
		}
		return out
	}
}

// retained is what the heap holds beyond before, with v alive.
func retained(before uint64, v any) int64 {
	after := heap()
	runtime.KeepAlive(v)
	return int64(after) - int64(before)
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func BenchmarkReadPods(b *testing.B) {
	item := fatPod(b, false)
	const pods = 5000
	b.SetBytes(int64(pods * len(item(0))))
	for b.Loop() {
		before := heap()
		s, err := Read(context.Background(), Stdin, &generated{item: item, n: pods}, snapshot.Scope{})
		if err != nil || len(s.Pods) != pods {
			b.Fatal(err, len(s.Pods))
		}
		b.ReportMetric(float64(retained(before, s))/pods, "B/pod")
	}
}
