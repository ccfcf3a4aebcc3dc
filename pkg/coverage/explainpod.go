package coverage

import (
	"fmt"
	"strings"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// podLines say which pod there is, and what the controller made of it.
func (x *explainer) podLines() {
	p := x.r.pod(x.v)
	e := &Evidence{}
	if x.v.Detail != nil {
		e = &x.v.Detail.Evidence
	}
	switch {
	case x.v.State == Unknown:
		x.rule("pod", "cannot tell: "+orNone(e.Unread), "unknown", true)
	case p == nil && e.Event != nil:
		x.rule("pod", "none on this node, none pinned to it", fail, true)
		x.more("event", x.r.eventText(e.Event), "", false)
	case p == nil && x.v.State == Missing:
		x.rule("pod", "none on this node, none pinned to it; "+x.r.message(x.d, x.v), fail, true)
	case p == nil:
		x.rule("pod", "none on this node, none pinned to it", none, false)
	default:
		x.rule("pod", x.podText(p), x.podResult(), x.v.State == Unready)
	}
}

func (x *explainer) podText(p *snapshot.Pod) string {
	parts := []string{p.Name}
	switch {
	case p.Node == "":
		parts = append(parts, "pinned to this node, not bound")
	default:
		parts = append(parts, "bound to this node")
	}
	parts = append(parts, "phase "+orNone(string(p.Phase)))
	if p.Ready {
		parts = append(parts, "Ready for "+age(x.r.Options.Now, p.ReadySince))
	}
	if p.Deleted != 0 {
		parts = append(parts, "Terminating")
	}
	if h := p.Labels[hashLabel]; h != "" {
		which := "another revision"
		if h == x.d.Revision.Hash {
			which = "current"
		}
		parts = append(parts, fmt.Sprintf("revision %s (%s)", h, which))
	}
	if p.Restarts > 0 {
		parts = append(parts, count(int(p.Restarts), "restart"))
	}
	return strings.Join(parts, ", ")
}

func (x *explainer) podResult() string {
	switch x.v.State {
	case Covered, Outdated:
		return "available"
	case Unready:
		return "not available"
	default:
		return none
	}
}

// wouldFit asks whether a pod of the template would find room, where none is.
func (x *explainer) wouldFit() {
	asks := TemplateRequests(&x.d.DaemonSet.Spec.Template.Spec)
	p := &snapshot.Pod{Requests: asks}
	if ports := snapshot.HostPortsOf(&x.d.DaemonSet.Spec.Template.Spec); len(ports) > 0 {
		p.HostPorts = &ports
	}
	x.room(p)
}

// roomLines print our own arithmetic on the node beside the scheduler's word.
func (x *explainer) roomLines() {
	p := x.r.pod(x.v)
	if p == nil {
		x.wouldFit()
		return
	}
	if p.Node != "" {
		return // it has its room
	}
	x.room(p)
	if x.v.Detail == nil || x.v.Detail.Evidence.Scheduler == nil {
		return
	}
	s := x.v.Detail.Evidence.Scheduler
	text := strings.Join(s.Reasons, ", ")
	if text == "" {
		text = capped(s.Message, maxWords)
	} else {
		text += " (the other nodes' share of the message is left out)"
	}
	x.more("scheduler", text, "", false)
}

func (x *explainer) room(p *snapshot.Pod) {
	if !x.r.Snapshot.PodsComplete(x.n.Name) {
		x.rule("room", "not examined: the pods of this node were not read", none, false)
		return
	}
	room := computeRoom(x.ix, x.v.Node, x.n, p)
	pods := len(x.ix.bound(x.v.Node))
	var fits []string
	var short []string
	for _, res := range room.Resources {
		if !res.Short {
			fits = append(fits, fmt.Sprintf("%s %s of %s free", res.Name, quantity(res.Name, res.Free), quantity(res.Name, res.Allocatable)))
			continue
		}
		short = append(short, res.Name)
		x.roomRule(fmt.Sprintf("%s asks %s; allocatable %s - %s bound by %s = %s free", res.Name, quantity(res.Name, res.Asks),
			quantity(res.Name, res.Allocatable), quantity(res.Name, res.Bound), count(pods, "pod"), quantity(res.Name, max(0, res.Free))), fail, len(short) > 1)
	}
	for _, h := range room.HostPorts {
		x.roomRule("port "+h.Port+" is held by "+h.Pod, fail, len(short) > 0)
		short = append(short, "port")
	}
	text := orNone(strings.Join(fits, ", "))
	if len(room.HostPorts) == 0 {
		if p.HostPorts == nil {
			text += "; no host ports"
		} else {
			text += "; host ports free"
		}
	}
	x.roomRule(text, pass, len(short) > 0)
	if len(short) == 0 {
		return
	}
	x.preemption(room)
}

func (x *explainer) roomRule(text, result string, continued bool) {
	if continued {
		x.more("", text, result, result == fail)
		return
	}
	x.rule("room", text, result, result == fail)
}

func (x *explainer) preemption(room *Room) {
	class := x.d.DaemonSet.Spec.Template.Spec.PriorityClassName
	if class == "" {
		class = "no class"
	}
	text := fmt.Sprintf("priority %d (%s)", room.Priority, class)
	if room.LowestPriority != nil {
		text += fmt.Sprintf("; lowest holder has %d", *room.LowestPriority)
	}
	for _, res := range room.Resources {
		if res.Short {
			text += fmt.Sprintf("; %s of %s short", quantity(res.Name, res.Asks-max(0, res.Free)), res.Name)
		}
	}
	result, failed := fail+", "+room.Preemption, true
	if room.Preemption == preemptPossible {
		result, failed = "possible", false
	}
	x.rule("preemption", text, result, failed)
	if names := holderText(room); names != "" {
		x.more("holders", names, "", false)
	}
}

// containerLine says what keeps a bound pod from being ready.
func (x *explainer) containerLine() {
	if x.v.State != Unready || x.v.Detail == nil {
		return
	}
	e := &x.v.Detail.Evidence
	if c := e.Condition; c != nil && x.ix.ready[x.v.Node] != "True" {
		x.rule("node", x.r.conditionText(c), fail, true)
	}
	if c := e.Container; c != nil {
		x.rule("container", strings.TrimPrefix(containerMessage(c), "container "), fail, true)
	}
	if ev := e.Event; ev != nil {
		x.more("event", x.r.eventText(ev), "", false)
	}
}
