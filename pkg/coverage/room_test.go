package coverage

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// roomPod is a pod of one container that asks req, as in "cpu=1,memory=1Gi".
func roomPod(name, node, req string, change ...func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{}
	p.Namespace, p.Name, p.UID = "shop", name, types.UID(name)
	p.Spec.NodeName = node
	p.Spec.Containers = []corev1.Container{{Name: "app", Resources: corev1.ResourceRequirements{Requests: roomQuantities(req)}}}
	p.Status.Phase = corev1.PodPending
	for _, f := range change {
		f(p)
	}
	return p
}

func roomQuantities(s string) corev1.ResourceList {
	out := corev1.ResourceList{}
	for _, f := range strings.Split(s, ",") {
		if k, v, ok := strings.Cut(f, "="); ok {
			out[corev1.ResourceName(k)] = resource.MustParse(v)
		}
	}
	return out
}

// saidBy is what the scheduler said of the pod.
func saidBy(words string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Message: words}}
	}
}

func withPriority(v int32) func(*corev1.Pod) { return func(p *corev1.Pod) { p.Spec.Priority = &v } }

func withHostPort(ip string, port int32, proto corev1.Protocol) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		c := &p.Spec.Containers[0]
		c.Ports = append(c.Ports, corev1.ContainerPort{ContainerPort: port, HostPort: port, HostIP: ip, Protocol: proto})
	}
}

// roomOf computes the room for the first pod on node n1.
func roomOf(t *testing.T, allocatable string, pods ...*corev1.Pod) *Room {
	t.Helper()
	n := &corev1.Node{}
	n.Name, n.Status.Allocatable = "n1", roomQuantities(allocatable)
	s := &snapshot.Snapshot{Nodes: []*corev1.Node{n}, AllPods: true}
	var in snapshot.Interner
	for _, p := range pods {
		s.Pods = append(s.Pods, in.Pod(p))
	}
	first := s.Pods[0]
	s.Sort()
	return computeRoom(newIndex(s), 0, n, &first, testkit.Now)
}

func roomLine(t *testing.T, room *Room, name string) ResourceRoom {
	t.Helper()
	for _, x := range room.Resources {
		if x.Name == name {
			return x
		}
	}
	t.Fatalf("no line for %s in %+v", name, room.Resources)
	return ResourceRoom{}
}

const roomNode = "cpu=4,memory=16Gi,ephemeral-storage=100Gi,pods=110"

