package present

import (
	"strings"
	"time"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// flightGrid is the columns of the nodes in flight.
type flightGrid struct {
	short  bool // of a narrow terminal: no zone, no pod
	domain string
	width  int
	flex   int
}

func newFlightGrid(width int, domain string) flightGrid {
	g := flightGrid{short: width < narrow, domain: domain, width: width, flex: 2}
	if g.short {
		g.flex = 1
	}
	return g
}

func (g flightGrid) heads() []cell {
	if g.short {
		return []cell{toned(strong, "NODE"), toned(strong, "STEP"), toned(strong, "FOR")}
	}
	return []cell{toned(strong, "NODE"), toned(strong, "ZONE"), toned(strong, "STEP"), toned(strong, "FOR"), toned(strong, "POD")}
}

func (g flightGrid) row(m *liveModel, f *rollout.FlightStatus) []cell {
	node := text(cut(Safe(strings.TrimSuffix(f.Node, g.domain)), g.width/3))
	how := none
	if !f.Since.IsZero() {
		how = span(m.now.Sub(f.Since))
	}
	step := text(Safe(m.step(f)))
	if g.short {
		return []cell{node, step, text(how)}
	}
	return []cell{node, text(cut(orNone(f.Zone), 16)), step, text(how), text(cut(orNone(f.Pod), g.width/4))}
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
	case rollout.WaitReconcile:
		return "next step under way"
	}
	if p, ok := causeWords[f.Code]; ok {
		return p.words + colon(said)
	}
	return string(f.Code)
}

// saidOf is what the newest decision says of a node beside the code.
func (m *liveModel) saidOf(f *rollout.FlightStatus) (message, gate string) {
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
