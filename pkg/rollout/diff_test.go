package rollout

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	"pgregory.net/rapid"
)

const secret = "hunter2"

// template is one with something of everything that a diff tells apart.
func template() *corev1.PodTemplateSpec {
	t := &corev1.PodTemplateSpec{}
	t.Labels = map[string]string{"app": "cilium"}
	t.Annotations = map[string]string{"note": secret}
	t.Spec.InitContainers = []corev1.Container{{Name: "mount", Image: "quay.io/cilium/cilium:v1.19.1"}}
	t.Spec.Containers = []corev1.Container{{
		Name: "cilium-agent", Image: "quay.io/cilium/cilium:v1.19.1",
		Args:    []string{"--config-dir=/tmp/" + secret, "run", secret},
		Command: []string{"agent"},
		Env:     []corev1.EnvVar{{Name: "TOKEN", Value: secret}, {Name: "MODE", Value: "a"}},
		Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse("100m"),
		}},
		VolumeMounts: []corev1.VolumeMount{{Name: "run", MountPath: "/run"}},
	}}
	t.Spec.Volumes = []corev1.Volume{{Name: "run"}}
	t.Spec.NodeSelector = map[string]string{"pool": "gpu"}
	t.Spec.Tolerations = []corev1.Toleration{{Key: "gpu", Operator: corev1.TolerationOpExists}}
	t.Spec.ServiceAccountName = "cilium"
	return t
}

func TestTemplateDiff(t *testing.T) {
	cases := []struct {
		name   string
		change func(*corev1.PodTemplateSpec)
		want   []string
		short  string
	}{
		{"nothing", func(*corev1.PodTemplateSpec) {}, nil, SameTemplate},
		{"an image of the same repository, and a variable", func(p *corev1.PodTemplateSpec) {
			c := &p.Spec.Containers[0]
			c.Image = "quay.io/cilium/cilium:v1.19.2"
			c.Env = append(c.Env, corev1.EnvVar{Name: "DEBUG", Value: secret})
		}, []string{
			"cilium-agent image quay.io/cilium/cilium:v1.19.1 -> v1.19.2",
			"cilium-agent env +1 (value hidden): +DEBUG",
		}, "cilium-agent image v1.19.1 -> v1.19.2; env +1"},
		{"an image of another repository", func(p *corev1.PodTemplateSpec) { p.Spec.Containers[0].Image = "reg:5000/cilium" },
			[]string{"cilium-agent image quay.io/cilium/cilium:v1.19.1 -> reg:5000/cilium"}, "cilium-agent image quay.io/cilium/cilium:v1.19.1 -> reg:5000/cilium"},
		{"a digest", func(p *corev1.PodTemplateSpec) {
			p.Spec.Containers[0].Image = "quay.io/cilium/cilium:v2@sha256:0123456789abcdef0123456789abcdef"
		},
			[]string{"cilium-agent image quay.io/cilium/cilium:v1.19.1 -> v2@sha256:0123456789abcdef0123456789abcdef"}, "cilium-agent image v1.19.1 -> v2@sha256:0123456789ab"},
		{"values of variables, arguments and annotations", func(p *corev1.PodTemplateSpec) {
			c := &p.Spec.Containers[0]
			c.Env[0].Value, c.Env[1].Value = secret+"x", secret+"y"
			c.Args = []string{"--config-dir=/" + secret + "x", "--new=" + secret, "run", secret + "z"}
			c.Command = []string{secret}
			p.Annotations["note"], p.Annotations["other"] = secret+"x", secret
		}, []string{
			"cilium-agent args +1 ~1: +new, ~config-dir",
			"cilium-agent command",
			"cilium-agent env ~2 (values hidden): ~MODE, ~TOKEN",
			"annotations +1 ~1: +other, ~note",
		}, "cilium-agent args +1 ~1; 3 more"},
		{"a positional argument more", func(p *corev1.PodTemplateSpec) {
			p.Spec.Containers[0].Args = append(p.Spec.Containers[0].Args, secret)
		}, []string{"cilium-agent args 3 -> 4"}, "cilium-agent args 3 -> 4"},
		{"variables in another order", func(p *corev1.PodTemplateSpec) {
			e := p.Spec.Containers[0].Env
			e[0], e[1] = e[1], e[0]
		}, []string{"cilium-agent env in another order"}, "cilium-agent env order"},
		{"resources", func(p *corev1.PodTemplateSpec) {
			p.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("1Gi")}
		}, []string{"cilium-agent resources requests.cpu 100m -> none, requests.memory none -> 1Gi"}, "cilium-agent resources"},
		{"containers", func(p *corev1.PodTemplateSpec) {
			p.Spec.InitContainers = nil
			p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: "side", Image: "x:1"})
		}, []string{"container side added, image x:1", "init container mount removed"}, "container side added; init container mount removed"},
		{"the pod", func(p *corev1.PodTemplateSpec) {
			p.Spec.Tolerations = append(p.Spec.Tolerations, corev1.Toleration{Key: "a", Value: "b", Effect: corev1.TaintEffectNoSchedule})
			p.Spec.NodeSelector = map[string]string{"pool": "cpu"}
			p.Spec.Volumes = append(p.Spec.Volumes, corev1.Volume{Name: "tls"})
			p.Spec.ServiceAccountName, p.Spec.DeprecatedServiceAccount = "other", "other"
			p.Spec.HostNetwork = true
		}, []string{
			"hostNetwork false -> true",
			"nodeSelector +1 -1: +pool=cpu, -pool=gpu",
			"serviceAccountName cilium -> other",
			"tolerations +1: +a=b:NoSchedule",
			"volumes +1: +tls",
		}, "hostNetwork; 4 more"},
		{"a restart", func(p *corev1.PodTemplateSpec) { p.Annotations[restartedAt] = "2026-11-23T15:00:00Z" },
			[]string{"restart (kubectl.kubernetes.io/restartedAt)"}, "restart"},
		{"a field that has no words of its own", func(p *corev1.PodTemplateSpec) { yes := true; p.Spec.ShareProcessNamespace = &yes },
			[]string{"shareProcessNamespace"}, "shareProcessNamespace"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			from, to := template(), template()
			c.change(to)
			if diff := cmp.Diff(c.want, TemplateDiff(from, to)); diff != "" {
				t.Error(diff)
			}
			if got := ShortDiff(from, to); got != c.short {
				t.Errorf("short: got %q, want %q", got, c.short)
			}
			for _, lines := range [][]string{TemplateDiff(from, to), TemplateDiff(to, from), TemplateDiff(nil, to), {ShortDiff(from, to)}} {
				if s := strings.Join(lines, "\n"); strings.Contains(s, secret) {
					t.Errorf("a value is told:\n%s", s)
				}
			}
		})
	}
}

func TestDiffNeverTellsAValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := func(label string) string { return secret + rapid.StringMatching(`[ -~]{0,12}`).Draw(t, label) }
		make := func(side string) *corev1.PodTemplateSpec {
			p := template()
			c := &p.Spec.Containers[0]
			c.Args, c.Command, c.Env = nil, nil, nil
			for i := range rapid.IntRange(0, 4).Draw(t, side) {
				flag := rapid.SampledFrom([]string{"--a=", "--token ", "-p", "", "--b.c="}).Draw(t, "flag")
				c.Args = append(c.Args, flag+value("arg"))
				c.Command = append(c.Command, value("word"))
				c.Env = append(c.Env, corev1.EnvVar{Name: fmt.Sprintf("E%d", i%3), Value: value("env")})
				p.Annotations[fmt.Sprintf("a%d", i)] = value("annotation")
			}
			return p
		}
		from, to := make("from"), make("to")
		if s := strings.Join(append(TemplateDiff(from, to), ShortDiff(from, to)), "\n"); strings.Contains(s, secret) {
			t.Fatalf("a value is told:\n%s", s)
		}
		if got := TemplateDiff(from, from); len(got) > 0 {
			t.Fatalf("a template differs from itself: %v", got)
		}
	})
}

func TestTemplateOfARevision(t *testing.T) {
	whole, err := json.Marshal(map[string]any{"spec": map[string]any{"template": template()}})
	if err != nil {
		t.Fatal(err)
	}
	rev := func(raw string) *appsv1.ControllerRevision {
		return &appsv1.ControllerRevision{Revision: 7, Data: runtime.RawExtension{Raw: []byte(raw)}}
	}
	got, err := TemplateOf(rev(strings.Replace(string(whole), `"template":{`, `"template":{"$patch":"replace","newer":1,`, 1)))
	if err != nil {
		t.Fatal(err)
	}
	if d := TemplateDiff(template(), got); len(d) > 0 {
		t.Errorf("the template differs: %v", d)
	}
	for raw, want := range map[string]string{
		"":                                "holds no template",
		"{}":                              "no spec.template",
		`{"spec":{"template":null}}`:      "no spec.template",
		`{"spec":{"template":[]}}`:        "no spec.template",
		`{"spec":{"template":{}}}`:        "no containers",
		`{"spec":`:                        "not a patch",
		`{"spec":[]}`:                     "not a patch",
		string(whole) + "x":               "not a patch",
		strings.Repeat(" ", 2<<20) + "{}": "bytes",
		`{"spec":{"template":{"$patch":"delete"}}}`:                 `patch by "delete"`,
		`{"spec":{"template":{"spec":{"containers":"x"}}}}`:         "spec.template",
		`{"spec":{"template":{"spec":{"containers":[{"env":1}]}}}}`: "spec.template",
	} {
		_, err := TemplateOf(rev(raw))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "revision 7") {
			t.Errorf("%.60s: got %v, want %q", raw, err, want)
		}
	}
}

func FuzzTemplateOf(f *testing.F) {
	whole, _ := json.Marshal(map[string]any{"spec": map[string]any{"template": template()}})
	f.Add(whole)
	f.Add([]byte(`{"spec":{"template":{"$patch":"replace"}}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := TemplateOf(&appsv1.ControllerRevision{Data: runtime.RawExtension{Raw: raw}})
		if (got == nil) == (err == nil) {
			t.Fatalf("got %v and %v", got, err)
		}
		if err == nil {
			TemplateDiff(template(), got)
		}
	})
}