func TestRoomArithmetic(t *testing.T) {
	always := corev1.ContainerRestartPolicyAlways
	withInit := func(req string, policy *corev1.ContainerRestartPolicy) func(*corev1.Pod) {
		return func(p *corev1.Pod) {
			p.Spec.InitContainers = append(p.Spec.InitContainers, corev1.Container{
				Name: "init", RestartPolicy: policy, Resources: corev1.ResourceRequirements{Requests: roomQuantities(req)},
			})
		}
	}
	phase := func(ph corev1.PodPhase) func(*corev1.Pod) { return func(p *corev1.Pod) { p.Status.Phase = ph } }
	overhead := func(p *corev1.Pod) { p.Spec.Overhead = roomQuantities("cpu=250m") }
	tests := []struct {
		name        string
		allocatable string
		pods        []*corev1.Pod // the first is the one that asks
		resource    string
		want        ResourceRoom
	}{
		{
			"an empty node", roomNode, []*corev1.Pod{roomPod("p", "", "cpu=500m")}, "cpu",
			ResourceRoom{Asks: 500, Allocatable: 4000, Free: 4000},
		},
		{
			"exactly full is enough", roomNode, []*corev1.Pod{roomPod("p", "", "cpu=1"), roomPod("q", "n1", "cpu=3")}, "cpu",
			ResourceRoom{Asks: 1000, Allocatable: 4000, Bound: 3000, Free: 1000},
		},
		{
			"a thousandth too little", roomNode, []*corev1.Pod{roomPod("p", "", "cpu=1"), roomPod("q", "n1", "cpu=3001m")}, "cpu",
			ResourceRoom{Asks: 1000, Allocatable: 4000, Bound: 3001, Free: 999, Short: true},
		},
		{
			"an init container counts where it asks more than the containers together", roomNode,
			[]*corev1.Pod{roomPod("p", "", "cpu=1"), roomPod("q", "n1", "cpu=1", withInit("cpu=2", nil))}, "cpu",
			ResourceRoom{Asks: 1000, Allocatable: 4000, Bound: 2000, Free: 2000},
		},
		{
			"a sidecar runs beside the containers", roomNode,
			[]*corev1.Pod{roomPod("p", "", "cpu=1"), roomPod("q", "n1", "cpu=1", withInit("cpu=2", &always))}, "cpu",
			ResourceRoom{Asks: 1000, Allocatable: 4000, Bound: 3000, Free: 1000},
		},
		{
			"overhead is reserved too", roomNode, []*corev1.Pod{roomPod("p", "", "cpu=1", overhead)}, "cpu",
			ResourceRoom{Asks: 1250, Allocatable: 4000, Free: 4000},
		},
		{
			"what the kubelet has allocated to the pod as a whole", roomNode, []*corev1.Pod{
				roomPod("p", "", "cpu=1"), roomPod("q", "n1", "cpu=100m", func(p *corev1.Pod) {
					p.Spec.Resources = &corev1.ResourceRequirements{Requests: roomQuantities("cpu=1")}
					p.Status.AllocatedResources = roomQuantities("cpu=2")
					p.Status.Resources = &corev1.ResourceRequirements{Requests: roomQuantities("cpu=3")}
				}),
			}, "cpu",
			ResourceRoom{Asks: 1000, Allocatable: 4000, Bound: 3000, Free: 1000},
		},
		{
			"what the kubelet has allocated to a container", roomNode, []*corev1.Pod{
				roomPod("p", "", "cpu=1"), roomPod("q", "n1", "cpu=100m", func(p *corev1.Pod) {
					p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "app", AllocatedResources: roomQuantities("cpu=2")}}
				}),
			}, "cpu",
			ResourceRoom{Asks: 1000, Allocatable: 4000, Bound: 2000, Free: 2000},
		},
		{
			"pods that have ended hold nothing", roomNode, []*corev1.Pod{
				roomPod("p", "", "cpu=1"), roomPod("q", "n1", "cpu=4", phase(corev1.PodSucceeded)), roomPod("r", "n1", "cpu=4", phase(corev1.PodFailed)),
			}, "cpu",
			ResourceRoom{Asks: 1000, Allocatable: 4000, Free: 4000},
		},
		{
			"pods elsewhere and pods that are not bound hold nothing", roomNode,
			[]*corev1.Pod{roomPod("p", "", "cpu=1"), roomPod("q", "n2", "cpu=4"), roomPod("r", "", "cpu=4")}, "cpu",
			ResourceRoom{Asks: 1000, Allocatable: 4000, Free: 4000},
		},
		{
			"the pod itself is no holder", roomNode, []*corev1.Pod{roomPod("p", "n1", "cpu=3")}, "cpu",
			ResourceRoom{Asks: 3000, Allocatable: 4000, Free: 4000},
		},
		{
			"memory in bytes", roomNode, []*corev1.Pod{roomPod("p", "", "memory=1Gi"), roomPod("q", "n1", "memory=15872Mi")}, "memory",
			ResourceRoom{Asks: 1 << 30, Allocatable: 16 << 30, Bound: 15872 << 20, Free: 512 << 20, Short: true},
		},
		{
			"an extended resource", roomNode + ",example.com/gpu=2",
			[]*corev1.Pod{roomPod("p", "", "example.com/gpu=1"), roomPod("q", "n1", "example.com/gpu=2")}, "example.com/gpu",
			ResourceRoom{Asks: 1, Allocatable: 2, Bound: 2, Short: true},
		},
		{
			"an extended resource that the node has not: a device class may stand for it", roomNode, []*corev1.Pod{roomPod("p", "", "example.com/gpu=1")}, "example.com/gpu",
			ResourceRoom{Asks: 1, Unlisted: true},
		},
		{
			"unless the scheduler says that it is lacking", roomNode, []*corev1.Pod{roomPod("p", "", "example.com/gpu=1", saidBy("0/1 nodes are available: 1 Insufficient example.com/gpu."))},
			"example.com/gpu", ResourceRoom{Asks: 1, Short: true},
		},
		{
			"hugepages are no devices", roomNode, []*corev1.Pod{roomPod("p", "", "hugepages-2Mi=2Mi")}, "hugepages-2Mi",
			ResourceRoom{Asks: 2 << 20, Short: true},
		},
		{
			"the number of pods", "cpu=4,pods=1", []*corev1.Pod{roomPod("p", "", ""), roomPod("q", "n1", "")}, "pods",
			ResourceRoom{Asks: 1, Allocatable: 1, Bound: 1, Short: true},
		},
		{
			"a node that is overcommitted has less than nothing", "cpu=1,pods=110", []*corev1.Pod{roomPod("p", "", "cpu=1"), roomPod("q", "n1", "cpu=3")}, "cpu",
			ResourceRoom{Asks: 1000, Allocatable: 1000, Bound: 3000, Free: -2000, Short: true},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.Name = tt.resource
			if got := roomLine(t, roomOf(t, tt.allocatable, tt.pods...), tt.resource); got != tt.want {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

// A resource that the pod does not ask is never short, however full the node.
func TestRoomNotAsked(t *testing.T) {
	room := roomOf(t, roomNode, roomPod("p", "", ""), roomPod("q", "n1", "cpu=8,memory=99Gi"))
	for _, x := range room.Resources {
		if x.Name != "pods" || x.Short {
			t.Errorf("unexpected %+v", x)
		}
	}
}

func TestRoomHolders(t *testing.T) {
	pods := []*corev1.Pod{roomPod("p", "", "cpu=1")}
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		pods = append(pods, roomPod(name, "n1", "cpu=10m"))
	}
	pods = append(pods, roomPod("z-big", "n1", "cpu=2", withPriority(5)), roomPod("y-memory", "n1", "cpu=10m,memory=1Gi"))
	var got []string
	for _, h := range roomOf(t, roomNode, pods...).Holders {
		got = append(got, strings.TrimPrefix(h.Pod, "shop/"))
	}
	want := []string{"z-big", "y-memory", "a", "b", "c", "d", "e", "f"}
	if !slices.Equal(got, want) {
		t.Errorf("holders %v, want %v: by cpu, memory, name, and no more than %d", got, want, maxHolders)
	}
}

// Ports clash where port, protocol and an address are the same; no address is
// all addresses (scheduler framework HostPortInfo.CheckConflict).
func TestRoomHostPorts(t *testing.T) {
	tests := []struct {
		name       string
		asks, held func(*corev1.Pod)
		clash      bool
	}{
		{"same", withHostPort("", 80, "TCP"), withHostPort("", 80, "TCP"), true},
		{"an absent protocol is TCP", withHostPort("", 80, ""), withHostPort("", 80, "TCP"), true},
		{"other port", withHostPort("", 80, "TCP"), withHostPort("", 81, "TCP"), false},
		{"other protocol", withHostPort("", 80, "TCP"), withHostPort("", 80, "UDP"), false},
		{"one address and all", withHostPort("10.0.0.1", 80, "TCP"), withHostPort("", 80, "TCP"), true},
		{"all and one address", withHostPort("", 80, "TCP"), withHostPort("10.0.0.1", 80, "TCP"), true},
		{"0.0.0.0 is all", withHostPort("10.0.0.1", 80, "TCP"), withHostPort("0.0.0.0", 80, "TCP"), true},
		{"the same address", withHostPort("10.0.0.1", 80, "TCP"), withHostPort("10.0.0.1", 80, "TCP"), true},
		{"two addresses", withHostPort("10.0.0.1", 80, "TCP"), withHostPort("127.0.0.1", 80, "TCP"), false},
		{"none asked", func(*corev1.Pod) {}, withHostPort("", 80, "TCP"), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			room := roomOf(t, roomNode, roomPod("p", "", "", tt.asks), roomPod("q", "n1", "", tt.held))
			if got := len(room.HostPorts) > 0; got != tt.clash {
				t.Fatalf("clash %v, want %v: %+v", got, tt.clash, room.HostPorts)
			}
			if tt.clash && room.HostPorts[0] != (PortHolder{Port: "80/TCP", Pod: "shop/q"}) {
				t.Errorf("holder %+v", room.HostPorts[0])
			}
		})
	}
}

