package coverage

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit"
)

// A template lacks what the API server sets in pods alone.
func TestATemplateAsksWhatItsPodsAsk(t *testing.T) {
	limits := func(c *corev1.Container, s string) { c.Resources.Limits = roomQuantities(s) }
	for _, tt := range []struct {
		name   string
		change func(*corev1.PodSpec)
		cpu    int64
		memory int64
	}{
		{"absent requests are the limits", func(s *corev1.PodSpec) {
			limits(&s.Containers[0], "cpu=1,memory=1Gi")
			s.Containers[0].Resources.Requests = roomQuantities("cpu=100m")
		}, 100, 1 << 30},
		{"of init containers too", func(s *corev1.PodSpec) {
			s.InitContainers = []corev1.Container{{Name: "init"}}
			limits(&s.InitContainers[0], "cpu=2")
		}, 2000, 0},
		{"the pod's own limits", func(s *corev1.PodSpec) {
			s.Containers[0].Resources.Requests = roomQuantities("cpu=100m")
			s.Resources = &corev1.ResourceRequirements{Limits: roomQuantities("cpu=1,memory=1Gi")}
		}, 100, 1 << 30},
		{"the pod's own requests", func(s *corev1.PodSpec) {
			s.Containers[0].Resources.Requests = roomQuantities("cpu=100m,memory=1Mi")
			s.Resources = &corev1.ResourceRequirements{Requests: roomQuantities("cpu=1"), Limits: roomQuantities("cpu=2")}
		}, 1000, 1 << 20},
	} {
		t.Run(tt.name, func(t *testing.T) {
			spec := testkit.DaemonSet("ops", "agent").Template(tt.change).Build().Spec.Template.Spec
			before := spec.DeepCopy()
			if got := TemplateRequests(&spec); got.MilliCPU != tt.cpu || got.Memory != tt.memory {
				t.Errorf("%+v, want cpu %d, memory %d", got, tt.cpu, tt.memory)
			}
			if spec.String() != before.String() {
				t.Error("the template is changed")
			}
		})
	}
}

// Where there is no pod, the room is asked for one as it would be made: with the
// ports of the host's network, and with what admission gave to its siblings.
// One of these, or one that was resized in place since, does not show that.
func TestAMissingPodAsksForRoomAsItWouldBeMade(t *testing.T) {
	const (
		template = "|asks|what the template asks; admission may change it|"
		asTwo    = "|asks|what 2 pods of this revision were made with; the template asks something else|"
	)
	for _, tt := range []struct {
		name  string
		cpu   []string // of the siblings
		since []int64  // their generation
		want  []string
	}{
		{"no sibling", nil, nil, []string{"room|cpu asks 5000m;", "host port 9100/TCP is held by shop/web", template}},
		{"admission", []string{"700m", "700m"}, []int64{1, 1}, []string{"host port 9100/TCP is held by shop/web", "||cpu, pods (2 of 110)|pass", asTwo}},
		{"one does not show it", []string{"700m"}, []int64{1}, []string{"room|cpu asks 5000m;", template}},
		{"they do not agree", []string{"700m", "800m"}, []int64{1, 1}, []string{"room|cpu asks 5000m;", template}},
		{"they were resized", []string{"700m", "700m"}, []int64{2, 2}, []string{"room|cpu asks 5000m;", template}},
		{"one was resized", []string{"700m", "600m", "700m"}, []int64{1, 2, 1}, []string{"||cpu, pods (2 of 110)|pass", asTwo}},
		{"the template says the same", []string{"5", "600m", "5"}, []int64{1, 2, 1}, []string{"room|cpu asks 5000m;"}},
		{"a server that counts no generations", []string{"700m", "700m"}, []int64{0, 0}, []string{"||cpu, pods (2 of 110)|pass", asTwo}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := testkit.DaemonSet("ops", "agent").Requests("cpu", "5").Template(func(s *corev1.PodSpec) {
				s.HostNetwork = true
				s.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: 9100}}
			}).Build()
			w := testkit.NewWorld().Add(d, testkit.Revision(d, testkit.Hash, 1, day), testkit.Node("n1"),
				testkit.Pod("shop", "web", "n1").Change(withHostPort("", 9100, "TCP")))
			for i, cpu := range tt.cpu {
				name := fmt.Sprintf("n%d", i+2)
				w.Add(testkit.Node(name), testkit.PodOf(d, name).Requests("cpu", cpu).Change(func(p *corev1.Pod) {
					p.Generation, p.Spec.Containers[0].Ports[0].HostPort = tt.since[i], 9100
				}))
			}
			text := ruleText(explained(t, Analyze(w.Snapshot(), Options{Now: testkit.Now}), "ops", "agent", "n1"))
			for _, want := range tt.want {
				if !strings.Contains(text, want) {
					t.Errorf("explain says\n%s\nand not %q", text, want)
				}
			}
			if whose := len(tt.want) > 1; strings.Contains(text, "|asks|") != whose {
				t.Errorf("explain says\n%s", text)
			}
		})
	}
}

// Whether there is what a node does not list cannot be known, unless the pod is
// bound, or the scheduler says that there is too little.
func TestAResourceThatTheNodeDoesNotList(t *testing.T) {
	const (
		open    = "example.com/gpu: not listed by the node; cannot be known without DeviceClasses, which may stand for it"
		waiting = "0/1 nodes are available: 1 Insufficient cpu."
	)
	for _, tt := range []struct {
		name, cpu string
		pod       func(*testkit.PodBuilder)
		want      []string
	}{
		{"no pod", "30m", nil, []string{"room|asks cpu 30m, example.com/gpu 1; free 4000m, not listed by the node; no host ports|unknown", "|" + open}},
		{"something else is short", "5", func(b *testkit.PodBuilder) { b.Pending(waiting) },
			[]string{"room|cpu asks 5000m;", "|pods (1 of 110), host ports|pass", "|" + open + "|unknown"}},
		{"the scheduler says so", "30m", func(b *testkit.PodBuilder) { b.Pending("0/1 nodes are available: 1 Insufficient example.com/gpu.") },
			[]string{"room|example.com/gpu asks 1; allocatable 0 - 0 bound by 0 pods = 0 free|FAIL"}},
		{"the pod is bound", "30m", func(*testkit.PodBuilder) {},
			[]string{"room|asks cpu 30m, example.com/gpu 1; free without it 4000m, not listed by the node; no host ports|pass"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := testkit.DaemonSet("ops", "agent").Requests("cpu", tt.cpu, "example.com/gpu", "1").Build()
			w := testkit.NewWorld().Add(d, testkit.Revision(d, testkit.Hash, 1, day), testkit.Node("n1"))
			if tt.pod != nil {
				b := testkit.PodOf(d, "n1")
				tt.pod(b)
				w.Add(b)
			}
			text := ruleText(explained(t, Analyze(w.Snapshot(), Options{Now: testkit.Now}), "ops", "agent", "n1"))
			for _, want := range tt.want {
				if !strings.Contains(text, want) {
					t.Errorf("explain says\n%s\nand not %q", text, want)
				}
			}
			if cannot := strings.Contains(tt.want[len(tt.want)-1], open); strings.Contains(text, open) != cannot {
				t.Errorf("explain says\n%s", text)
			}
		})
	}
}
