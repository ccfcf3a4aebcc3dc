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
	EventHeld        EventType = "Held"     // hold has put the older template back
	EventTrouble     EventType = "Trouble"  // requests do not go through; for who looks on, the driver is silent
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

// Events compares two states of a run that were counted one after the other;
// before is nil at the beginning. They come in the order in which they
// happened as far as that shows: what lands, then the wave that is over by it,
// then what is started. Which waves were told to be over is noted in after,
// which is the before of the next call.
func Events(before, after *Status) []Event {
	e := &eventer{b: before, a: after}
	if before == nil {
		e.begin()
		return e.out
	}
	if before.Target.Hash != after.Target.Hash {
		e.add(Event{Type: EventPinned, Revision: after.Target.Hash, Number: after.Target.Number})
	}
	e.drift()
	e.landing()
	e.waves()
	e.starting()
	e.crowd()
	e.phase()
	e.window()
	return e.out
}

// begin tells how a run stands that is looked at for the first time.
func (e *eventer) begin() {
	e.b = &Status{}
	e.add(Event{Type: EventStarted, Revision: e.a.Target.Hash, Number: e.a.Target.Number, Nodes: e.a.Total})
	if !e.a.Started.IsZero() {
		e.out[0].At = e.a.Started
	}
	e.a.over = e.a.wavesOver()
	switch e.a.Phase {
	case Paused, Stopped, Ended:
		e.phase()
		if c := e.a.Because; c != nil && c.Since != nil {
			e.out[1].At = c.Since.Time
		}
	default:
		e.window()
	}
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
	// Where it goes back it is the run itself that changes it.
	if e.a.Drifted && !e.a.turning && (!e.b.Drifted || e.b.turning) {
		e.add(Event{Type: EventDrift, Message: "the template is not the target any more"})
	}
	if e.a.Held && !e.b.Held {
		e.add(Event{Type: EventHeld, Revision: e.a.From.Hash, Number: e.a.From.Number, Message: "hold: the older template is back, no pod was touched"})
	}
	if e.a.Rearms > e.b.Rearms {
		e.add(Event{Type: EventDrift, Message: "updateStrategy was set back, and armed again"})
	}
}

// waves tells of each wave once that it is over, and before the next one
// starts. On the way back there are none.
func (e *eventer) waves() {
	e.a.over = slices.Clone(e.b.over)
	if e.a.back {
		return
	}
	for _, n := range e.a.wavesOver() {
		if !slices.Contains(e.a.over, n) {
			e.a.over = append(e.a.over, n)
			e.add(e.waveDone(n))
		}
	}
	for i := range min(len(e.a.Waves), len(e.b.Waves)) {
		was, is := &e.b.Waves[i], &e.a.Waves[i]
		if is.Begun && !was.Begun {
			e.add(Event{Type: EventWaveStarted, Wave: is.Number, Nodes: is.Nodes})
		}
	}
}

func (e *eventer) waveDone(number int) Event {
	w := &e.a.Waves[number-1]
	ev := Event{Type: EventWaveDone, Wave: number, Nodes: w.Nodes}
	if n := w.Nodes - w.Done; n > 0 {
		ev.Message = countOf(n, "node") + " failed, skipped or passed by"
	}
	return ev
}

// wavesOver are the waves that began and that nothing more is begun in: all
// their nodes are done, or a later wave has begun, or the run has come to its
// end.
func (s *Status) wavesOver() []int {
	var out []int
	later := s.Outcome == OutcomeDone
	for _, w := range slices.Backward(s.Waves) {
		if w.Begun && (later || w.Done == w.Nodes) {
			out = append(out, w.Number)
		}
		later = later || w.Begun
	}
	slices.Reverse(out)
	return out
}

// has reports whether a node is there.
func (s *Status) has(node string) bool {
	_, ok := s.nodes[node]
	return ok
}

func (s *Status) flightOf(node string) *FlightStatus {
	for i := range s.Flights {
		if s.Flights[i].Node == node {
			return &s.Flights[i]
		}
	}
	return nil
}