func TestRoomPreemption(t *testing.T) {
	never := func(p *corev1.Pod) { v := corev1.PreemptNever; p.Spec.PreemptionPolicy = &v }
	tests := []struct {
		name        string
		allocatable string
		pods        []*corev1.Pod
		want        string
		lowest      int32
	}{
		{"a lower one holds enough", roomNode, []*corev1.Pod{roomPod("p", "", "cpu=2", withPriority(10)), roomPod("q", "n1", "cpu=3", withPriority(9))}, preemptPossible, 9},
		{"the same priority is no victim", roomNode, []*corev1.Pod{roomPod("p", "", "cpu=2", withPriority(10)), roomPod("q", "n1", "cpu=3", withPriority(10))}, preemptNoVictims, 10},
		{"a higher one is no victim", roomNode, []*corev1.Pod{roomPod("p", "", "cpu=2"), roomPod("q", "n1", "cpu=3", withPriority(1))}, preemptNoVictims, 1},
		{"negative priorities", roomNode, []*corev1.Pod{roomPod("p", "", "cpu=2"), roomPod("q", "n1", "cpu=3", withPriority(-1))}, preemptPossible, -1},
		{"lower ones hold too little", roomNode, []*corev1.Pod{
			roomPod("p", "", "cpu=2", withPriority(10)), roomPod("q", "n1", "cpu=500m"), roomPod("r", "n1", "cpu=3500m", withPriority(10)),
		}, preemptNotEnough, 0},
		{"exactly enough", roomNode, []*corev1.Pod{
			roomPod("p", "", "cpu=2", withPriority(10)), roomPod("q", "n1", "cpu=2"), roomPod("r", "n1", "cpu=2", withPriority(10)),
		}, preemptPossible, 0},
		{"enough of one resource, not of the other", roomNode, []*corev1.Pod{
			roomPod("p", "", "cpu=2,memory=2Gi", withPriority(10)), roomPod("q", "n1", "cpu=3"), roomPod("r", "n1", "memory=15Gi", withPriority(10)),
		}, preemptNotEnough, 0},
		{"an extended resource", roomNode + ",example.com/gpu=1", []*corev1.Pod{
			roomPod("p", "", "example.com/gpu=1", withPriority(10)), roomPod("q", "n1", "example.com/gpu=1"),
		}, preemptPossible, 0},
		{"the number of pods", "cpu=4,pods=1", []*corev1.Pod{roomPod("p", "", "", withPriority(10)), roomPod("q", "n1", "")}, preemptPossible, 0},
		{"the policy forbids it", roomNode, []*corev1.Pod{roomPod("p", "", "cpu=2", withPriority(10), never), roomPod("q", "n1", "cpu=3")}, preemptNever, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			room := roomOf(t, tt.allocatable, tt.pods...)
			if room.Preemption != tt.want {
				t.Errorf("preemption %q, want %q", room.Preemption, tt.want)
			}
			if room.LowestPriority == nil || *room.LowestPriority != tt.lowest {
				t.Errorf("lowest priority %v, want %d", room.LowestPriority, tt.lowest)
			}
		})
	}
}

