package archive

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"pgregory.net/rapid"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// planted is one secret in all the forms that users and controllers give it.
type planted struct {
	secret  string // letters and digits
	value   string // of a variable, a header, an annotation: the secret among anything
	words   []string
	path    string
	message string
	label   string
}

// messages are the forms in which a secret is known in a text.
var messages = []string{
	"password: %s", "Password: %s", `password: "%s"`, "wrong passphrase: '%s'", "password=%s", "DB_PASSWORD=%s", "LICENSE=%s", "X-Api-Key: %s", "token: %s",
	"Authorization: %s", "Authorization: Bearer %s", "run --a=%s", "run --license=%s", "run --token %s", "mysql -p%s", "mysql -p=%s", "curl -u bob:%s",
	"https://hooks.slack.com/services/T1/B2/%s", "https://hooks.example.com/%s", "https://bob:%s@reg.io/v2/", "https://reg.io?x=%s", "wss://reg.io/a/%s#b",
	`{"apiKey":"%s"}`, `{"apiKey": "%s", "a": 1}`, `"{\"token\":\"%s\"}"`, "-----BEGIN RSA PRIVATE KEY-----\n%s\n-----END RSA PRIVATE KEY-----",
	"ghp_%s", "github_pat_%s", "glpat-%s", "xoxb-1-%s", "sk_live_%s", "hvs.%s",
}

func drawPlanted(t *rapid.T) planted {
	// Prose has no digits, which tells token: abc1 from token: not found.
	p := planted{secret: rapid.StringMatching(`[a-z][0-9]([a-z0-9]{18,30}|[A-Za-z0-9]{18,30})`).Draw(t, "secret")}
	around := func(label string) string {
		return rapid.SampledFrom([]string{"", " ", "/", "=", "-", "--x ", "a=", `"`, "'", `\`, "\n", "<&>", "{", "ü", "https://h/", "--a=b/"}).Draw(t, label)
	}
	p.value = around("before the value") + p.secret + around("behind the value")
	flag := rapid.SampledFrom([]string{"--password=", "--v=", "-p", "-p=", "-password=", "--x y=", "A=", "/", ""})
	p.words = []string{
		rapid.SampledFrom([]string{"run", "/bin/run", "/opt/" + p.secret + "/run", "run --x " + p.secret, "--x=a/" + p.secret, "X=/" + p.secret, "https://h/" + p.secret}).Draw(t, "executable"),
		flag.Draw(t, "flag") + p.secret,
		flag.Draw(t, "odd flag") + p.value,
		"--password", p.secret, "-u", "bob:" + p.secret, "--header", "X-Any: " + p.secret, "sh -c 'run " + p.secret + "'",
	}
	p.path = around("before the path") + p.secret + around("behind the path")
	p.message = rapid.SampledFrom([]string{"", "Error: ", `exec: "`, "failed to start: ", "(", "[sh -c "}).Draw(t, "before") +
		fmt.Sprintf(rapid.SampledFrom(messages).Draw(t, "message"), p.secret) +
		rapid.SampledFrom([]string{"", " was refused", `": not found`, ")", ", try again", ": EOF", "; bye"}).Draw(t, "behind")
	p.label = rapid.SampledFrom([]string{"ghp_", "glpat-", "xoxb-", "sk_live_", "a.ghp_"}).Draw(t, "token") + p.secret
	return p
}

func (p *planted) meta() metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace: "x", Name: "d", UID: "u",
		Labels: map[string]string{"app": "d", "note": p.label},
		Annotations: map[string]string{
			"kubectl.kubernetes.io/last-applied-configuration": `{"env":[{"name":"A","value":"` + p.value + `"}]}`,
			"kubernetes.io/change-cause":                       "kubectl set env ds/d LEVEL=" + p.value,
			"example.com/notes":                                p.value,
			"argocd.argoproj.io/tracking-id":                   "app:apps/DaemonSet:x/d " + p.message,
		},
		ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "kubectl", FieldsV1: metav1.NewFieldsV1(`{"f:` + p.secret + `":{}}`)}},
	}
}

func (p *planted) template() corev1.PodTemplateSpec {
	handler := func() corev1.ProbeHandler {
		return corev1.ProbeHandler{
			Exec:    &corev1.ExecAction{Command: p.words},
			HTTPGet: &corev1.HTTPGetAction{Path: p.path, HTTPHeaders: []corev1.HTTPHeader{{Name: "Authorization", Value: p.value}, {Name: "X-Any", Value: p.secret}}},
		}
	}
	probe := func() *corev1.Probe { return &corev1.Probe{ProbeHandler: handler()} }
	hook := func() *corev1.LifecycleHandler {
		h := handler()
		return &corev1.LifecycleHandler{Exec: h.Exec, HTTPGet: h.HTTPGet}
	}
	c := corev1.Container{
		Name: "c", Command: p.words, Args: p.words[1:],
		Env:           []corev1.EnvVar{{Name: "LEVEL", Value: p.value}},
		LivenessProbe: probe(), ReadinessProbe: probe(), StartupProbe: probe(),
		Lifecycle: &corev1.Lifecycle{PostStart: hook(), PreStop: hook()},
	}
	return corev1.PodTemplateSpec{ObjectMeta: p.meta(), Spec: corev1.PodSpec{
		Containers: []corev1.Container{c}, InitContainers: []corev1.Container{c},
		EphemeralContainers: []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon(c)}},
		NodeSelector:        map[string]string{"note": p.label},
		Volumes: []corev1.Volume{
			{Name: "csi", VolumeSource: corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{VolumeAttributes: map[string]string{"p": p.value}}}},
			{Name: "git", VolumeSource: corev1.VolumeSource{GitRepo: &corev1.GitRepoVolumeSource{Repository: "https://h/" + p.value}}},
		},
	}}
}

