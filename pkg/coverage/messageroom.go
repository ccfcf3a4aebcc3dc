package coverage

import (
	"fmt"
	"strings"
)

// roomMessage says what the node has too little of, by our own arithmetic;
// empty where that says nothing.
func roomMessage(reason Reason, room *Room) string {
	switch {
	case room == nil:
		return ""
	case reason == SchedNeverFits:
		return neverLine(room)
	case reason == SchedHostPort && len(room.HostPorts) > 0:
		h := room.HostPorts[0]
		return fmt.Sprintf("port %s is held by %s", h.Port, h.Pod)
	case room.NotExamined:
		return ""
	}
	return shortLine(room)
}

// shortLine says what is short on the node: cpu asks 500m; free 120m of 1930m.
func shortLine(room *Room) string {
	var out []string
	for _, x := range room.Resources {
		if x.Short {
			out = append(out, fmt.Sprintf("%s asks %s; free %s of %s", x.Name,
				quantity(x.Name, x.Asks), quantity(x.Name, max(0, x.Free)), quantity(x.Name, x.Allocatable)))
		}
	}
	if len(out) == 0 {
		return ""
	}
	return strings.Join(out, ", ") + preemptionText(room)
}

// neverLine says of what the pod asks more than the node has in all.
func neverLine(room *Room) string {
	var out []string
	for _, x := range room.Resources {
		if x.Short && x.Asks > x.Allocatable {
			out = append(out, fmt.Sprintf("%s asks %s; the node has %s in all", x.Name,
				quantity(x.Name, x.Asks), quantity(x.Name, x.Allocatable)))
		}
	}
	if len(out) == 0 { // nothing but the scheduler's word, where no pods were read
		return "asks more than the node has in all"
	}
	return strings.Join(out, ", ")
}

// roomDoubt says why the scheduler's word stands without our arithmetic.
func roomDoubt(room *Room) string {
	switch {
	case room == nil || len(room.HostPorts) > 0:
		return ""
	case room.NotExamined && room.Preemption == preemptUnderWay:
		return preemptionText(room)
	case room.NotExamined && room.LikeNode != "":
		return "; the pods of the node were not read: " + room.LikeNode + ", of the same size, was examined"
	case room.NotExamined:
		return "; the pods of the node were not read"
	default:
		return "; our own arithmetic finds room: the message may be old"
	}
}

func preemptionText(room *Room) string {
	switch room.Preemption {
	case preemptNoVictims:
		return fmt.Sprintf("; priority %d and no holder is lower: no preemption", room.Priority)
	case preemptNever:
		return "; preemptionPolicy Never: no preemption"
	case preemptNotEnough:
		return "; preempting all of lower priority would not be enough"
	case preemptPossible:
		return "; preemption is possible"
	case preemptUnderWay:
		return "; preemption is under way"
	}
	return ""
}
