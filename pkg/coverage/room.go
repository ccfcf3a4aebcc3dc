package coverage

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// roomOn is our own arithmetic on one node. Nothing is computed of a node whose
// pods were not read: one that is like it may hold other pods.
func (a *analysis) roomOn(node int32, n *corev1.Node, p *snapshot.Pod) *Room {
	if !a.ix.s.PodsComplete(n.Name) {
		room := &Room{NotExamined: true, Priority: p.Priority}
		if p.Nominated == n.Name {
			room.Preemption = preemptUnderWay
		}
		return room
	}
	if a.rooms == nil {
		a.rooms = map[string]int32{}
	}
	if k := shape(n, p); k != "" {
		if _, ok := a.rooms[k]; !ok {
			a.rooms[k] = node
		}
	}
	return computeRoom(a.ix, node, n, p, a.opts.Now)
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

// roomScene is a node, the pod that asks for room on it, and the live pods that
// are bound to it.
type roomScene struct {
	n     *corev1.Node
	p     *snapshot.Pod
	bound []*snapshot.Pod // without the pod itself
	// nominated are other pods that wait, and have room reserved here.
	nominated []*snapshot.Pod
}

// computeRoom adds up what is bound to a node: requests of all pods that have
// not ended, as the scheduler's NodeResourcesFit counts them.
func computeRoom(ix *index, node int32, n *corev1.Node, p *snapshot.Pod, now time.Time) *Room {
	s := roomScene{n: n, p: p}
	for _, i := range ix.bound(node) {
		if q := &ix.s.Pods[i]; q.UID != p.UID {
			s.bound = append(s.bound, q)
		}
	}
	for _, i := range ix.nominated[n.Name] {
		if q := &ix.s.Pods[i]; q.UID != p.UID {
			s.nominated = append(s.nominated, q)
		}
	}
	room := &Room{Priority: p.Priority, Resources: s.resources(p.Priority), bound: s.bound}
	short := room.short()
	for _, q := range s.bound {
		room.Holders = append(room.Holders, newHolder(q))
		room.portHolders(p, q)
		if room.LowestPriority == nil || q.Priority < *room.LowestPriority {
			lowest := q.Priority
			room.LowestPriority = &lowest
		}
	}
	for _, q := range s.reserved(p.Priority) {
		room.Nominated = append(room.Nominated, newHolder(q))
		room.portHolders(p, q)
	}
	sortHolders(room.Nominated, short)
	sortHolders(room.Holders, short)
	room.Holders = room.Holders[:min(len(room.Holders), maxHolders)]
	s.preemption(room, now)
	if p.Priority < systemNodeCritical && (len(short) > 0 || len(room.HostPorts) > 0) {
		word, victims := s.preempt(systemNodeCritical)
		room.Critical = &Critical{Preemption: word, Victims: newVictims(victims, short, now)}
	}
	return room
}

// reserved are the pods for which the scheduler keeps room on the node, so that
// a pod of that priority does not get it (framework.addGENominatedPods,
// v1.37.2).
func (s *roomScene) reserved(priority int32) []*snapshot.Pod {
	var out []*snapshot.Pod
	for _, q := range s.nominated {
		if q.Priority >= priority {
			out = append(out, q)
		}
	}
	return out
}

// resources sets what a pod of that priority asks against what the node has,
// and what is bound or reserved.
func (s *roomScene) resources(priority int32) []ResourceRoom {
	names := []string{string(corev1.ResourceCPU), string(corev1.ResourceMemory), string(corev1.ResourceEphemeralStorage)}
	for _, e := range s.p.Requests.Extended {
		names = append(names, string(e.Name))
	}
	var out []ResourceRoom
	for _, name := range append(names, string(corev1.ResourcePods)) {
		x := ResourceRoom{Name: name, Asks: amountOf(name, s.p), Allocatable: allocatable(s.n, name)}
		if x.Asks == 0 {
			continue
		}
		for _, q := range s.bound {
			x.Bound += amountOf(name, q)
		}
		for _, q := range s.reserved(priority) {
			x.Reserved += amountOf(name, q)
		}
		if x.Unlisted = ofDevices(s.n, s.p, name); !x.Unlisted {
			x.Free = x.Allocatable - x.Bound - x.Reserved
			x.Short = x.Asks > x.Free
		}
		out = append(out, x)
	}
	return out
}

// allocatable is what a node has of a resource, in the unit of ResourceRoom.
func allocatable(n *corev1.Node, name string) int64 {
	q := n.Status.Allocatable[corev1.ResourceName(name)]
	if name == string(corev1.ResourceCPU) {
		return q.MilliValue()
	}
	return q.Value()
}

// ofDevices reports whether it is not known that a node lacks a resource which it
// does not list: a DeviceClass may stand for an extended resource, and then the
// node's allocatable does not count (shouldDelegateResourceToDRA,
// plugins/noderesources, v1.37.2). Where it does count, the scheduler says so.
func ofDevices(n *corev1.Node, p *snapshot.Pod, name string) bool {
	if !strings.Contains(name, "/") || allocatable(n, name) > 0 {
		return false
	}
	if p.Full == nil {
		return true
	}
	c := podCondition(p.Full, corev1.PodScheduled)
	return c == nil || !slices.Contains(parseScheduler(c.Message).reasons, "Insufficient "+name)
}

// short are the resources of which too little is free.
func (room *Room) short() []ResourceRoom {
	var out []ResourceRoom
	for _, x := range room.Resources {
		if x.Short {
			out = append(out, x)
		}
	}
	return out
}

// portHolders notes the host ports that q holds and p asks.
func (room *Room) portHolders(p, q *snapshot.Pod) {
	for _, x := range clashes(p, q) {
		h := PortHolder{Port: fmt.Sprintf("%d/%s", x.Port, x.Protocol), Pod: key(q)}
		if q.Owner != nil {
			h.Owner = q.Owner.Kind + "/" + q.Owner.Name
		}
		room.HostPorts = append(room.HostPorts, h)
	}
}

func clash(p, q *snapshot.Pod) bool { return len(clashes(p, q)) > 0 }

// clashes are the host ports of p that q holds: the same port and protocol, and
// an address in common.
func clashes(p, q *snapshot.Pod) []snapshot.HostPort {
	if p.HostPorts == nil || q.HostPorts == nil {
		return nil
	}
	var out []snapshot.HostPort
	for _, x := range *p.HostPorts {
		for _, y := range *q.HostPorts {
			if x.Port == y.Port && x.Protocol == y.Protocol && (x.IP == y.IP || x.IP == "" || y.IP == "") {
				out = append(out, x)
			}
		}
	}
	return out
}

// neverFits lists the resources of which the pod asks more than the node has.
func neverFits(n *corev1.Node, p *snapshot.Pod) []string {
	var out []string
	asks := p.Requests
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
		if e.Value > allocatable(n, string(e.Name)) && !ofDevices(n, p, string(e.Name)) {
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
