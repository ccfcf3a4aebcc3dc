package rollout

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
)

// agent is a DaemonSet as a server has it, with two revisions.
func agent(t *testing.T) *live {
	t.Helper()
	ds := &appsv1.DaemonSet{}
	ds.Namespace, ds.Name, ds.UID = "logging", "agent", "u"
	ds.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": "agent"}}
	ds.Spec.UpdateStrategy.Type = appsv1.RollingUpdateDaemonSetStrategyType
	ds.Spec.Template.Labels = map[string]string{"app": "agent"}
	ds.Spec.Template.Annotations = map[string]string{"by": "somebody else"}
	ds.Spec.Template.Spec = corev1.PodSpec{
		InitContainers: []corev1.Container{{Name: "setup", Image: "setup:1"}},
		Containers: []corev1.Container{
			{Name: "main", Image: "agent:2", ImagePullPolicy: corev1.PullIfNotPresent, Env: []corev1.EnvVar{{Name: "TOKEN", Value: "hunter2"}}},
			{Name: "sidecar", Image: "sidecar:1", ImagePullPolicy: corev1.PullAlways},
		},
		RestartPolicy: corev1.RestartPolicyAlways, DNSPolicy: corev1.DNSClusterFirst,
	}
	l := &live{ds: ds}
	for i, image := range []string{"agent:1", "agent:2"} {
		tmpl := ds.Spec.Template.DeepCopy()
		tmpl.Spec.Containers[0].Image = image
		var data map[string]any
		b, err := json.Marshal(tmpl)
		if err == nil {
			err = json.Unmarshal(b, &data)
		}
		if err != nil {
			t.Fatal(err)
		}
		data["$patch"] = "replace"
		raw, err := json.Marshal(map[string]any{"spec": map[string]any{"template": data}})
		if err != nil {
			t.Fatal(err)
		}
		l.revisions = append(l.revisions, &appsv1.ControllerRevision{Revision: int64(i + 1), Data: runtime.RawExtension{Raw: raw}})
	}
	return l
}

// changeBy makes the change that flags ask for.
func changeBy(t *testing.T, l *live, stdin string, args ...string) (*change, error) {
	t.Helper()
	o, err := parse(t, "", args...)
	if err != nil {
		return nil, err
	}
	return o.Change.change(l, strings.NewReader(stdin), monday)
}

const manifestHead = `
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent, namespace: logging}
`

const manifestOfThree = manifestHead + `
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec:
      initContainers: [{name: setup, image: "setup:1"}]
      containers:
      - {name: main, image: "agent:3", env: [{name: TOKEN, value: hunter2}]}
      - {name: sidecar, image: "sidecar:1"}
`

