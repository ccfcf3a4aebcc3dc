package coverage

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// Words of Room.Preemption.
const (
	preemptPossible  = "possible"
	preemptNoVictims = "no victims"
	preemptNotEnough = "not enough"
	preemptNever     = "never"
)

// maxHolders is how many holders of room are named.
const maxHolders = 8

// roomOn is our own arithmetic on one node. Nothing is computed of a node whose
// pods were not read: one that is like it may hold other pods.
func (a *analysis) roomOn(node int32, n *corev1.Node, p *snapshot.Pod) *Room {
	if !a.ix.s.PodsComplete(n.Name) {
		return &Room{NotExamined: true, Priority: p.Priority}
	}
	if a.rooms == nil {
		a.rooms = map[string]int32{}
	}
	if k := shape(n, p); k != "" {
		if _, ok := a.rooms[k]; !ok {
			a.rooms[k] = node
		}
	}
	return computeRoom(a.ix, node, n, p)
}

// shape is equal for nodes of which one is examined for all: the same
// allocatable, and the same words of the scheduler on this pod. What is free on
// them differs.
func shape(n *corev1.Node, p *snapshot.Pod) string {
	var b strings.Builder
	names := make([]string, 0, len(n.Status.Allocatable))
	for name := range n.Status.Allocatable {
		names = append(names, string(name))
	}
	slices.Sort(names)
	for _, name := range names {
		q := n.Status.Allocatable[corev1.ResourceName(name)]
		fmt.Fprintf(&b, "%s=%s,", name, q.String())
	}
	if p.Full != nil {
		if c := podCondition(p.Full, corev1.PodScheduled); c != nil {
			b.WriteString(strings.Join(parseScheduler(c.Message).reasons, ";"))
		}
	}
	return b.String()
}

// computeRoom adds up what is bound to a node: requests of all pods that have
// not ended, as the scheduler's NodeResourcesFit counts them.
func computeRoom(ix *index, node int32, n *corev1.Node, p *snapshot.Pod) *Room {
	room := &Room{Priority: p.Priority}
	var held snapshot.Requests
	extended := map[corev1.ResourceName]int64{}
	var holders []Holder
	pods := int64(0)
	for _, i := range ix.bound(node) {
		q := &ix.s.Pods[i]
		if q.UID == p.UID {
			continue
		}
		pods++
		held.MilliCPU += q.Requests.MilliCPU
		held.Memory += q.Requests.Memory
		held.EphemeralStorage += q.Requests.EphemeralStorage
		for _, e := range q.Requests.Extended {
			extended[e.Name] += e.Value
		}
		holders = append(holders, Holder{
			Pod: key(q), DaemonSet: q.Owner != nil && q.Owner.Kind == "DaemonSet", Priority: q.Priority,
			MilliCPU: q.Requests.MilliCPU, Memory: q.Requests.Memory,
		})
		room.portHolders(p, q)
	}
	alloc := snapshot.RequestsOf(n.Status.Allocatable)
	add := func(name string, asks, allocatable, bound int64) {
		if asks == 0 {
			return
		}
		room.Resources = append(room.Resources, ResourceRoom{
			Name: name, Asks: asks, Allocatable: allocatable, Bound: bound, Free: allocatable - bound, Short: asks > allocatable-bound,
		})
	}
	add("cpu", p.Requests.MilliCPU, alloc.MilliCPU, held.MilliCPU)
	add("memory", p.Requests.Memory, alloc.Memory, held.Memory)
	add("ephemeral-storage", p.Requests.EphemeralStorage, alloc.EphemeralStorage, held.EphemeralStorage)
	for _, e := range p.Requests.Extended {
		q := n.Status.Allocatable[e.Name]
		add(string(e.Name), e.Value, q.Value(), extended[e.Name])
	}
	add("pods", 1, n.Status.Allocatable.Pods().Value(), pods)
	room.preempt(ix, node, p)
	slices.SortFunc(holders, func(x, y Holder) int {
		return cmp.Or(cmp.Compare(y.MilliCPU, x.MilliCPU), cmp.Compare(y.Memory, x.Memory), strings.Compare(x.Pod, y.Pod))
	})
	room.Holders = holders[:min(len(holders), maxHolders)]
	return room
}

