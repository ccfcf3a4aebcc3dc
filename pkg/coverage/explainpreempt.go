package coverage

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// preemption says whether the scheduler could make room by evicting pods of a
// lower priority.
func (x *explainer) preemption(asks asking, room *Room) {
	class := cmp.Or(asks.class, "no class")
	if x.d.Rules.NodeName() != "" {
		x.rule("preemption", "the template names its node: no scheduler is asked", fail+", "+preemptNever, true)
		return
	}
	if !asks.priorityKnown {
		x.rule("preemption", "the priority of class "+class+" is not known", none, false)
		return
	}
	text := fmt.Sprintf("priority %d (%s)", room.Priority, class)
	if room.LowestPriority != nil {
		text += fmt.Sprintf("; lowest holder has %d", *room.LowestPriority)
	} else {
		text += "; no other pod on the node"
	}
	if s := shortText(room); s != "" {
		text += "; " + s
	}
	word := x.preemptWord(asks, room)
	if word != preemptPossible {
		x.rule("preemption", text, fail+", "+word, true)
		return
	}
	x.rule("preemption", text, preemptPossible, false)
	var victims []*snapshot.Pod
	for _, q := range x.others(asks.pod) {
		if q.Priority < room.Priority {
			victims = append(victims, q)
		}
	}
	for _, s := range shortOf(room) {
		if names := holdersOf(s.Name, victims, true); names != "" {
			x.more("victims", names, "", false)
		}
	}
}

// preemptWord is that of the arithmetic, and of host ports: one is free once
// its holder is gone, which only a lower priority can bring about.
func (x *explainer) preemptWord(asks asking, room *Room) string {
	if room.Preemption != preemptPossible {
		return room.Preemption
	}
	for _, h := range room.HostPorts {
		for _, q := range x.others(asks.pod) {
			if key(q) == h.Pod && q.Priority >= room.Priority {
				return preemptNoVictims
			}
		}
	}
	return preemptPossible
}

// shortText: 380m short; of several resources each with its name.
func shortText(room *Room) string {
	short := shortOf(room)
	var out []string
	for _, s := range short {
		lacks := quantity(s.Name, s.Asks-s.Free)
		if len(short) == 1 && (s.Name == "cpu" || s.Name == "memory") {
			return lacks + " short"
		}
		out = append(out, s.Name+" "+lacks)
	}
	if len(out) == 0 {
		return ""
	}
	return strings.Join(out, ", ") + " short"
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
	var sets, rest holder
	nSets := 0
	for _, q := range pods {
		switch amount := amountOf(name, q); {
		case amount == 0:
		case q.Owner != nil && q.Owner.Kind == "DaemonSet":
			nSets++
			sets.amount += amount
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
		rest.amount += h.amount
	}
	if rest.amount > 0 {
		out = append(out, fmt.Sprintf("%d more %s", len(own)-most, quantity(name, rest.amount)))
	}
	if nSets > 0 {
		out = append(out, count(nSets, "DaemonSet pod")+" "+quantity(name, sets.amount))
	}
	if name == string(corev1.ResourcePods) {
		return fmt.Sprintf("%s, %s among them", count(len(pods), "pod"), count(nSets, "DaemonSet pod"))
	}
	if text := strings.Join(out, ", "); text != "" && named {
		return name + ": " + text
	}
	return strings.Join(out, ", ")
}

// amountOf is what a pod holds of a resource.
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

// scheduler is its word on this node alone, with its age.
func (x *explainer) scheduler(room *Room) {
	s := x.evidence().Scheduler
	p := x.r.pod(x.v)
	if s == nil || p == nil {
		return
	}
	when := ""
	if e := newest(x.ix.podEvents(p), "FailedScheduling"); e != nil && e.Last != 0 {
		when = age(x.r.Options.Now, e.Last) + " ago: "
	} else if s.Since != nil {
		when = "waits for " + age(x.r.Options.Now, snapshot.TimeOf(s.Since)) + ": "
	}
	if len(s.Reasons) == 0 {
		x.more("scheduler", when+orNone(capped(s.Message, maxWords)), "", false)
		return
	}
	var parts []string
	for _, reason := range s.Reasons {
		parts = append(parts, counted(s.Message, reason))
	}
	text := when + strings.Join(parts, ", ")
	switch others := nodesOf(s.Message) - 1; {
	case others == 1:
		text += " (the other node's share of the message is left out)"
	case others > 1:
		text += fmt.Sprintf(" (the other %d nodes' share of the message is left out)", others)
	}
	if room != nil && len(shortOf(room)) == 0 && len(room.HostPorts) == 0 && onlyRoom(s.Reasons) {
		text += "; our own arithmetic finds room: the message may be old"
	}
	x.more("scheduler", text, "", false)
}

// counted puts the scheduler's own count before a reason again.
func counted(message, reason string) string {
	before, _, ok := strings.Cut(message, " "+reason)
	if !ok {
		return reason
	}
	at := strings.LastIndexFunc(before, func(r rune) bool { return r < '0' || r > '9' })
	if n := before[at+1:]; n != "" {
		return n + " " + reason
	}
	return reason
}

// nodesOf is how many nodes the message speaks of: 0/191 nodes are available.
func nodesOf(message string) int {
	head, _, _ := strings.Cut(message, " nodes are available: ")
	n, err := strconv.Atoi(strings.TrimPrefix(head, "0/"))
	if err != nil {
		return 0
	}
	return n
}

// onlyRoom reports whether all reasons of the scheduler are about room.
func onlyRoom(reasons []string) bool {
	return !slices.ContainsFunc(reasons, func(text string) bool {
		switch classifyScheduler(text) {
		case SchedInsufficient, SchedTooManyPods, SchedHostPort:
			return false
		default:
			return true
		}
	})
}
