package present

import (
	"strings"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// eventRows are the newest n events, the newest first.
func (m *liveModel) eventRows(n int) [][]cell {
	var out [][]cell
	for i := range n {
		ev := &m.events[len(m.events)-1-i]
		out = append(out, []cell{
			text(shortClock(ev.At)), toned(toneOfEvent(ev.Type), Safe(string(ev.Type))), text(cut(Safe(ev.Node), m.width/3)), text(m.st.detail(ev)),
		})
	}
	return out
}

// eventLine is an event as it is printed above the view.
func (st *streamState) eventLine(ev *rollout.Event) string {
	parts := []string{shortClock(ev.At) + gap + pad(Safe(string(ev.Type)), len("GateBlocked"))}
	if ev.Node != "" {
		parts = append(parts, Safe(ev.Node))
	}
	if d := st.detail(ev); d != "" {
		parts = append(parts, d)
	}
	return strings.TrimRight(strings.Join(parts, gap), " ")
}

func toneOfEvent(t rollout.EventType) tone {
	switch t {
	case rollout.EventNodeFailed, rollout.EventStopped, rollout.EventGateBlocked:
		return bad
	case rollout.EventPaused, rollout.EventDrift, rollout.EventHeld, rollout.EventTrouble, rollout.EventUndoing, rollout.EventAborting, rollout.EventAborted:
		return warn
	default:
		return plain
	}
}

// detail is what a person wants to know of an event beside its node; escaped.
func (st *streamState) detail(ev *rollout.Event) string {
	switch ev.Type {
	case rollout.EventPodDeleted, rollout.EventPodReady:
		return Safe(st.podDetail(ev))
	case rollout.EventNodeStarted, rollout.EventPodEvicted:
		return Safe(ev.Pod)
	case rollout.EventNodeDone:
		if ev.Took > 0 {
			return span(ev.Took)
		}
		return ""
	case rollout.EventWaveStarted, rollout.EventWaveDone:
		return waveTitle(st, ev.Wave) + ", " + plural(ev.Nodes, "node")
	case rollout.EventStarted, rollout.EventPinned:
		return st.startDetail(ev)
	case rollout.EventGatePassed, rollout.EventGateBlocked:
		return Safe(strings.TrimSpace(ev.Gate + colon(strings.TrimSpace(ev.Reason+" "+ev.Message))))
	case rollout.EventNodeFailed:
		return Safe(strings.TrimSuffix(ev.Reason+": "+ev.Message, ": "))
	default:
	}
	if why := st.why(ev); why != "" {
		return Safe(why)
	}
	return Safe(ev.Message)
}

func (st *streamState) podDetail(ev *rollout.Event) string {
	out := ev.Pod
	if r := st.revision(ev.Revision); r != "" {
		out += " (" + r + ")"
	}
	if ev.Type == rollout.EventPodReady && ev.Took > 0 {
		out += " after " + span(ev.Took)
	}
	return out
}

func (st *streamState) startDetail(ev *rollout.Event) string {
	out := ""
	if r := st.revision(ev.Revision); r != "" {
		out = "revision " + r
	}
	if ev.Nodes > 0 {
		out += ", " + plural(ev.Nodes, "node")
	}
	return Safe(strings.TrimPrefix(out, ", "))
}

func waveTitle(st *streamState, wave int) string {
	if st.canary(wave) {
		return "canary"
	}
	return waveNumber(wave)
}
