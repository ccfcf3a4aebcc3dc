package coverage

import (
	"fmt"
	"slices"
	"strings"
)

// examined are the members with figures of their own node.
func examined(ms []member) []member {
	var out []member
	for _, m := range ms {
		if d := m.v.Detail; d != nil && d.Evidence.Room != nil && !d.Evidence.Room.NotExamined {
			out = append(out, m)
		}
	}
	return out
}

// underWay reports whether the scheduler makes room for the pod already.
func (v *Verdict) underWay() bool {
	return v.Detail != nil && v.Detail.Evidence.Room != nil && v.Detail.Evidence.Room.Preemption == preemptUnderWay
}

// stuck are the members for which something is to be done: without those that
// have only to wait, unless all have.
func stuck(ms []member) []member {
	var out []member
	for _, m := range ms {
		if !m.v.underWay() {
			out = append(out, m)
		}
	}
	if len(out) == 0 {
		return ms
	}
	return out
}

// leastRoom is v with the least that is free on any node that was examined of
// those of the group that are stuck, and with what preemption would do on all of
// them.
func leastRoom(v *Verdict, ms []member) *Verdict {
	ms = stuck(ms)
	seen := examined(ms)
	switch {
	case len(seen) > 0:
	case v.underWay():
		return ms[0].v
	default:
		return v
	}
	room := leastOf(seen)
	room.partial = len(seen) < len(ms)
	least := *v
	d := Detail{}
	if v.Detail != nil {
		d = *v.Detail
	}
	d.Evidence.Room = room
	least.Detail = &d
	return &least
}

// leastOf takes of each resource what is least on one of the nodes, and adds up
// who holds ports and whom preemption takes. What is added up is sorted and cut
// once, at the end: there may be thousands of nodes.
func leastOf(seen []member) *Room {
	room := *seen[0].v.Detail.Evidence.Room
	room.Resources = slices.Clone(room.Resources)
	room.HostPorts, room.Critical = nil, nil
	var victims, ofCritical Victims
	for _, m := range seen {
		other := m.v.Detail.Evidence.Room
		room.least(other)
		room.HostPorts = append(room.HostPorts, other.HostPorts...)
		if other.Preemption != preemptPossible {
			room.Preemption = other.Preemption
		}
		victims.add(other.Victims)
		// Nil where the pod has the room that it needs, or the class.
		if c := other.Critical; c != nil {
			ofCritical.add(c.Victims)
			if room.Critical == nil || c.Preemption != preemptPossible { // on one node it does not help
				room.Critical = &Critical{Preemption: c.Preemption}
			}
		}
	}
	room.Victims = victims.sum()
	if room.Critical != nil {
		room.Critical.Victims = ofCritical.sum()
	}
	return &room
}

// least takes from the room of another node what is less there.
func (room *Room) least(other *Room) {
	for i := range room.Resources {
		x := &room.Resources[i]
		for _, y := range other.Resources {
			if y.Name == x.Name {
				x.Free, x.Allocatable, x.Short = min(x.Free, y.Free), min(x.Allocatable, y.Allocatable), x.Short || y.Short
			}
		}
	}
}

// roomFacts prints what is short, over all nodes of the cause that were
// examined.
func (r *Result) roomFacts(c *Cause, m member, ms []member) []Fact {
	var out []Fact
	seen := examined(ms)
	if len(seen) == 0 {
		if s := m.v.Detail.Evidence.Scheduler; s != nil {
			out = append(out, Fact{"scheduler", orNone(strings.Join(s.Reasons, ", "))})
		}
		return append(out, Fact{"room", "the pods of these nodes were not read"})
	}
	e := &seen[0].v.Detail.Evidence
	where := r.placeOf(c, seen)
	for i := range e.Room.Resources {
		x := &e.Room.Resources[i]
		span := spanOf(x, seen)
		if !span.short {
			continue
		}
		text := span.text(c, x, where)
		if c.Reason != SchedNeverFits {
			text += preemptionSpan(seen)
		}
		out = append(out, Fact{x.Name, text})
	}
	out = append(out, r.portFacts(c, seen)...)
	if names := nominatedText(e.Room); names != "" && len(c.Nodes) == 1 {
		out = append(out, Fact{"reserved", names})
	}
	if c.Reason != SchedHostPort && len(c.Nodes) == 1 {
		for _, text := range e.Room.holderTexts() {
			out = append(out, Fact{"holders", text})
		}
	}
	if e.Scheduler != nil && len(out) == 0 {
		out = append(out, Fact{"scheduler", strings.Join(e.Scheduler.Reasons, ", ") + "; our own arithmetic finds room: the message may be old"})
	}
	if n := len(ms) - len(seen); n > 0 {
		out = append(out, Fact{"room", "the pods of " + count(n, "more node") + " were not read: these are of the same size, and may have more or less free"})
	}
	return out
}

