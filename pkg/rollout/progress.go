package rollout

import "time"

// Heartbeat is how often a driver says Progress where nothing else happens.
const Heartbeat = time.Minute

// ProgressEvent is the heartbeat: how far the run is, and what it waits for. For
// who did not decide, w is nil, and the status tells as far as it shows.
func ProgressEvent(s *Status, w *Wait) Event {
	ev := Event{Type: EventProgress, At: s.At, Run: s.Run, Done: s.Done, Total: s.Total, Taken: len(s.Taken), Ceiling: s.Ceiling}
	if c := s.waitsFor(w); c != nil {
		ev.Code, ev.Node, ev.Wave, ev.Gate, ev.Message = c.Code, c.Node, c.Wave, c.Gate, c.opens()
	}
	return ev
}

// waitsFor is the first thing that a run waits for; nil for none.
func (s *Status) waitsFor(w *Wait) *Cause {
	switch {
	case w != nil:
		return &w.Because[0]
	case s.Because != nil:
		return s.Because
	case s.Waits != nil:
		return s.Waits
	case len(s.Flights) > 0:
		f := &s.Flights[0]
		if f.Code == WaitGate {
			return &Cause{Code: f.Code, Node: f.Node, Gate: f.Gate, Message: f.Said}
		}
		return &Cause{Code: f.Code, Node: f.Node, Message: f.Pod}
	}
	return nil
}
