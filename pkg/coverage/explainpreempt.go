package coverage

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

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
	switch room.Preemption {
	case preemptPossible, preemptUnderWay:
		x.rule("preemption", text, room.Preemption, false)
	default:
		x.rule("preemption", text, fail+", "+room.Preemption, true)
	}
	if room.Victims != nil {
		text := room.Victims.text()
		if room.Preemption == preemptPossible { // those that are ending are lost already
			text = strings.Join(append([]string{text}, room.Victims.against()...), "; ")
		}
		x.more("victims", text, "", false)
	}
	if text := room.noRaise(x.d); text != "" {
		x.more("", text, "", false)
	}
}

// shortText: 380m short; of several resources each with its name.
func shortText(room *Room) string {
	short := room.short()
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
	if room != nil && len(room.short()) == 0 && len(room.HostPorts) == 0 && onlyRoom(s.Reasons) {
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
