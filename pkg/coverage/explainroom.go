package coverage

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// roomLines set our own arithmetic on the node beside the scheduler's word:
// for a pod that waits, for one that is bound, or for one that would be made.
func (x *explainer) roomLines() {
	if !x.r.Snapshot.PodsComplete(x.n.Name) {
		x.rule("room", "not examined: the pods of this node were not read", none, false)
		x.scheduler(nil)
		return
	}
	asks := x.asks()
	room := computeRoom(x.ix, x.v.Node, x.n, asks.pod, x.r.Options.Now)
	x.room(asks, room)
	x.scheduler(room)
}

// asking is the pod whose room is asked for.
type asking struct {
	pod   *snapshot.Pod
	bound bool   // it has its room
	class string // priority class
	// priorityKnown is false where no pod tells what the class is worth.
	priorityKnown bool
	// whose says whose figures these are; empty for the pod's own, and for those
	// on which template and pods agree.
	whose string
}

// asks picks the pod of the node; where there is none that lives, one made of
// the template, as the controller would make it.
func (x *explainer) asks() asking {
	if p := x.r.pod(x.v); p != nil && !p.Terminal() && p.Requests != nil {
		a := asking{pod: p, bound: p.Node != "", class: x.d.DaemonSet.Spec.Template.Spec.PriorityClassName, priorityKnown: true}
		if p.Full != nil {
			a.class = p.Full.Spec.PriorityClassName
		}
		return a
	}
	p := templatePod(&x.d.DaemonSet.Spec.Template.Spec)
	p.UID = "-" // as no pod has: none of the node is taken for it
	a := asking{pod: &p, class: x.d.DaemonSet.Spec.Template.Spec.PriorityClassName}
	p.Priority, a.priorityKnown = x.templatePriority()
	switch made, n := x.made(); {
	case n < 2:
		a.whose = "what the template asks; admission may change it"
	case !made.Requests.Equal(p.Requests):
		a.whose = fmt.Sprintf("what %d pods of this revision were made with; the template asks something else", n)
		fallthrough
	default:
		p.Requests, p.HostPorts = made.Requests, made.HostPorts
	}
	return a
}

// siblings are the pods of the current revision.
func (x *explainer) siblings() []*snapshot.Pod {
	var out []*snapshot.Pod
	for _, i := range x.ix.byOwner[x.d.DaemonSet.UID] {
		if p := &x.r.Snapshot.Pods[i]; x.target.updated(p) && p.Requests != nil {
			out = append(out, p)
		}
	}
	return out
}

// made is a sibling that shows what admission makes of the template, and how
// many ask the same; 0 where they differ. One that was changed since, as by a
// resize in place, tells nothing of the next one.
func (x *explainer) made() (*snapshot.Pod, int) {
	all := slices.DeleteFunc(x.siblings(), func(p *snapshot.Pod) bool { return p.Changed })
	if len(all) == 0 || slices.ContainsFunc(all, func(p *snapshot.Pod) bool { return !p.Requests.Equal(all[0].Requests) }) {
		return nil, 0
	}
	return all[0], len(all)
}

// templatePriority is what the priority class of the template is worth: the
// two of the system have values that never change (pkg/apis/scheduling,
// v1.37.2), of others the pods tell.
func (x *explainer) templatePriority() (int32, bool) {
	spec := &x.d.DaemonSet.Spec.Template.Spec
	switch {
	case spec.Priority != nil:
		return *spec.Priority, true
	case spec.PriorityClassName == "system-node-critical":
		return systemNodeCritical, true
	case spec.PriorityClassName == "system-cluster-critical":
		return systemNodeCritical - 1000, true
	}
	if all := x.siblings(); len(all) > 0 { // a priority never changes
		return all[0].Priority, true
	}
	return 0, spec.PriorityClassName == ""
}

