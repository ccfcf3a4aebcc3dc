package present

import (
	"encoding/json"
	"io"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// KindRolloutEvent is the kind of every object of the stream.
const KindRolloutEvent = "RolloutEvent"

// RolloutEvent is one line of -o json: an event, and what it is about.
type RolloutEvent struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Context    string `json:"context,omitempty"`
	DaemonSet  string `json:"daemonSet"` // namespace/name
	rollout.Event
	// RevisionNumber is of Event.Revision, where it is known.
	RevisionNumber int64 `json:"revisionNumber,omitempty"`
	// Because is the cause in words; code, node and message are its parts.
	Because string `json:"because,omitempty"`
	// LeftSeconds is how long the rest takes, in Progress; absent where that
	// is not known yet.
	LeftSeconds *float64 `json:"leftSeconds,omitempty"`
}

// NDJSON renders a run's stream as one JSON object a line.
type NDJSON struct {
	w   io.Writer
	st  *streamState
	err error
}

// NewNDJSON writes to w.
func NewNDJSON(w io.Writer, o StreamOptions) *NDJSON { return &NDJSON{w: w, st: newStreamState(o)} }

// Event writes one object.
func (n *NDJSON) Event(ev rollout.Event) {
	if n.err != nil {
		return
	}
	ev = n.st.event(ev)
	ev.At = ev.At.UTC()
	out := RolloutEvent{
		APIVersion: snapshot.APIVersion, Kind: KindRolloutEvent, Context: n.st.opts.Context, DaemonSet: n.st.opts.daemonSet(),
		Event: ev, RevisionNumber: n.st.numbers[ev.Revision], Because: n.st.why(&ev),
	}
	if left, ok := n.st.left(); ok && ev.Type == rollout.EventProgress {
		seconds := left.Seconds()
		out.LeftSeconds = &seconds
	}
	b, err := json.Marshal(out)
	if err == nil {
		// One write a line: a reader never waits for the rest of an object.
		_, err = n.w.Write(append(b, '\n'))
	}
	n.err = err
}

// Look writes the heartbeat where nothing else was said for a minute.
func (n *NDJSON) Look(s *rollout.Status, d rollout.Decision) {
	if ev := n.st.look(s, d); ev != nil {
		n.Event(*ev)
	}
}

// Err is the first failure to write; nothing is written after it.
func (n *NDJSON) Err() error { return n.err }
