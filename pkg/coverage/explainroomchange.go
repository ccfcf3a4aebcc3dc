package coverage

import (
	"fmt"
	"slices"
	"strings"
)

// roomChanges say what alone would let a pod that waits for room be
// scheduled. They change nothing about should-run. Without the pods of the
// node nothing can be promised.
func (x *explainer) roomChanges() []Change {
	p := x.r.pod(x.v)
	if p == nil || p.Node != "" || p.Deleted != 0 || p.Terminal() || !x.onlyRoomIsShort() || !x.r.Snapshot.PodsComplete(x.n.Name) {
		return nil
	}
	asks := x.asks()
	room := computeRoom(x.ix, x.v.Node, x.n, asks.pod)
	var out []Change
	add := func(do string) {
		n := x.shouldRunNodes(x.d.Rules, nil)
		out = append(out, Change{Where: inTemplate, Do: do, Effect: "the pod would fit", From: n, To: n})
	}
	if x.criticalHelps(asks) {
		add("set priorityClassName: system-node-critical")
	}
	if less, ok := requestAtMost(room); ok {
		add("request at most " + less)
	}
	if len(shortOf(room)) == 0 && len(room.HostPorts) > 0 {
		var ports []string
		for _, h := range room.HostPorts {
			if !slices.Contains(ports, h.Port) {
				ports = append(ports, h.Port)
			}
		}
		add("take another host port than " + strings.Join(ports, ", "))
	}
	return out
}

// onlyRoomIsShort reports whether nothing but room keeps the pod waiting.
func (x *explainer) onlyRoomIsShort() bool {
	reasons := []Reason{x.v.Reason}
	if x.v.Detail != nil {
		reasons = append(reasons, x.v.Detail.Contributing...)
	}
	for _, r := range reasons {
		switch r {
		case SchedInsufficient, SchedNeverFits, SchedTooManyPods, SchedNoVictims, SchedHostPort:
		default:
			return false
		}
	}
	return true
}

// criticalHelps asks whether the highest class could preempt enough.
func (x *explainer) criticalHelps(asks asking) bool {
	if asks.class == "system-node-critical" || asks.pod.Priority >= systemNodeCritical {
		return false
	}
	raised := *asks.pod
	raised.Priority = systemNodeCritical
	room := computeRoom(x.ix, x.v.Node, x.n, &raised)
	a := asks
	a.pod = &raised
	short := len(shortOf(room)) > 0 || len(room.HostPorts) > 0
	return short && x.preemptWord(a, room) == preemptPossible
}

// requestAtMost is what would fit as things are: only where what is short can
// be asked less of, and the host ports are free.
func requestAtMost(room *Room) (string, bool) {
	var out []string
	for _, s := range shortOf(room) {
		if s.Name == "pods" || s.Free <= 0 {
			return "", false
		}
		out = append(out, fmt.Sprintf("%s %s", s.Name, quantity(s.Name, s.Free)))
	}
	return strings.Join(out, ", "), len(out) > 0 && len(room.HostPorts) == 0
}