// portHolders notes the host ports that q holds and p asks: the same port and
// protocol, and an address in common.
func (room *Room) portHolders(p, q *snapshot.Pod) {
	if p.HostPorts == nil || q.HostPorts == nil {
		return
	}
	for _, x := range *p.HostPorts {
		for _, y := range *q.HostPorts {
			if x.Port == y.Port && x.Protocol == y.Protocol && (x.IP == y.IP || x.IP == "" || y.IP == "") {
				room.HostPorts = append(room.HostPorts, PortHolder{Port: fmt.Sprintf("%d/%s", x.Port, x.Protocol), Pod: key(q)})
			}
		}
	}
}

// preempt says whether evicting every pod of a lower priority would make
// room. The scheduler's preemption needs no less.
func (room *Room) preempt(ix *index, node int32, p *snapshot.Pod) {
	var victims snapshot.Requests
	extended := map[string]int64{}
	lower, pods := 0, int64(0)
	for _, i := range ix.bound(node) {
		q := &ix.s.Pods[i]
		if q.UID == p.UID {
			continue
		}
		if room.LowestPriority == nil || q.Priority < *room.LowestPriority {
			v := q.Priority
			room.LowestPriority = &v
		}
		if q.Priority < p.Priority {
			lower++
			pods++
			victims.MilliCPU += q.Requests.MilliCPU
			victims.Memory += q.Requests.Memory
			victims.EphemeralStorage += q.Requests.EphemeralStorage
			for _, e := range q.Requests.Extended {
				extended[string(e.Name)] += e.Value
			}
		}
	}
	policy := corev1.PreemptLowerPriority
	if p.Full != nil && p.Full.Spec.PreemptionPolicy != nil {
		policy = *p.Full.Spec.PreemptionPolicy
	}
	switch {
	case policy == corev1.PreemptNever:
		room.Preemption = preemptNever
	case lower == 0:
		room.Preemption = preemptNoVictims
	default:
		room.Preemption = preemptPossible
		for _, r := range room.Resources {
			gain := map[string]int64{
				"cpu": victims.MilliCPU, "memory": victims.Memory, "ephemeral-storage": victims.EphemeralStorage, "pods": pods,
			}
			g, ok := gain[r.Name]
			if !ok {
				g = extended[r.Name]
			}
			if r.Asks > r.Free+g {
				room.Preemption = preemptNotEnough
			}
		}
	}
}

// neverFits lists the resources of which the pod asks more than the node has.
func neverFits(n *corev1.Node, asks *snapshot.Requests) []string {
	var out []string
	alloc := snapshot.RequestsOf(n.Status.Allocatable)
	if asks.MilliCPU > alloc.MilliCPU {
		out = append(out, "cpu")
	}
	if asks.Memory > alloc.Memory {
		out = append(out, "memory")
	}
	if asks.EphemeralStorage > 0 && asks.EphemeralStorage > alloc.EphemeralStorage {
		out = append(out, "ephemeral-storage")
	}
	for _, e := range asks.Extended {
		if q := n.Status.Allocatable[e.Name]; e.Value > q.Value() {
			out = append(out, string(e.Name))
		}
	}
	return out
}

func tolerated(tolerations []corev1.Toleration, t *corev1.Taint, comparison bool) bool {
	for i := range tolerations {
		if tolerations[i].ToleratesTaint(logr.Discard(), t, comparison) {
			return true
		}
	}
	return false
}

// quantity prints an amount of a resource as kubectl describe does.
func quantity(name string, v int64) string {
	switch name {
	case "cpu":
		return fmt.Sprintf("%dm", v)
	case "memory", "ephemeral-storage":
		return bytesText(v)
	}
	if strings.HasPrefix(name, "hugepages-") {
		return bytesText(v)
	}
	return fmt.Sprint(v)
}

// bytesText prints bytes in the largest binary unit that leaves three digits
// or more, cut.
func bytesText(v int64) string {
	const ki, mi, gi = 1 << 10, 1 << 20, 1 << 30
	switch {
	case v >= 100*gi:
		return fmt.Sprintf("%dGi", v/gi)
	case v >= mi:
		return fmt.Sprintf("%dMi", v/mi)
	case v >= ki:
		return fmt.Sprintf("%dKi", v/ki)
	default:
		return resource.NewQuantity(v, resource.BinarySI).String()
	}
}
