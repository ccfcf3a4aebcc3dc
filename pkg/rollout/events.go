package rollout

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// EventType names what happened.
type EventType string

// Events of a run.
const (
	EventStarted     EventType = "Started"
	EventPinned      EventType = "Pinned" // the target is known
	EventWaveStarted EventType = "WaveStarted"
	EventWaveDone    EventType = "WaveDone"
	EventNodeStarted EventType = "NodeStarted"
	EventPodDeleted  EventType = "PodDeleted"
	EventPodReady    EventType = "PodReady"
	EventGatePassed  EventType = "GatePassed"
	EventGateBlocked EventType = "GateBlocked"
	EventNodeDone    EventType = "NodeDone"
	EventNodeFailed  EventType = "NodeFailed"
	EventNodeSkipped EventType = "NodeSkipped"
	EventNodeJoined  EventType = "NodeJoined"
	EventNodeGone    EventType = "NodeGone"
	EventPaused      EventType = "Paused"
	EventStopped     EventType = "Stopped"
	EventResumed     EventType = "Resumed"
	EventUndoing     EventType = "Undoing"
	EventAborting    EventType = "Aborting"
	EventDrift       EventType = "Drift"
	EventTrouble     EventType = "Trouble"  // requests do not go through
	EventProgress    EventType = "Progress" // a heartbeat
	EventDone        EventType = "Done"
	EventUndone      EventType = "Undone"
	EventAborted     EventType = "Aborted"
)

// Event is one thing that happened. Which fields are set depends on the type;
// names and messages come from the cluster and are untrusted.
type Event struct {
	Type     EventType     `json:"type"`
	At       time.Time     `json:"at"`
	Run      string        `json:"run"`
	Wave     int           `json:"wave,omitempty"`
	Node     string        `json:"node,omitempty"`
	Pod      string        `json:"pod,omitempty"`
	Revision string        `json:"revision,omitempty"` // hash
	Number   int64         `json:"-"`                  // of Revision, where the event is the first to name it
	Gate     string        `json:"gate,omitempty"`
	Nodes    int           `json:"nodes,omitempty"`
	Done     int           `json:"done,omitempty"`
	Total    int           `json:"total,omitempty"`
	Taken    int           `json:"taken,omitempty"`
	Ceiling  int           `json:"ceiling,omitempty"`
	Took     time.Duration `json:"-"`
	Seconds  float64       `json:"seconds,omitempty"` // of Took
	Code     Code          `json:"code,omitempty"`
	Reason   string        `json:"reason,omitempty"`
	Message  string        `json:"message,omitempty"`
}

// Heartbeat is how often a driver says Progress where nothing else happens.
const Heartbeat = time.Minute

// Events compares two states of a run that were counted one after the other;
// before is nil at the beginning. In the order of what must be read first.
func Events(before, after *Status) []Event {
	e := &eventer{b: before, a: after}
	if before == nil {
		e.add(Event{Type: EventStarted, Revision: after.Target.Hash, Number: after.Target.Number, Nodes: after.Total})
		e.b = &Status{Phase: after.Phase, Because: after.Because, Target: after.Target, nodes: after.nodes, Joined: after.Joined, Gone: after.Gone,
			Failed: after.Failed, Rearms: after.Rearms, Drifted: after.Drifted, Flights: after.Flights, Waves: after.Waves}
		return e.out
	}
	if before.Target.Hash != after.Target.Hash {
		e.add(Event{Type: EventPinned, Revision: after.Target.Hash, Number: after.Target.Number})
	}
	e.drift()
	e.waves()
	e.nodes()
	e.crowd()
	e.phase()
	return e.out
}

type eventer struct {
	b, a *Status
	out  []Event
}

func (e *eventer) add(ev Event) {
	ev.At, ev.Run = e.a.At, e.a.Run
	ev.Seconds = ev.Took.Seconds()
	e.out = append(e.out, ev)
}

func (e *eventer) drift() {
	// On the way back it is the run itself that changes it, until that is pinned.
	turning := e.a.Phase == Undoing && e.a.Target.Hash != e.a.From.Hash
	if e.a.Drifted && !e.b.Drifted && !turning {
		e.add(Event{Type: EventDrift, Message: "the template is not the target any more"})
	}
	if e.a.Rearms > e.b.Rearms {
		e.add(Event{Type: EventDrift, Message: "updateStrategy was set back, and armed again"})
	}
}

func (e *eventer) waves() {
	for i := range min(len(e.a.Waves), len(e.b.Waves)) {
		was, is := &e.b.Waves[i], &e.a.Waves[i]
		if is.Begun && !was.Begun {
			e.add(Event{Type: EventWaveStarted, Wave: is.Number, Nodes: is.Nodes})
		}
	}
}

func (s *Status) flightOf(node string) *FlightStatus {
	for i := range s.Flights {
		if s.Flights[i].Node == node {
			return &s.Flights[i]
		}
	}
	return nil
}