// room prints what the pod asks and what is free; where something is short,
// how that comes, whether preemption helps, and who holds it.
func (x *explainer) room(asks asking, room *Room) {
	short := room.short()
	if len(short) == 0 && len(room.HostPorts) == 0 {
		result, text := pass, unlistedText(asks, room)
		if text != "" {
			result = unknown
		}
		x.rule("room", x.fitText(asks, room), result, false)
		if text != "" {
			x.more("", text, "", false)
		}
		x.whose(asks)
		return
	}
	result, failed := fail, true
	if asks.bound { // it runs beyond what the scheduler would allow
		result, failed = "no, but bound", false
	}
	say := func(text, result string, failed bool) {
		if x.inRoom() {
			x.more("", text, result, failed)
			return
		}
		x.rule("room", text, result, failed)
	}
	for _, s := range short {
		bound := fmt.Sprintf("%s bound by %s", quantity(s.Name, s.Bound), count(len(room.bound), "pod"))
		if s.Reserved > 0 {
			bound += " - " + quantity(s.Name, s.Reserved) + " reserved"
		}
		say(fmt.Sprintf("%s asks %s; allocatable %s - %s = %s free", s.Name, quantity(s.Name, s.Asks),
			quantity(s.Name, s.Allocatable), bound, signed(s.Name, s.Free)), result, failed)
	}
	for _, h := range room.HostPorts {
		say("host port "+h.Port+" is held by "+h.Pod, result, failed)
	}
	if text := restText(asks, room); text != "" {
		say(text, pass, false)
	}
	if text := unlistedText(asks, room); text != "" {
		say(text, unknown, false)
	}
	x.whose(asks)
	if asks.bound {
		return
	}
	x.preemption(asks, room)
	if text := nominatedText(room); text != "" {
		x.more("reserved", text, "", false)
	}
	for _, text := range room.holderTexts() {
		x.more("holders", text, "", false)
	}
}

func (x *explainer) whose(asks asking) {
	if asks.whose != "" {
		x.more("asks", asks.whose, "", false)
	}
}

// inRoom reports whether the rule above is that of the room.
func (x *explainer) inRoom() bool {
	for _, l := range slices.Backward(x.lines) {
		if l.Number != 0 {
			return l.Rule == "room"
		}
	}
	return false
}

// fitText: asks cpu 30m, memory 120Mi; free 41220m, 913Gi; no host ports.
func (x *explainer) fitText(asks asking, room *Room) string {
	var wants, free []string
	text := "asks no resources"
	for _, s := range room.Resources {
		if s.Name == string(corev1.ResourcePods) {
			text += fmt.Sprintf("; pods %d of %d", s.Bound+s.Asks, s.Allocatable)
			continue
		}
		wants = append(wants, s.Name+" "+quantity(s.Name, s.Asks))
		if s.Unlisted {
			free = append(free, "not listed by the node")
			continue
		}
		free = append(free, quantity(s.Name, s.Free))
	}
	if len(wants) > 0 {
		text = fmt.Sprintf("asks %s; free %s", strings.Join(wants, ", "), strings.Join(free, ", "))
	}
	if asks.bound {
		text = strings.Replace(text, "; free ", "; free without it ", 1)
	}
	return text + "; " + portText(asks.pod)
}

func portText(p *snapshot.Pod) string {
	if p.HostPorts == nil {
		return "no host ports"
	}
	var ports []string
	for _, h := range *p.HostPorts {
		ports = append(ports, fmt.Sprintf("%d/%s", h.Port, h.Protocol))
	}
	return "host ports free: " + strings.Join(ports, ", ")
}

// unlistedText names what the node does not list: only a pod that is bound shows
// that there is some of it.
func unlistedText(asks asking, room *Room) string {
	var names []string
	for _, s := range room.Resources {
		if s.Unlisted && !asks.bound {
			names = append(names, s.Name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return strings.Join(names, ", ") + ": not listed by the node; cannot be known without DeviceClasses, which may stand for it"
}

// restText names what is not short, beside what is.
func restText(asks asking, room *Room) string {
	var out []string
	for _, s := range room.Resources {
		switch {
		case s.Short, s.Unlisted && !asks.bound:
		case s.Name == string(corev1.ResourcePods):
			out = append(out, fmt.Sprintf("pods (%d of %d)", s.Bound+s.Asks, s.Allocatable))
		case s.Unlisted:
			out = append(out, s.Name+" (not listed by the node)")
		default:
			out = append(out, s.Name)
		}
	}
	if len(room.HostPorts) == 0 {
		out = append(out, "host ports")
	}
	return strings.Join(out, ", ")
}

// signed prints a quantity that may be less than nothing.
func signed(name string, v int64) string {
	if v < 0 {
		return "-" + quantity(name, -v)
	}
	return quantity(name, v)
}
