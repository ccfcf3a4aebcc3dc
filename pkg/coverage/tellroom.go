package coverage

import (
	"fmt"
	"slices"
	"strings"
)

// leastRoom is v with the least that is free on any node of the group: what fits
// there fits everywhere.
func leastRoom(v *Verdict, ms []member) *Verdict {
	have := v.Detail.Evidence.Room
	if have == nil || have.NotExamined {
		return v
	}
	room := *have
	room.Resources = slices.Clone(have.Resources)
	for _, m := range ms {
		other := m.v.Detail.Evidence.Room
		if other == nil || other.NotExamined {
			continue
		}
		for i := range room.Resources {
			x := &room.Resources[i]
			for _, y := range other.Resources {
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

// roomFacts prints what is short, over all nodes of the cause.
func roomFacts(c *Cause, m member, ms []member) []Fact {
	var out []Fact
	e := &m.v.Detail.Evidence
	if e.Room == nil || e.Room.NotExamined {
		if e.Scheduler != nil {
			out = append(out, Fact{"scheduler", orNone(strings.Join(e.Scheduler.Reasons, ", "))})
		}
		return append(out, Fact{"room", "the pods of these nodes were not read"})
	}
	for i := range e.Room.Resources {
		x := &e.Room.Resources[i]
		span := spanOf(x, ms)
		if !span.short {
			continue
		}
		text := span.text(c, x)
		if c.Reason != SchedNeverFits {
			text += preemptionText(e.Room)
		}
		out = append(out, Fact{x.Name, text})
	}
	for _, h := range e.Room.HostPorts {
		out = append(out, Fact{"port", h.Port + " is held by " + h.Pod})
	}
	if names := holderText(e.Room); names != "" && c.Reason != SchedHostPort && len(c.Nodes) == 1 {
		out = append(out, Fact{"holders", names})
	}
	if e.Scheduler != nil && len(out) == 0 {
		out = append(out, Fact{"scheduler", strings.Join(e.Scheduler.Reasons, ", ") + "; our own arithmetic finds room: the message may be old"})
	}
	return out
}

// span is how much of a resource is free over the nodes of a cause.
type span struct {
	least, most int64 // free
	allocatable int64 // of the largest node
	short       bool  // on any node
}

func spanOf(x *ResourceRoom, ms []member) span {
	s := span{least: x.Free, most: x.Free, allocatable: x.Allocatable, short: x.Short}
	for _, m := range ms {
		room := m.v.Detail.Evidence.Room
		if room == nil || room.NotExamined {
			continue
		}
		for _, y := range room.Resources {
			if y.Name == x.Name {
				s.least, s.most = min(s.least, y.Free), max(s.most, y.Free)
				s.allocatable, s.short = max(s.allocatable, y.Allocatable), s.short || y.Short
			}
		}
	}
	return s
}

// text sets what the pod asks of a resource against what there is.
func (s span) text(c *Cause, x *ResourceRoom) string {
	asks := quantity(x.Name, x.Asks)
	if c.Reason == SchedNeverFits && x.Asks > x.Allocatable {
		return fmt.Sprintf("asks %s; the node has %s in all", asks, quantity(x.Name, x.Allocatable))
	}
	free := quantity(x.Name, max(0, s.least))
	if s.most > s.least {
		free += " to " + quantity(x.Name, max(0, s.most))
	}
	where := "free"
	if len(c.Nodes) > 1 {
		where = "free on these nodes"
	}
	return fmt.Sprintf("asks %s; %s %s of %s", asks, where, free, quantity(x.Name, s.allocatable))
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
