package coverage

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestWhatAloneWouldChangeTheVerdict(t *testing.T) {
	for _, c := range []struct {
		name     string
		labels   []string
		taints   []string
		others   [][]string // labels of other nodes
		template []func(*corev1.PodSpec)
		build    func(*pairWorld, *appsv1.DaemonSet)
		want     []string
	}{
		{name: "a covered pair needs nothing", build: func(w *pairWorld, d *appsv1.DaemonSet) { w.pod(d, "n1") }},
		{name: "a taint is tolerated or taken off", taints: []string{"dedicated=batch:NoSchedule"},
			want: []string{"template|tolerate dedicated|0 -> 1", "node|kubectl taint node n1 dedicated:NoSchedule-|0 -> 1"}},
		{name: "one toleration is enough for two effects of a key, and taking one off is not", taints: []string{"a=1:NoSchedule", "a=1:NoExecute"},
			want: []string{"template|tolerate a|0 -> 1", "node|kubectl taint node n1 a:NoSchedule- && kubectl taint node n1 a:NoExecute-|0 -> 1"}},
		{name: "a taint that a controller keeps is not taken off by hand", taints: []string{"node.kubernetes.io/not-ready:NoSchedule"},
			want: []string{"template|tolerate node.kubernetes.io/not-ready|0 -> 1",
				"node|mend the node: node.kubernetes.io/not-ready:NoSchedule goes when it is well|0 -> 1"}},
		{name: "a taint of the cloud goes by itself", taints: []string{"node.cloudprovider.kubernetes.io/uninitialized=true:NoSchedule"},
			want: []string{"template|tolerate node.cloudprovider.kubernetes.io/uninitialized|0 -> 1",
				"node|wait for the node: node.cloudprovider.kubernetes.io/uninitialized:NoSchedule goes when it has started|0 -> 1"}},
		{name: "a node that leaves is left alone", taints: []string{"karpenter.sh/disrupted:NoSchedule"},
			want: []string{"template|tolerate karpenter.sh/disrupted|0 -> 1"}},
		{name: "a label is set on the node, or not asked", template: []func(*corev1.PodSpec){selects("disk", "ssd")}, others: [][]string{{"disk=ssd"}, {"disk=hdd"}},
			want: []string{"template|remove nodeSelector disk|1 -> 3", "node|kubectl label node n1 disk=ssd --overwrite|1 -> 2"}},
		{name: "a value that no node has was misspelt", labels: []string{"disk=ssd"}, template: []func(*corev1.PodSpec){selects("disk", "sdd")}, others: [][]string{{"disk=ssd"}},
			want: []string{"template|set nodeSelector disk=ssd|0 -> 2", "template|remove nodeSelector disk|0 -> 2", "node|kubectl label node n1 disk=sdd --overwrite|0 -> 1"}},
		{name: "a value that other nodes have is not turned round", labels: []string{"disk=hdd"}, template: []func(*corev1.PodSpec){selects("disk", "ssd")}, others: [][]string{{"disk=ssd"}},
			want: []string{"template|remove nodeSelector disk|1 -> 2", "node|kubectl label node n1 disk=ssd --overwrite|1 -> 2"}},
		{name: "a deprecated label is replaced", labels: []string{"kubernetes.io/arch=arm64"}, template: []func(*corev1.PodSpec){selects("beta.kubernetes.io/arch", "arm64")},
			want: []string{"template|replace nodeSelector beta.kubernetes.io/arch by kubernetes.io/arch=arm64|0 -> 1", "template|remove nodeSelector beta.kubernetes.io/arch|0 -> 1"}},
		{name: "what a machine is cannot be labelled away", labels: []string{"kubernetes.io/arch=arm64"}, template: []func(*corev1.PodSpec){selects("kubernetes.io/arch", "amd64")}, others: [][]string{{"kubernetes.io/arch=amd64"}},
			want: []string{"template|remove nodeSelector kubernetes.io/arch|1 -> 2"}},
		{name: "what was found on a machine cannot be labelled onto another", template: []func(*corev1.PodSpec){selects("nvidia.com/gpu.present", "true")}, others: [][]string{{"nvidia.com/gpu.present=true"}},
			want: []string{"template|remove nodeSelector nvidia.com/gpu.present|1 -> 2"}},
		{name: "the control plane is not opened to everybody", taints: []string{"node-role.kubernetes.io/control-plane:NoSchedule"},
			want: []string{"template|tolerate node-role.kubernetes.io/control-plane|0 -> 1"}},
		{name: "one requirement of a term is dropped, or widened", labels: []string{"a=1", "b=2"}, others: [][]string{{"a=1", "b=3"}},
			template: []func(*corev1.PodSpec){requires(termOfWords("a In 1", "b In 3,4"), termOfWords("a In 7", "b In 7"))},
			want: []string{"template|add 2 to node affinity b In [3, 4] (term 1)|1 -> 2", "template|drop from node affinity b In [3, 4] (term 1)|1 -> 2",
				"node|kubectl label node n1 b=3 --overwrite|1 -> 2"}},
		{name: "a term of one requirement goes as a whole", template: []func(*corev1.PodSpec){requires(termOfWords("a Exists"))}, others: [][]string{{"a=1"}, nil},
			want: []string{"template|remove the required node affinity|1 -> 3", "node|kubectl label node n1 a=true --overwrite|1 -> 2"}},
		{name: "a label that must not be there is taken off", labels: []string{"a=1"}, template: []func(*corev1.PodSpec){requires(termOfWords("a NotIn 1", "b DoesNotExist"))},
			want: []string{"template|drop from node affinity a NotIn [1] (term 1)|0 -> 1", "node|kubectl label node n1 a-|0 -> 1"}},
		{name: "one label serves the selector and the affinity", template: []func(*corev1.PodSpec){selects("a", "2"), requires(termOfWords("a In 1,2"))},
			want: []string{"template|remove nodeSelector a, and remove the required node affinity|0 -> 1",
				"node|kubectl label node n1 a=2 --overwrite|0 -> 1"}},
		{name: "one label serves two requirements of a term", template: []func(*corev1.PodSpec){requires(termOfWords("a Exists", "a In 1"))},
			want: []string{"template|remove the required node affinity|0 -> 1", "node|kubectl label node n1 a=1 --overwrite|0 -> 1"}},
		{name: "an affinity that nothing can match goes", template: []func(*corev1.PodSpec){requires(corev1.NodeSelectorTerm{})},
			want: []string{"template|remove the required node affinity|0 -> 1"}},
		{name: "a number is left to a person", labels: []string{"cores=4"}, template: []func(*corev1.PodSpec){requires(termOfWords("cores Gt 8"))},
			want: []string{"template|remove the required node affinity|0 -> 1"}},
		{name: "a field is dropped, and its neighbour stays", template: []func(*corev1.PodSpec){requires(corev1.NodeSelectorTerm{MatchFields: []corev1.NodeSelectorRequirement{
			{Key: "metadata.name", Operator: corev1.NodeSelectorOpIn, Values: []string{"n2"}}, {Key: "metadata.name", Operator: corev1.NodeSelectorOpNotIn, Values: []string{"n3"}}}})},
			others: [][]string{nil, nil},
			want:   []string{"template|drop from node affinity metadata.name=n2 (term 1)|1 -> 2"}},
		{name: "nodeName goes", template: []func(*corev1.PodSpec){func(s *corev1.PodSpec) { s.NodeName = "n2" }}, others: [][]string{nil},
			want: []string{"template|remove nodeName|1 -> 2"}},
		{name: "several things are one change of the template, and one of the node", taints: []string{"x=y:NoSchedule", "z:NoExecute"},
			template: []func(*corev1.PodSpec){selects("a", "1"), requires(termOfWords("b Exists", "c In 1", "d DoesNotExist"))},
			want: []string{"template|tolerate x, and tolerate z, and remove nodeSelector a, and drop from node affinity c=1 (term 1), and drop from node affinity b Exists (term 1)|0 -> 1",
				"node|kubectl taint node n1 x:NoSchedule- && kubectl taint node n1 z:NoExecute- && kubectl label node n1 a=1 --overwrite && kubectl label node n1 b=true --overwrite && kubectl label node n1 c=1 --overwrite|0 -> 1"}},
		{name: "a virtual node is not asked to run pods", labels: []string{"type=virtual-kubelet"}, taints: []string{"virtual-kubelet.io/provider=azure:NoSchedule"}},
		{name: "a misplaced pod would come back", taints: []string{"a:NoSchedule"}, build: func(w *pairWorld, d *appsv1.DaemonSet) { w.pod(d, "n1") },
			want: []string{"template|tolerate a|0 -> 1|the pod would come back", "node|kubectl taint node n1 a:NoSchedule-|0 -> 1|the pod would come back"}},
		{name: "a pod to be deleted would stay", taints: []string{"a:NoSchedule", "b:NoExecute"}, build: func(w *pairWorld, d *appsv1.DaemonSet) { w.pod(d, "n1") },
			want: []string{"template|tolerate a, and tolerate b|0 -> 1|the pod would come back",
				"node|kubectl taint node n1 a:NoSchedule- && kubectl taint node n1 b:NoExecute-|0 -> 1|the pod would come back",
				"template|tolerate b|0 -> 0|the pod would stay, and not come back",
				"node|kubectl taint node n1 b:NoExecute-|0 -> 0|the pod would stay, and not come back"}},
		{name: "a gate is made not to matter", taints: []string{"cores=16:NoSchedule"},
			template: []func(*corev1.PodSpec){tolerates(corev1.Toleration{Key: "cores", Operator: corev1.TolerationOpGt, Value: "8"})},
			build:    func(_ *pairWorld, d *appsv1.DaemonSet) { d.Status.DesiredNumberScheduled = 7 },
			want:     []string{"template|tolerate cores|0 -> 1", "node|kubectl taint node n1 cores:NoSchedule-|0 -> 1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newPairWorld()
			w.node("n1", c.labels, c.taints...)
			for i, labels := range c.others {
				w.node("n"+string(rune('2'+i)), labels)
			}
			d := w.set("ns", "ds", c.template...)
			if c.build != nil {
				c.build(w, d)
			}
			e := explained(t, w.analyze(), "ns", "ds", "n1")
			got := strings.Split(changeText(e), "\n")
			for i := range e.Changes {
				if e.Changes[i].Effect != "should run" {
					got[i] += "|" + e.Changes[i].Effect
				}
			}
			if diff := cmp.Diff(lines(c.want...), lines(got...)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatLetsAPodFit(t *testing.T) {
	const words = "0/1 nodes are available: 1 Insufficient cpu."
	class := func(s *corev1.PodSpec) { s.PriorityClassName = "system-node-critical" }
	port := func(s *corev1.PodSpec) { s.Containers[0].Ports = []corev1.ContainerPort{{HostPort: 9100}} }
	for _, c := range []struct {
		name     string
		template []func(*corev1.PodSpec)
		words    string
		build    func(*pairWorld, *appsv1.DaemonSet)
		want     []string
	}{
		{name: "less is asked, or the class is raised", template: []func(*corev1.PodSpec){asksOf("cpu", "2", "memory", "1Gi")}, words: words,
			build: func(w *pairWorld, _ *appsv1.DaemonSet) { w.other("a", "b", "n1", "Job", "3", "1Gi") },
			want:  []string{"template|request at most cpu 1000m|1 -> 1", "template|set priorityClassName: system-node-critical|1 -> 1"}},
		{name: "of two resources less of both", template: []func(*corev1.PodSpec){asksOf("cpu", "2", "memory", "8Gi")}, words: words,
			build: func(w *pairWorld, _ *appsv1.DaemonSet) { w.other("a", "b", "n1", "Job", "3", "1Gi") },
			want:  []string{"template|request at most cpu 1000m, memory 7168Mi|1 -> 1", "template|set priorityClassName: system-node-critical|1 -> 1"}},
		{name: "no class helps where the node is too small", template: []func(*corev1.PodSpec){asksOf("cpu", "5")}, words: words,
			build: func(w *pairWorld, _ *appsv1.DaemonSet) { w.other("a", "b", "n1", "Job", "3", "1Gi") },
			want:  []string{"template|request at most cpu 1000m|1 -> 1"}},
		{name: "the highest class cannot be raised", template: []func(*corev1.PodSpec){asksOf("cpu", "2"), class}, words: words,
			build: func(w *pairWorld, _ *appsv1.DaemonSet) { w.other("a", "b", "n1", "Job", "3", "1Gi") },
			want:  []string{"template|request at most cpu 1000m|1 -> 1"}},
		{name: "nothing is free, so nothing less would do", template: []func(*corev1.PodSpec){asksOf("cpu", "2")}, words: words,
			build: func(w *pairWorld, _ *appsv1.DaemonSet) { w.other("a", "b", "n1", "Job", "4", "1Gi") },
			want:  []string{"template|set priorityClassName: system-node-critical|1 -> 1"}},
		{name: "a port is changed", template: []func(*corev1.PodSpec){port}, words: "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.",
			build: func(w *pairWorld, _ *appsv1.DaemonSet) {
				p := corev1.Pod{Spec: corev1.PodSpec{NodeName: "n1", Containers: []corev1.Container{{Ports: []corev1.ContainerPort{{HostPort: 9100}}}}}}
				p.Namespace, p.Name = "a", "b"
				p.OwnerReferences = []metav1.OwnerReference{{Kind: "ReplicaSet", Name: "b", Controller: new(true)}}
				w.addPod(&p)
			},
			want: []string{"template|set priorityClassName: system-node-critical|1 -> 1", "template|take another host port than 9100/TCP|1 -> 1"}},
		{name: "a port whose holder cannot be preempted is not freed by a class", template: []func(*corev1.PodSpec){port}, words: "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.",
			build: func(w *pairWorld, _ *appsv1.DaemonSet) {
				p := corev1.Pod{Spec: corev1.PodSpec{NodeName: "n1", Priority: new(int32(systemNodeCritical)), Containers: []corev1.Container{{Ports: []corev1.ContainerPort{{HostPort: 9100}}}}}}
				p.Namespace, p.Name = "a", "b"
				w.addPod(&p)
				w.other("a", "low", "n1", "", "1", "1Gi")
			},
			want: []string{"template|take another host port than 9100/TCP|1 -> 1"}},
		{name: "something else is in the way too", template: []func(*corev1.PodSpec){asksOf("cpu", "2")}, words: "0/1 nodes are available: 1 Insufficient cpu, 1 node(s) exceed max volume count.",
			build: func(w *pairWorld, _ *appsv1.DaemonSet) { w.other("a", "b", "n1", "Job", "3", "1Gi") }},
		{name: "nobody looked at the node", template: []func(*corev1.PodSpec){asksOf("cpu", "2")}, words: words,
			build: func(w *pairWorld, _ *appsv1.DaemonSet) {
				w.other("a", "b", "n1", "Job", "3", "1Gi")
				w.AllPods = false
			}},
		{name: "the room is there", template: []func(*corev1.PodSpec){asksOf("cpu", "2")}, words: words},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newPairWorld()
			w.node("n1", nil)
			d := w.set("ns", "ds", c.template...)
			w.pod(d, "n1", pending(c.words))
			if c.build != nil {
				c.build(w, d)
			}
			if diff := cmp.Diff(lines(c.want...), changeText(explained(t, w.analyze(), "ns", "ds", "n1"))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A capture may hold names that no API server would take. What is printed to
// be pasted must be one command on one object, whatever they are.
func TestHostileNamesMakeNoCommands(t *testing.T) {
	for _, c := range []struct {
		name, node, label, value, taint string
		want                            []string
	}{
		{"a node that looks like a flag", "--all", "a", "1", "", nil},
		{"a node that ends a word", "n1; reboot", "", "", "x", nil},
		{"a node with a quote and a line", "n'\n1", "", "", "x", nil},
		{"a taint that looks like a flag", "n1", "", "", "--overwrite", nil},
		{"a taint with a command", "n1", "", "", "$(reboot)", nil},
		{"a label with a command", "n1", "`reboot`", "1", "", nil},
		{"a label that looks like a flag", "n1", "-l", "1", "", nil},
		{"a value with a command", "n1", "a", "1 && reboot", "", nil},
		{"a good name", "n1", "example.com/a", "1", "", []string{"kubectl label node n1 example.com/a=1 --overwrite --context 'it'\\''s'"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newPairWorld()
			w.opts.CommandFlags = `--context 'it'\''s'`
			w.node(c.node, nil)
			d := w.set("ns", "ds")
			if c.label != "" {
				d.Spec.Template.Spec.NodeSelector = map[string]string{c.label: c.value}
			}
			if c.taint != "" {
				w.Nodes[0].Spec.Taints = []corev1.Taint{{Key: c.taint, Effect: corev1.TaintEffectNoSchedule}}
			}
			var got []string
			for _, ch := range explained(t, w.analyze(), "ns", "ds", c.node).Changes {
				if ch.Where == onNode {
					got = append(got, ch.Do)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A taint without a key must not become a toleration of everything.
func TestATaintWithoutAKeyIsNotTolerated(t *testing.T) {
	w := newPairWorld()
	w.node("n1", nil, "=:NoSchedule")
	w.set("ns", "ds")
	if e := explained(t, w.analyze(), "ns", "ds", "n1"); len(e.Changes) > 0 {
		t.Errorf("%v", e.Changes)
	}
}