func TestChangesBecomeTemplates(t *testing.T) {
	for _, c := range []struct {
		name   string
		stdin  string
		args   []string
		edit   func(*corev1.PodTemplateSpec) // what it does to the template; nil: nothing
		before func(*live)
		notes  []string
	}{
		{"no change", "", nil, nil, nil, nil},
		{"two images, one of an init container", "", []string{"--image", "main=agent:3", "--image", "setup=setup:2"}, func(t *corev1.PodTemplateSpec) {
			t.Spec.Containers[0].Image, t.Spec.InitContainers[0].Image = "agent:3", "setup:2"
		}, nil, nil},
		{"two images in one word", "", []string{"--image", "main=agent:3,sidecar=sidecar:2"}, func(t *corev1.PodTemplateSpec) {
			t.Spec.Containers[0].Image, t.Spec.Containers[1].Image = "agent:3", "sidecar:2"
		}, nil, nil},
		{"the image that is there", "", []string{"--image", "main=agent:2"}, nil, nil, []string{"what is asked for is the template already: nothing of it changes"}},
		{"a restart", "", []string{"--restart"}, func(t *corev1.PodTemplateSpec) {
			t.Annotations["kubectl.kubernetes.io/restartedAt"] = "2026-11-23T15:30:00Z"
		}, nil, nil},
		{"an older revision", "", []string{"--to-revision", "1"}, func(t *corev1.PodTemplateSpec) { t.Spec.Containers[0].Image = "agent:1" }, nil, nil},
		{"the revision that is there", "", []string{"--to-revision", "2"}, nil, nil, []string{"what is asked for is the template already: nothing of it changes"}},
		{"a manifest keeps defaults and what others added", manifestOfThree, []string{"-f", "-"}, func(t *corev1.PodTemplateSpec) {
			t.Spec.Containers[0].Image = "agent:3"
		}, nil, nil},
		{"a manifest that was applied before takes away what it no longer has", manifestOfThree, []string{"-f", "-"}, func(t *corev1.PodTemplateSpec) {
			t.Spec.Containers[0].Image = "agent:3"
			t.Annotations = nil
		}, func(l *live) {
			l.ds.Annotations = map[string]string{corev1.LastAppliedConfigAnnotation: `{"spec": {"template": {"metadata": {"annotations": {"by": "somebody else"}}}}}`}
		}, nil},
		{"a manifest brings its template alone, and says so", manifestOfThree + "  updateStrategy: {type: RollingUpdate}\n  minReadySeconds: 30\n", []string{"-f", "-"}, func(t *corev1.PodTemplateSpec) {
			t.Spec.Containers[0].Image = "agent:3"
		}, nil, []string{
			"the manifest sets updateStrategy.type RollingUpdate: the run takes its template alone, and kubectl apply of it in the middle of the run would take the strategy back",
			"the manifest changes minReadySeconds, too: the run takes its template alone",
		}},
		{"a manifest with others beside the DaemonSet", "apiVersion: v1\nkind: Namespace\nmetadata: {name: logging}\n---" + manifestOfThree + "---\napiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: other, namespace: logging}\n", []string{"-f", "-"}, func(t *corev1.PodTemplateSpec) {
			t.Spec.Containers[0].Image = "agent:3"
		}, nil, []string{"the file holds more than the DaemonSet, and the run brings its template alone: Namespace/logging, DaemonSet/other"}},
		{"OnDelete in a manifest holds by itself", manifestOfThree + "  updateStrategy: {type: OnDelete}\n", []string{"-f", "-"}, func(t *corev1.PodTemplateSpec) {
			t.Spec.Containers[0].Image = "agent:3"
		}, nil, []string{"the manifest sets updateStrategy.type OnDelete: the run takes its template alone"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := agent(t)
			var want *corev1.PodTemplateSpec
			if c.edit != nil {
				want = l.ds.Spec.Template.DeepCopy()
				c.edit(want)
			}
			if c.before != nil {
				c.before(l)
			}
			was := l.ds.DeepCopy()
			got, err := changeBy(t, l, c.stdin, c.args...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got.template); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(c.notes, got.notes); diff != "" {
				t.Error(diff)
			}
			if (len(got.words) > 0) != (want != nil) || strings.Contains(strings.Join(got.words, ""), "hunter2") {
				t.Errorf("the change is told as %q", got.words)
			}
			if diff := cmp.Diff(was, l.ds); diff != "" {
				t.Errorf("what was read is changed: %s", diff)
			}
		})
	}
}