func TestNeverFits(t *testing.T) {
	for _, tt := range []struct {
		asks, allocatable string
		want              []string
		said              string
	}{
		{"cpu=4", "cpu=4", nil, ""},
		{"cpu=4001m", "cpu=4", []string{"cpu"}, ""},
		{"memory=2Gi,cpu=8", "cpu=4,memory=1Gi", []string{"cpu", "memory"}, ""},
		// Nodes of old kubelets report no ephemeral-storage; what asks none fits.
		{"cpu=1", "cpu=4,memory=1Gi", nil, ""},
		{"ephemeral-storage=1Gi", "cpu=4,memory=1Gi", []string{"ephemeral-storage"}, ""},
		{"example.com/gpu=2", "cpu=4,example.com/gpu=1", []string{"example.com/gpu"}, ""},
		{"example.com/gpu=1", "cpu=4", nil, "1 Insufficient cpu"}, // a device class may stand for it
		{"example.com/gpu=1", "cpu=4", []string{"example.com/gpu"}, "1 Insufficient example.com/gpu"},
		{"hugepages-2Mi=4Mi", "cpu=4,hugepages-2Mi=2Mi", []string{"hugepages-2Mi"}, ""},
	} {
		n := &corev1.Node{}
		n.Status.Allocatable = roomQuantities(tt.allocatable)
		var in snapshot.Interner
		p := in.Pod(roomPod("p", "", tt.asks, saidBy("0/1 nodes are available: "+tt.said+".")))
		if got := neverFits(n, &p); !slices.Equal(got, tt.want) {
			t.Errorf("%s on %s: %v, want %v", tt.asks, tt.allocatable, got, tt.want)
		}
	}
}

