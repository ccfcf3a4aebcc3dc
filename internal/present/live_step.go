package present

import (
	"strings"
	"time"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// flightGrid is the columns of the nodes in flight. Zone and pod are left out
// where the step, which is what a person waits for, would have no room.
type flightGrid struct {
	zone, pod bool
	domain    string // that all nodes share
	width     int
}

// stepRoom is what a step needs to be read.
const stepRoom = 36

func newFlightGrid(cols int, flights []rollout.FlightStatus) flightGrid {
	all := make([]string, len(flights))
	for i := range flights {
		all[i] = flights[i].Node
	}
	g := flightGrid{domain: commonDomain(all), width: cols}
	var node, zone, pod int
	for i := range flights {
		f := &flights[i]
		node, zone, pod = max(node, width(g.node(f))), max(zone, width(g.zoneOf(f))), max(pod, width(g.podOf(f)))
	}
	room := cols - node - width("59m59s") - 2*len(gap) - stepRoom
	g.zone = cols >= narrow && room >= zone+len(gap)
	g.pod = g.zone && room >= zone+pod+2*len(gap)
	return g
}

func (g flightGrid) node(f *rollout.FlightStatus) string {
	return cut(Safe(strings.TrimSuffix(f.Node, g.domain)), g.width/3)
}

func (g flightGrid) zoneOf(f *rollout.FlightStatus) string { return cut(orNone(f.Zone), 16) }
func (g flightGrid) podOf(f *rollout.FlightStatus) string  { return cut(orNone(f.Pod), g.width/4) }

// step is the index of the column that gives way.
func (g flightGrid) step() int {
	if g.zone {
		return 2
	}
	return 1
}

func (g flightGrid) cells(node, zone, step, how, pod cell) []cell {
	out := []cell{node}
	if g.zone {
		out = append(out, zone)
	}
	out = append(out, step, how)
	if g.pod {
		out = append(out, pod)
	}
	return out
}

func (g flightGrid) heads() []cell {
	return g.cells(toned(strong, "NODE"), toned(strong, "ZONE"), toned(strong, "STEP"), toned(strong, "FOR"), toned(strong, "POD"))
}

func (g flightGrid) row(m *liveModel, f *rollout.FlightStatus) []cell {
	how := none
	if !f.Since.IsZero() {
		how = span(m.now.Sub(f.Since))
	}
	return g.cells(text(g.node(f)), text(g.zoneOf(f)), text(Safe(m.step(f))), text(how), text(g.podOf(f)))
}

// step is where a node in flight stands; unescaped.
func (m *liveModel) step(f *rollout.FlightStatus) string {
	said, gate := m.saidOf(f)
	switch f.Code {
	case rollout.WaitSoak:
		soaked, whole := soakOf(f, m.st.status.At)
		soaked = min(soaked+max(m.now.Sub(m.st.status.At), 0), whole)
		return "soak: available " + span(soaked) + " of " + span(whole)
	case rollout.WaitTerminating:
		return "old pod: Terminating" + m.atMost(f)
	case rollout.WaitNewPod:
		return "new pod: not made yet" + m.atMost(f)
	case rollout.WaitAvailable:
		return "new pod: not available yet" + m.atMost(f)
	case rollout.WaitGate:
		return strings.TrimSpace("gate: "+gate) + colon(said)
	case rollout.WaitDrain:
		return "drain" + colon(said) + m.atMost(f)
	case rollout.WaitJobs:
		return "jobs still run" + colon(said) + m.atMost(f)
	case rollout.WaitNode:
		return "node: not Ready" + m.atMost(f)
	case rollout.WaitStep:
		return "next step under way"
	default:
	}
	if p, ok := causeWords[f.Code]; ok {
		return p.words + colon(said)
	}
	return string(f.Code)
}

// saidOf is what the newest decision says of a node beside the code.
func (m *liveModel) saidOf(f *rollout.FlightStatus) (message, gate string) {
	if f.Gate != "" {
		return f.Said, f.Gate
	}
	if m.st.wait == nil {
		return "", ""
	}
	for _, c := range m.st.wait.Because {
		if c.Node == f.Node && c.Code == f.Code {
			return c.Message, c.Gate
		}
	}
	return "", ""
}

// atMost is until when is waited: then the node counts as failed.
func (m *liveModel) atMost(f *rollout.FlightStatus) string {
	left := f.Until.Sub(m.now)
	if f.Until.IsZero() || left < time.Second {
		return ""
	}
	return ", at most " + span(left) + " more"
}

func colon(s string) string {
	if s == "" {
		return ""
	}
	return ": " + s
}
