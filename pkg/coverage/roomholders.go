package coverage

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// maxHolders is how many holders of room are named.
const maxHolders = 8

func newHolder(p *snapshot.Pod) Holder {
	h := Holder{Pod: key(p), Priority: p.Priority}
	if p.Owner != nil {
		h.Owner = p.Owner.Kind + "/" + p.Owner.Name
		h.DaemonSet = p.Owner.Kind == "DaemonSet"
	}
	if r := p.Requests; r != nil {
		h.MilliCPU, h.Memory, h.EphemeralStorage = r.MilliCPU, r.Memory, r.EphemeralStorage
		for _, e := range r.Extended {
			if h.Extended == nil {
				h.Extended = map[string]int64{}
			}
			h.Extended[string(e.Name)] = e.Value
		}
	}
	return h
}

// amount is what it holds of a resource.
func (h *Holder) amount(name string) int64 {
	switch corev1.ResourceName(name) {
	case corev1.ResourcePods:
		return 1
	case corev1.ResourceCPU:
		return h.MilliCPU
	case corev1.ResourceMemory:
		return h.Memory
	case corev1.ResourceEphemeralStorage:
		return h.EphemeralStorage
	default:
		return h.Extended[name]
	}
}

// sortHolders puts the largest first: by what is short, then by cpu and memory.
func sortHolders(hs []Holder, short []ResourceRoom) {
	slices.SortFunc(hs, func(a, b Holder) int {
		for _, s := range short {
			if c := cmp.Compare(b.amount(s.Name), a.amount(s.Name)); c != 0 {
				return c
			}
		}
		return cmp.Or(cmp.Compare(b.MilliCPU, a.MilliCPU), cmp.Compare(b.Memory, a.Memory), strings.Compare(a.Pod, b.Pod))
	})
}

// amountOf is what a pod holds or asks of a resource.
func amountOf(name string, p *snapshot.Pod) int64 {
	switch {
	case name == string(corev1.ResourcePods):
		return 1
	case p.Requests == nil:
		return 0
	case name == string(corev1.ResourceCPU):
		return p.Requests.MilliCPU
	case name == string(corev1.ResourceMemory):
		return p.Requests.Memory
	case name == string(corev1.ResourceEphemeralStorage):
		return p.Requests.EphemeralStorage
	}
	for _, e := range p.Requests.Extended {
		if string(e.Name) == name {
			return e.Value
		}
	}
	return 0
}

// holderTexts names, of each resource that is short, who holds it.
func (room *Room) holderTexts() []string {
	var out []string
	short := room.short()
	for _, s := range short {
		if text := holdersOf(s.Name, room.bound, len(short) > 1); text != "" {
			out = append(out, text)
		}
	}
	return out
}

// nominatedText names the pods for which the scheduler keeps room on the node.
func nominatedText(room *Room) string {
	if len(room.Nominated) == 0 {
		return ""
	}
	v := &Victims{Count: len(room.Nominated), Pods: room.Nominated, short: room.short()}
	return "for " + v.text() + ", nominated to the node"
}

// holdersOf names the largest holders of a resource that are not DaemonSet
// pods, counts the rest, and sums those that are: the figures add up to what
// is bound.
func holdersOf(name string, pods []*snapshot.Pod, named bool) string {
	type holder struct {
		pod    string
		amount int64
	}
	var own []holder
	var sets, rest int64
	nSets := 0
	for _, q := range pods {
		switch amount := amountOf(name, q); {
		case amount == 0:
		case q.Owner != nil && q.Owner.Kind == "DaemonSet":
			nSets++
			sets += amount
		default:
			own = append(own, holder{key(q), amount})
		}
	}
	slices.SortFunc(own, func(a, b holder) int {
		return cmp.Or(cmp.Compare(b.amount, a.amount), strings.Compare(a.pod, b.pod))
	})
	const most = 3
	var out []string
	for i, h := range own {
		if i < most || len(own) == most+1 {
			out = append(out, h.pod+" "+quantity(name, h.amount))
			continue
		}
		rest += h.amount
	}
	if rest > 0 {
		out = append(out, fmt.Sprintf("%d more %s", len(own)-most, quantity(name, rest)))
	}
	if nSets > 0 {
		out = append(out, count(nSets, "DaemonSet pod")+" "+quantity(name, sets))
	}
	if name == string(corev1.ResourcePods) {
		return fmt.Sprintf("%s, %s among them", count(len(pods), "pod"), count(nSets, "DaemonSet pod"))
	}
	if text := strings.Join(out, ", "); text != "" && named {
		return name + ": " + text
	}
	return strings.Join(out, ", ")
}