// One node may stand for another where both are alike for this pod: the order
// of a map must not tell them apart.
func TestShape(t *testing.T) {
	shapeOf := func(allocatable, message string) string {
		n := &corev1.Node{}
		n.Status.Allocatable = roomQuantities(allocatable)
		p := roomPod("p", "", "cpu=1")
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Message: message}}
		var in snapshot.Interner
		q := in.Pod(p)
		return shape(n, &q)
	}
	const (
		cpu    = "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't satisfy plugin(s) [NodeAffinity]."
		cpu5   = "0/5 nodes are available: 1 Insufficient cpu, 4 node(s) didn't satisfy plugin(s) [NodeAffinity]."
		memory = "0/3 nodes are available: 1 Insufficient memory, 2 node(s) didn't satisfy plugin(s) [NodeAffinity]."
	)
	base := shapeOf(roomNode, cpu)
	if got := shapeOf("pods=110,ephemeral-storage=100Gi,memory=16Gi,cpu=4", cpu5); got != base {
		t.Errorf("%q differs from %q: the size of the cluster says nothing about the node", got, base)
	}
	if shapeOf(roomNode, memory) == base || shapeOf("cpu=8,memory=16Gi,ephemeral-storage=100Gi,pods=110", cpu) == base {
		t.Error("another reason or another size is another shape")
	}
}

// Where memory is short, who holds memory is named, with its memory: in the
// report as in explain, and in the evidence.
func TestHoldersOfWhatIsShort(t *testing.T) {
	w := testkit.NewWorld()
	d := testkit.DaemonSet("ops", "agent").Requests("memory", "2Gi").Build()
	other := testkit.DaemonSet("ops", "other").Build()
	w.Add(d, testkit.Revision(d, testkit.Hash, 1, day), other, testkit.Revision(other, testkit.Hash, 1, day),
		testkit.Node("n1").Allocatable("cpu", "8", "memory", "8Gi"),
		testkit.PodOf(d, "n1").Pending("0/1 nodes are available: 1 Insufficient memory."),
		testkit.Pod("shop", "burns", "n1").Requests("cpu", "4", "memory", "1Gi"),
		testkit.Pod("shop", "caches", "n1").Requests("cpu", "100m", "memory", "5Gi"),
		testkit.PodOf(other, "n1").Requests("cpu", "1", "memory", "1Gi"))
	r := Analyze(w.Snapshot(), Options{Now: testkit.Now})
	const want = "shop/caches 5120Mi, shop/burns 1024Mi, 1 DaemonSet pod 1024Mi"
	if got := r.Causes()[0].Facts; !slices.Contains(got, Fact{"holders", want}) {
		t.Errorf("%q, want %q", got, want)
	}
	if text := ruleText(explained(t, r, "ops", "agent", "n1")); !strings.Contains(text, "holders|"+want) {
		t.Errorf("explain says\n%s\nand not %q", text, want)
	}
	if h := r.Report().Items[0].Nodes[0].Evidence.Room.Holders; len(h) != 3 || h[0].Pod != "shop/caches" || h[0].Memory != 5<<30 || h[2].Owner != "DaemonSet/other" {
		t.Errorf("holders %+v", h)
	}
}
