package archive

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// TestNoSecretIsWritten plants a secret wherever users and controllers put
// them, and looks for it in what is written.
func TestNoSecretIsWritten(t *testing.T) {
	const secret = "hunter22"
	message := "Get https://bob:" + secret + "@reg.io/v2/?token=" + secret + ": Authorization Bearer " + secret + " refused, DB_PASSWORD=" + secret
	meta := metav1.ObjectMeta{
		Namespace: "x", Name: "d", UID: "u",
		Annotations: map[string]string{
			"kubectl.kubernetes.io/last-applied-configuration": `{"env":[{"name":"A","value":"` + secret + `"}]}`,
			"kubernetes.io/change-cause":                       "kubectl set env ds/d LEVEL=" + secret,
			"example.com/notes":                                secret,
			"argocd.argoproj.io/tracking-id":                   "app:apps/DaemonSet:x/d?token=" + secret,
		},
		ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "kubectl", FieldsV1: metav1.NewFieldsV1(`{"f:` + secret + `":{}}`)}},
	}
	c := corev1.Container{
		Name: "c", Command: []string{"sh", "-c", "export TOKEN=" + secret + "; curl -u bob:" + secret + " -H 'X-Auth: " + secret + "' https://bob:" + secret + "@h"},
		Args: []string{"--token=" + secret, "--password", secret, `--config={"apiKey":"` + secret + `"}`},
		Env:  []corev1.EnvVar{{Name: "LEVEL", Value: secret}},
		LivenessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{
			HTTPGet: &corev1.HTTPGetAction{Path: "/?key=" + secret, HTTPHeaders: []corev1.HTTPHeader{{Name: "Authorization", Value: secret}}}}},
		Lifecycle: &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{Exec: &corev1.ExecAction{Command: []string{"stop", "--token", secret}}}},
	}
	template := corev1.PodTemplateSpec{ObjectMeta: meta, Spec: corev1.PodSpec{
		Containers: []corev1.Container{c}, InitContainers: []corev1.Container{c},
		Volumes: []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{VolumeAttributes: map[string]string{"p": secret}}}}},
	}}
	data, err := json.Marshal(map[string]any{"spec": map[string]any{"template": template}})
	if err != nil {
		t.Fatal(err)
	}
	state := corev1.ContainerState{
		Waiting:    &corev1.ContainerStateWaiting{Reason: "ErrImagePull", Message: message},
		Terminated: &corev1.ContainerStateTerminated{Message: message},
	}
	d := &appsv1.DaemonSet{ObjectMeta: meta, Spec: appsv1.DaemonSetSpec{Template: template},
		Status: appsv1.DaemonSetStatus{Conditions: []appsv1.DaemonSetCondition{{Message: message}}}}
	rev := &appsv1.ControllerRevision{ObjectMeta: meta, Data: runtime.RawExtension{Raw: data}}
	pod := &corev1.Pod{ObjectMeta: meta, Spec: template.Spec, Status: corev1.PodStatus{
		Message: message, Conditions: []corev1.PodCondition{{Type: "Ready", Message: message}},
		ContainerStatuses:     []corev1.ContainerStatus{{Name: "c", State: state, LastTerminationState: state}},
		InitContainerStatuses: []corev1.ContainerStatus{{Name: "c", State: state}},
	}}
	node := &corev1.Node{ObjectMeta: meta, Status: corev1.NodeStatus{Conditions: []corev1.NodeCondition{{Message: message}}}}
	in := &snapshot.Interner{}
	well := pod.DeepCopy()
	well.Status = corev1.PodStatus{Phase: corev1.PodRunning, Conditions: []corev1.PodCondition{{Type: "Ready", Status: "True"}}}
	s := &snapshot.Snapshot{
		Source: snapshot.Source{Server: "https://bob:" + secret + "@k:6443", Context: "prod"},
		Nodes:  []*corev1.Node{node}, DaemonSets: []*appsv1.DaemonSet{d}, Revisions: []*appsv1.ControllerRevision{rev},
		Pods:       []snapshot.Pod{in.Pod(pod), in.Pod(well), in.FullPod(well)},
		Events:     []snapshot.Event{{Kind: "Pod", Name: "d", Message: message}},
		Incomplete: []snapshot.ReadFailure{{Resource: "pods", Error: message}},
	}
	var b bytes.Buffer
	if err := Write(&b, s, Options{}); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if i := strings.Index(line, secret); i >= 0 {
			t.Errorf("the secret is at ...%s in\n%s", line[max(0, i-60):i+len(secret)], line[:min(len(line), 200)])
		}
	}
	for _, kept := range []string{`"LEVEL"`, "ErrImagePull", "reg.io/redacted", "--token=redacted", "tracking-id"} {
		if !strings.Contains(b.String(), kept) {
			t.Errorf("%s is gone, which verdicts and readers need", kept)
		}
	}
	// The objects of the caller are as they were.
	if pod.Spec.Containers[0].Env[0].Value != secret || node.Annotations["example.com/notes"] != secret || string(rev.Data.Raw) != string(data) {
		t.Error("Write has changed the snapshot")
	}
}
