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

// leastRoom is v with the least that is free on any node that was examined of
// the group.
func leastRoom(v *Verdict, ms []member) *Verdict {
	seen := examined(ms)
	if len(seen) == 0 {
		return v
	}
	room := *seen[0].v.Detail.Evidence.Room
	room.Resources = slices.Clone(room.Resources)
	for _, m := range seen {
		for i := range room.Resources {
			x := &room.Resources[i]
			for _, y := range m.v.Detail.Evidence.Room.Resources {
				if y.Name == x.Name {
					x.Free, x.Allocatable, x.Short = min(x.Free, y.Free), min(x.Allocatable, y.Allocatable), x.Short || y.Short
				}
			}
		}
	}
	least, d := *v, *v.Detail
	d.Evidence.Room = &room
	least.Detail = &d
	return &least
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
	if names := holderText(e.Room); names != "" && c.Reason != SchedHostPort && len(c.Nodes) == 1 {
		out = append(out, Fact{"holders", names})
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

// holderText names the largest holders that are not DaemonSet pods, and sums
// those that are.
func holderText(room *Room) string {
	var names []string
	var cpu int64
	sets := 0
	for _, h := range room.Holders {
		if h.DaemonSet {
			sets++
			cpu += h.MilliCPU
			continue
		}
		if len(names) < 3 {
			names = append(names, fmt.Sprintf("%s %dm", h.Pod, h.MilliCPU))
		}
	}
	if sets > 0 {
		names = append(names, fmt.Sprintf("%s %dm", count(sets, "DaemonSet pod"), cpu))
	}
	return strings.Join(names, ", ")
}