// world has the secret wherever one may be.
func (p *planted) world(t *rapid.T) *snapshot.Snapshot {
	template := p.template()
	data, err := json.Marshal(map[string]any{"spec": map[string]any{"template": template}})
	if err != nil {
		t.Fatal(err)
	}
	state := corev1.ContainerState{
		Waiting:    &corev1.ContainerStateWaiting{Reason: "ErrImagePull", Message: p.message},
		Terminated: &corev1.ContainerStateTerminated{Message: p.message},
	}
	statuses := []corev1.ContainerStatus{{Name: "c", State: state, LastTerminationState: state}}
	d := &appsv1.DaemonSet{
		ObjectMeta: p.meta(),
		Spec:       appsv1.DaemonSetSpec{Template: template, Selector: &metav1.LabelSelector{MatchLabels: template.Labels}},
		Status:     appsv1.DaemonSetStatus{Conditions: []appsv1.DaemonSetCondition{{Message: p.message}}},
	}
	pod := &corev1.Pod{ObjectMeta: p.meta(), Spec: template.Spec, Status: corev1.PodStatus{
		Message: p.message, Conditions: []corev1.PodCondition{{Type: "Ready", Message: p.message}},
		ContainerStatuses: statuses, InitContainerStatuses: statuses, EphemeralContainerStatuses: statuses,
	}}
	node := &corev1.Node{ObjectMeta: p.meta(), Status: corev1.NodeStatus{Conditions: []corev1.NodeCondition{{Message: p.message}}}}
	in := &snapshot.Interner{}
	well := pod.DeepCopy()
	well.Name, well.UID = "well", "well"
	well.Status = corev1.PodStatus{Phase: corev1.PodRunning, Conditions: []corev1.PodCondition{{Type: "Ready", Status: "True"}}}
	whole := well.DeepCopy()
	whole.Name, whole.UID = "whole", "whole"
	return &snapshot.Snapshot{
		Source: snapshot.Source{Server: "https://bob:" + p.secret + "@k:6443", Context: "prod"},
		Nodes:  []*corev1.Node{node}, DaemonSets: []*appsv1.DaemonSet{d},
		Revisions:  []*appsv1.ControllerRevision{{ObjectMeta: p.meta(), Data: runtime.RawExtension{Raw: data}}},
		Pods:       []snapshot.Pod{in.Pod(pod), in.Pod(well), in.FullPod(whole)},
		Events:     []snapshot.Event{{Kind: "Pod", Name: "d", Message: p.message}},
		Incomplete: []snapshot.ReadFailure{{Resource: "pods", Error: p.message}},
	}
}

// TestNoSecretIsWritten plants a secret wherever users and controllers put
// them, and looks for it in what is written.
func TestNoSecretIsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPlanted(t)
		s := p.world(t)
		before, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := Write(&b, s, Options{}); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if i := strings.Index(line, p.secret); i >= 0 {
				t.Fatalf("the secret is at ...%s in\n%s", line[max(0, i-60):i+len(p.secret)], line[:min(len(line), 200)])
			}
		}
		for _, kept := range []string{`"LEVEL"`, "ErrImagePull", `"--password"`, "tracking-id", `"Authorization"`} {
			if !strings.Contains(b.String(), kept) {
				t.Errorf("%s is gone, which verdicts and readers need", kept)
			}
		}
		if !strings.Contains(b.String(), compactAnnotation) {
			t.Error("no pod is written from its compact record")
		}
		if after, err := json.Marshal(s); err != nil || !bytes.Equal(before, after) {
			t.Errorf("Write has changed the snapshot: %v", err)
		}
	})
}