// landing tells of nodes that were in flight.
func (e *eventer) landing() {
	for i := range e.b.Flights {
		if f := &e.b.Flights[i]; e.a.has(f.Node) {
			e.pods(f.Node, f.Wave)
		}
	}
	var landed []*FlightStatus
	for i := range e.b.Flights {
		if f := &e.b.Flights[i]; e.landed(f) {
			landed = append(landed, f)
		}
	}
	taken := len(e.a.Taken) - e.begunNow()
	for i, f := range landed {
		e.nodeDone(f, len(landed)-1-i, taken)
	}
	for _, n := range e.a.Skipped {
		if !slices.Contains(e.b.Skipped, n) {
			e.add(Event{Type: EventNodeSkipped, Node: n})
		}
	}
	for _, f := range e.a.Failed {
		if !slices.ContainsFunc(e.b.Failed, func(x Failure) bool { return x.Node == f.Node }) {
			e.add(Event{Type: EventNodeFailed, Node: f.Node, Reason: f.Reason, Message: f.Message})
		}
	}
}

// starting tells of nodes that were put in flight.
func (e *eventer) starting() {
	var begun []*FlightStatus
	for i := range e.a.Flights {
		if f := &e.a.Flights[i]; e.b.flightOf(f.Node) == nil {
			e.add(Event{Type: EventNodeStarted, Node: f.Node, Wave: f.Wave, Pod: f.Pod})
			begun = append(begun, f)
		}
	}
	for _, f := range begun {
		e.pods(f.Node, f.Wave)
	}
}

// begunNow counts the places that nodes take which are put in flight now.
func (e *eventer) begunNow() int {
	count := 0
	for i := range e.a.Flights {
		if n := e.a.Flights[i].Node; e.b.flightOf(n) == nil && !slices.Contains(e.b.Taken, n) {
			count++
		}
	}
	return count
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

// landed reports whether a node that was in flight is done; else it was
// released, skipped, has failed or is gone.
func (e *eventer) landed(f *FlightStatus) bool {
	if e.a.flightOf(f.Node) != nil || slices.ContainsFunc(e.a.Failed, func(x Failure) bool { return x.Node == f.Node }) {
		return false
	}
	n, ok := e.a.nodes[f.Node]
	return ok && n.hash == e.a.Target.Hash && n.available
}

// nodeDone tells of one of the nodes that landed at once: after is how many of
// them are told of after it, so that each has its own figures.
func (e *eventer) nodeDone(f *FlightStatus, after, taken int) {
	ev := Event{Type: EventNodeDone, Node: f.Node, Wave: f.Wave, Pod: e.a.nodes[f.Node].pod,
		Done: max(0, e.a.Done-after), Total: e.a.Total, Taken: min(taken+after, e.a.Ceiling), Ceiling: e.a.Ceiling}
	if !f.Since.IsZero() {
		ev.Took = e.a.At.Sub(f.Since)
	}
	e.add(ev)
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
		ev.Type = EventStopped
	case Undoing:
		// What is done counts for the old target until the template is back.
		ev.Type, ev.Done, ev.Total, ev.Nodes = EventUndoing, 0, 0, e.a.touched
	case Aborting:
		ev.Type = EventAborting
	case Running, Arming:
		if e.b.Phase != Paused && e.b.Phase != Stopped {
			return
		}
		ev.Type = EventResumed
	case Ended:
		ev.Type = map[Outcome]EventType{OutcomeDone: EventDone, OutcomeUndone: EventUndone, OutcomeAborted: EventAborted}[e.a.Outcome]
		if e.a.Outcome == "" { // it was called off before anything was changed
			ev.Type = EventStopped
		}
	default:
		return
	}
	e.add(ev)
}

// window tells of a run that waits for its window. Nothing is stored of that.
func (e *eventer) window() {
	switch was, is := e.b.Waits, e.a.Waits; {
	case is != nil && was == nil:
		e.add(Event{Type: EventPaused, Done: e.a.Done, Total: e.a.Total, Code: is.Code, Message: is.opens()})
	case is == nil && was != nil && e.a.Phase == e.b.Phase:
		e.add(Event{Type: EventResumed})
	}
}

// opens says when a closed window opens, and what else there is to say of a
// cause.
func (c *Cause) opens() string {
	if c.Code == WaitWindow && c.Since != nil {
		return "it opens at " + c.Since.UTC().Format(time.RFC3339)
	}
	return c.Message
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