func TestBadChangesAreUsageErrors(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "other.yaml")
	if err := os.WriteFile(path, []byte(strings.Replace(manifestOfThree, "name: agent,", "name: other,", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, stdin string
		args        []string
		want        string
	}{
		{"two kinds", "", []string{"--restart", "--image", "main=x"}, `^--image and --restart are different changes`},
		{"no image", "", []string{"--image", "main"}, `^--image takes CONTAINER=IMAGE`},
		{"a container twice", "", []string{"--image", "main=a,main=b"}, `names container "main" twice`},
		{"no such container", "", []string{"--image", "mai=agent:3"}, `has no container "mai" \(did you mean "main"\?\); it has setup, main, sidecar$`},
		{"a revision that is gone", "", []string{"--to-revision", "7"}, `logging/agent has no revision 7 any more: there are 1, 2$`},
		{"a revision that cannot be", "", []string{"--to-revision", "0"}, `from 1, not 0`},
		{"no file", "", []string{"-f", ""}, `--filename takes the path`},
		{"a file that is not there", "", []string{"-f", filepath.Join(dir, "none.yaml")}, `^-f .*none.yaml.* does not exist`},
		{"another DaemonSet", "", []string{"-f", path}, `it is daemonset logging/other, not logging/agent$`},
		{"another namespace", strings.Replace(manifestOfThree, "namespace: logging", "namespace: kube-system", 1), []string{"-f", "-"}, `it is daemonset kube-system/agent, not logging/agent`},
		{"another kind", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: agent}\n", []string{"-f", "-"}, `it is a Deployment of apps/v1, not a DaemonSet`},
		{"another selector", strings.Replace(manifestOfThree, "matchLabels: {app: agent}", "matchLabels: {app: x}", 1), []string{"-f", "-"}, `it changes spec.selector, which cannot be changed`},
		{"the DaemonSet twice", manifestOfThree + "---\n" + manifestOfThree, []string{"-f", "-"}, `holds 2 objects, and 2 of them are daemonset logging/agent`},
		{"others alone", "apiVersion: v1\nkind: Namespace\nmetadata: {name: logging}\n---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: agent}\n", []string{"-f", "-"}, `holds 2 objects, and 0 of them`},
		{"labels off the selector", strings.Replace(manifestOfThree, "metadata: {labels: {app: agent}}", "metadata: {labels: {app: other}}", 1), []string{"-f", "-"}, `template \(app=other\) do not match spec.selector \(app=agent\)`},
		{"nothing", "", []string{"-f", "-"}, `^-f -`},
		{"an unknown field", strings.Replace(manifestOfThree, "image: \"agent:3\"", "imag: x", 1), []string{"-f", "-"}, `unknown field`},
		{"no template", manifestHead + "spec: {selector: {matchLabels: {app: agent}}}\n", []string{"-f", "-"}, `it has no spec.template`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := changeBy(t, agent(t), c.stdin, c.args...)
			var exit *cli.ExitError
			if !errors.As(err, &exit) || exit.Code != cli.Usage || !regexp.MustCompile(c.want).MatchString(err.Error()) {
				t.Errorf("got  %v\nwant an error of usage that matches %s", err, c.want)
			}
		})
	}
}

func TestARevisionWithoutATemplateIsAnError(t *testing.T) {
	l := agent(t)
	l.revisions[0].Data.Raw = []byte(`{"spec": {}}`)
	if _, err := changeBy(t, l, "", "--to-revision", "1"); err == nil || !strings.Contains(err.Error(), "--to-revision 1") {
		t.Errorf("got %v", err)
	}
}

func TestChangedByIsWhoWroteTheTemplateLast(t *testing.T) {
	l := agent(t)
	entry := func(manager, sub string, minutes int, fields string) metav1.ManagedFieldsEntry {
		at := metav1.NewTime(monday.Add(-1 * minutesOf(minutes)))
		return metav1.ManagedFieldsEntry{Manager: manager, Subresource: sub, Time: &at, FieldsV1: metav1.NewFieldsV1(fields)}
	}
	l.ds.ManagedFields = []metav1.ManagedFieldsEntry{
		entry("kubectl-client-side-apply", "", 60, `{"f:spec":{"f:template":{"f:spec":{}}}}`),
		entry("argocd-controller", "", 28, `{"f:spec":{"f:template":{"f:spec":{}}}}`),
		entry("kubectl-ds", "", 5, `{"f:spec":{"f:updateStrategy":{}}}`),
		entry("kube-controller-manager", "status", 1, `{"f:spec":{"f:template":{}}}`),
	}
	by, at := changedBy(l.ds, nil)
	if by != "argocd-controller" || !at.Equal(monday.Add(-minutesOf(28))) {
		t.Errorf("got %s at %s", by, at)
	}
	l.ds.ManagedFields = nil
	l.revisions[1].CreationTimestamp = metav1.NewTime(monday)
	if by, at := changedBy(l.ds, l.revisions[1:]); by != "" || !at.Equal(monday) {
		t.Errorf("got %q at %s, want the time of the newest revision", by, at)
	}
}

func minutesOf(n int) time.Duration { return time.Duration(n) * time.Minute }
