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
	room := computeRoom(x.ix, x.v.Node, x.n, asks.pod, x.r.Options.Now)
	const fits = "the pod would fit"
	var out []Change
	add := func(do, effect string) {
		n := x.shouldRunNodes(x.d.Rules, nil)
		out = append(out, Change{Where: inTemplate, Do: do, Effect: effect, From: n, To: n})
	}
	if less, ok := requestAtMost(room); ok {
		add("request at most "+less, fits)
	}
	if evicts, helps := room.raise(x.d); helps {
		add(highest, fits+"; evicts "+evicts)
	}
	if len(room.short()) == 0 && len(room.HostPorts) > 0 {
		var ports []string
		for _, h := range room.HostPorts {
			if !slices.Contains(ports, h.Port) {
				ports = append(ports, h.Port)
			}
		}
		add("take another host port than "+strings.Join(ports, ", "), fits)
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

// requestAtMost is what would fit as things are: only where what is short can
// be asked less of, and the host ports are free.
func requestAtMost(room *Room) (string, bool) {
	var out []string
	for _, s := range room.short() {
		if s.Name == "pods" || s.Free <= 0 {
			return "", false
		}
		out = append(out, fmt.Sprintf("%s %s", s.Name, quantity(s.Name, s.Free)))
	}
	return strings.Join(out, ", "), len(out) > 0 && len(room.HostPorts) == 0
}