func (e *eventer) nodes() {
	for i := range e.a.Flights {
		f := &e.a.Flights[i]
		if e.b.flightOf(f.Node) == nil {
			e.add(Event{Type: EventNodeStarted, Node: f.Node, Wave: f.Wave, Pod: f.Pod})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(e.a.nodes)) {
		if f := cmp.Or(e.a.flightOf(name), e.b.flightOf(name)); f != nil {
			e.pods(name, f.Wave)
		}
	}
	for i := range e.b.Flights {
		e.landed(&e.b.Flights[i])
	}
	for _, n := range e.a.Skipped {
		if !slices.Contains(e.b.Skipped, n) {
			e.add(Event{Type: EventNodeSkipped, Node: n})
		}
	}
	for _, f := range e.a.Failed {
		if !slices.Contains(e.b.Failed, f) {
			e.add(Event{Type: EventNodeFailed, Node: f.Node, Reason: f.Reason, Message: f.Message})
		}
	}
}

// pods tells what became of the pods of a node in flight.
func (e *eventer) pods(name string, wave int) {
	was, is := e.b.nodes[name], e.a.nodes[name]
	if was.pod != "" && !was.ending && (is.ending || is.uid != was.uid) {
		e.add(Event{Type: EventPodDeleted, Node: name, Wave: wave, Pod: was.pod, Revision: was.hash, Taken: len(e.a.Taken), Ceiling: e.a.Ceiling})
	}
	if is.available && (!was.available || was.uid != is.uid) && is.hash == e.a.Target.Hash {
		e.add(Event{Type: EventPodReady, Node: name, Wave: wave, Pod: is.pod, Revision: is.hash})
	}
}

func (e *eventer) landed(f *FlightStatus) {
	if e.a.flightOf(f.Node) != nil || slices.ContainsFunc(e.a.Failed, func(x Failure) bool { return x.Node == f.Node }) {
		return
	}
	n, ok := e.a.nodes[f.Node]
	if !ok || n.hash != e.a.Target.Hash || !n.available {
		return // released, skipped or gone
	}
	ev := Event{Type: EventNodeDone, Node: f.Node, Wave: f.Wave, Pod: n.pod, Done: e.a.Done, Total: e.a.Total, Taken: len(e.a.Taken), Ceiling: e.a.Ceiling}
	if !f.Since.IsZero() {
		ev.Took = e.a.At.Sub(f.Since)
	}
	e.add(ev)
	for _, w := range e.a.Waves {
		if w.Number == f.Wave && w.Done == w.Nodes {
			e.add(Event{Type: EventWaveDone, Wave: w.Number, Nodes: w.Nodes})
		}
	}
}

// crowd tells who came and who left.
func (e *eventer) crowd() {
	for _, n := range e.a.Joined {
		if !slices.Contains(e.b.Joined, n) {
			e.add(Event{Type: EventNodeJoined, Node: n, Revision: e.a.nodes[n].hash, Message: "came up on the template by itself; not one of the run's"})
		}
	}
	for _, n := range e.a.Gone {
		if !slices.Contains(e.b.Gone, n) {
			e.add(Event{Type: EventNodeGone, Node: n})
		}
	}
}

func (e *eventer) phase() {
	if e.a.Phase == e.b.Phase {
		return
	}
	ev := Event{Done: e.a.Done, Total: e.a.Total}
	if c := e.a.Because; c != nil {
		ev.Code, ev.Node, ev.Wave, ev.Gate, ev.Message = c.Code, c.Node, c.Wave, c.Gate, c.Message
	}
	switch e.a.Phase {
	case Paused:
		ev.Type = EventPaused
	case Stopped:
		if ev.Code == StopGate {
			gate := ev
			gate.Type = EventGateBlocked
			e.add(gate)
		}
		ev.Type = EventStopped
	case Undoing:
		// What is done counts for the old target until the template is back.
		ev.Type, ev.Done, ev.Total, ev.Nodes = EventUndoing, 0, 0, e.a.touched
	case Aborting:
		ev.Type = EventAborting
	case Running:
		if e.b.Phase != Paused && e.b.Phase != Stopped {
			return
		}
		ev.Type = EventResumed
	case Ended:
		ev.Type = map[Outcome]EventType{OutcomeDone: EventDone, OutcomeUndone: EventUndone, OutcomeAborted: EventAborted}[e.a.Outcome]
	default:
		return
	}
	e.add(ev)
}

// GateEvents tells which gates answered between two observations. One that
// holds is told of once.
func GateEvents(run string, before, after *Observed, now time.Time) []Event {
	var out []Event
	keys := slices.SortedFunc(maps.Keys(after.Gates), func(a, b GateKey) int {
		return cmp.Or(cmp.Compare(a.Wave, b.Wave), cmp.Compare(a.Node, b.Node), cmp.Compare(a.Gate, b.Gate))
	})
	for _, k := range keys {
		is, was := after.Gates[k], GateSeen{}
		if before != nil {
			was = before.Gates[k]
		}
		held := is.Outcome == GateHold && was.Outcome == GateHold && was.Reason == is.Reason // for as long as it does
		if was.At.Equal(is.At) || held || is.Outcome == "" || is.Running {
			continue
		}
		ev := Event{Type: EventGatePassed, At: now, Run: run, Gate: k.Gate, Node: k.Node, Wave: k.Wave, Reason: string(is.Outcome), Message: is.Reason}
		if is.Outcome != GatePass {
			ev.Type = EventGateBlocked
		}
		out = append(out, ev)
	}
	return out
}

// ProgressEvent is the heartbeat: how far the run is, and what it waits for.
func ProgressEvent(s *Status, w *Wait) Event {
	ev := Event{Type: EventProgress, At: s.At, Run: s.Run, Done: s.Done, Total: s.Total, Taken: len(s.Taken), Ceiling: s.Ceiling}
	if w != nil {
		c := w.Because[0]
		ev.Code, ev.Node, ev.Wave, ev.Gate, ev.Message = c.Code, c.Node, c.Wave, c.Gate, c.Message
	}
	return ev
}