// placeOf says of which nodes of the cause a figure is: " on n1" where one of
// several was examined, nothing where there is but one.
func (r *Result) placeOf(c *Cause, seen []member) string {
	switch {
	case len(c.Nodes) == 1:
		return ""
	case len(seen) == 1:
		return " on " + r.node(seen[0].v).Name
	case len(seen) < len(c.Nodes):
		return fmt.Sprintf(" on the %d nodes examined", len(seen))
	default:
		return " on these nodes"
	}
}

// preemptionSpan says what preemption can do on the nodes: where they differ,
// on how many.
func preemptionSpan(seen []member) string {
	var words []string
	nodes := map[string]int{}
	for _, m := range seen {
		w := m.v.Detail.Evidence.Room.Preemption
		if nodes[w]++; nodes[w] == 1 {
			words = append(words, w)
		}
	}
	if len(words) == 1 {
		return preemptionText(seen[0].v.Detail.Evidence.Room)
	}
	slices.Sort(words)
	for i, w := range words {
		words[i] = fmt.Sprintf("%s on %s", w, count(nodes[w], "node"))
	}
	return "; preemption: " + strings.Join(words, ", ")
}

// portFacts name who holds a port, and where.
func (r *Result) portFacts(c *Cause, seen []member) []Fact {
	var ports []string
	holders := map[string][]string{}
	for _, m := range seen {
		for _, h := range m.v.Detail.Evidence.Room.HostPorts {
			if len(holders[h.Port]) == 0 {
				ports = append(ports, h.Port)
			}
			name := h.Pod
			if len(c.Nodes) > 1 {
				name += " on " + r.node(m.v).Name
			}
			holders[h.Port] = append(holders[h.Port], name)
		}
	}
	var out []Fact
	for _, p := range ports {
		out = append(out, Fact{"port", p + " is held by " + few(holders[p])})
	}
	return out
}

// span is how much of a resource is free over the nodes of a cause.
type span struct {
	least, most int64 // free
	allocatable int64 // of the largest node
	short       bool  // on any node
}

func spanOf(x *ResourceRoom, seen []member) span {
	s := span{least: x.Free, most: x.Free, allocatable: x.Allocatable, short: x.Short}
	for _, m := range seen {
		for _, y := range m.v.Detail.Evidence.Room.Resources {
			if y.Name == x.Name {
				s.least, s.most = min(s.least, y.Free), max(s.most, y.Free)
				s.allocatable, s.short = max(s.allocatable, y.Allocatable), s.short || y.Short
			}
		}
	}
	return s
}

// text sets what the pod asks of a resource against what there is.
func (s span) text(c *Cause, x *ResourceRoom, where string) string {
	asks, all := quantity(x.Name, x.Asks), quantity(x.Name, s.allocatable)
	switch never := c.Reason == SchedNeverFits && x.Asks > s.allocatable; {
	case never && len(c.Nodes) > 1:
		return fmt.Sprintf("asks %s; the largest of these nodes has %s in all", asks, all)
	case never:
		return fmt.Sprintf("asks %s; the node has %s in all", asks, all)
	}
	free := quantity(x.Name, max(0, s.least))
	if s.most > s.least {
		free += " to " + quantity(x.Name, max(0, s.most))
	}
	return fmt.Sprintf("asks %s; free%s %s of %s", asks, where, free, all)
}

// roomNotes say what does not make room.
func roomNotes(d *DaemonSetResult, ms []member) []string {
	out := []string{"no autoscaler can help a pod that is pinned to its node"}
	if seen := examined(ms); len(seen) > 0 {
		if text := leastRoom(seen[0].v, ms).Detail.Evidence.Room.noRaise(d); text != "" {
			out = append(out, text)
		}
	}
	return out
}
