package present

import (
	"slices"
	"time"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// StreamOptions of what renders a run's events, on a terminal or elsewhere.
type StreamOptions struct {
	Context   string // as kubeconfig names it
	Namespace string // of the DaemonSet
	Name      string
	// CommandFlags are appended to every printed command, as in
	// "--context train-eu-1", quoted for a shell.
	CommandFlags string
	// Revisions that are known before the first status: events name hashes,
	// screens the numbers.
	Revisions []rollout.Revision
	// Builtin are names of gates that are built in: lines say nothing of those
	// that pass when they are asked first, since NodeDone says as much.
	Builtin []string
}

// daemonSet is namespace/name.
func (o *StreamOptions) daemonSet() string { return o.Namespace + "/" + o.Name }

// command is a command of ds-rollout to paste; verb may have a node after it.
func (o *StreamOptions) command(verb, after string) string {
	out := "kubectl ds-rollout " + verb + " -n " + o.Namespace + " " + o.Name
	if o.CommandFlags != "" {
		out += " " + o.CommandFlags
	}
	return out + after
}

// streamState is what the renderers of a stream remember of it.
type streamState struct {
	opts    StreamOptions
	status  *rollout.Status // the newest
	wait    *rollout.Wait   // of the newest decision
	pace    rate
	spoken  time.Time            // of the newest line
	numbers map[string]int64     // revision numbers by hash
	deleted map[string]time.Time // when the pod of a node was deleted
	blocked map[rollout.GateKey]bool
}

func newStreamState(o StreamOptions) *streamState {
	st := &streamState{opts: o, numbers: map[string]int64{}, deleted: map[string]time.Time{}, blocked: map[rollout.GateKey]bool{}}
	for _, r := range o.Revisions {
		st.note(r)
	}
	return st
}

func (st *streamState) note(r rollout.Revision) {
	if r.Hash != "" && r.Number != 0 {
		st.numbers[r.Hash] = r.Number
	}
}

// look takes in a status. It returns the heartbeat where one is due: a minute
// without any other line.
func (st *streamState) look(s *rollout.Status, d rollout.Decision) *rollout.Event {
	if s == nil {
		return nil
	}
	if st.status == nil && (s.Phase == rollout.Paused || s.Phase == rollout.Stopped) {
		st.spoken = s.At // how it stands was said, with the time from which on it does
	}
	st.status, st.wait = s, d.Wait
	st.note(s.From)
	st.note(s.Target) // after it: on the way back they are one, under a new number
	st.pace.see(s)
	if st.spoken.IsZero() {
		st.spoken = s.At
	}
	if s.At.Sub(st.spoken) < rollout.Heartbeat || s.Phase == rollout.Ended {
		return nil
	}
	ev := rollout.ProgressEvent(s, d.Wait)
	return &ev
}

// event notes an event, and completes it by what was seen before.
func (st *streamState) event(ev rollout.Event) rollout.Event {
	if ev.At.After(st.spoken) {
		st.spoken = ev.At
	}
	st.note(rollout.Revision{Hash: ev.Revision, Number: ev.Number})
	switch ev.Type {
	case rollout.EventPodDeleted:
		st.deleted[ev.Node] = ev.At
	case rollout.EventPodReady:
		if at, ok := st.deleted[ev.Node]; ok && ev.Took == 0 {
			ev.Took = ev.At.Sub(at)
		}
		delete(st.deleted, ev.Node)
	case rollout.EventNodeDone, rollout.EventNodeFailed, rollout.EventNodeGone:
		delete(st.deleted, ev.Node)
	case rollout.EventProgress:
		if ev.Wave == 0 {
			ev.Wave = st.currentWave(ev.Node)
		}
	default:
	}
	if ev.Took != 0 {
		ev.Seconds = ev.Took.Seconds()
	}
	return ev
}

// routine reports whether an event is a built-in gate that passes at once. A
// pass after anything else is news.
func (st *streamState) routine(ev *rollout.Event) bool {
	key := rollout.GateKey{Gate: ev.Gate, Node: ev.Node, Wave: ev.Wave}
	switch ev.Type {
	case rollout.EventGateBlocked:
		st.blocked[key] = true
	case rollout.EventGatePassed:
		was := st.blocked[key]
		delete(st.blocked, key)
		return !was && slices.Contains(st.opts.Builtin, ev.Gate)
	default:
	}
	return false
}

// currentWave is that of a node in flight, else the last that has begun.
func (st *streamState) currentWave(node string) int {
	if f := flightOf(st.status, node); f != nil {
		return f.Wave
	}
	wave := 0
	if st.status != nil && st.status.Phase != rollout.Undoing {
		for _, w := range st.status.Waves {
			if w.Begun {
				wave = w.Number
			}
		}
	}
	return wave
}

// canary reports whether a wave is the first of several.
func (st *streamState) canary(wave int) bool {
	return wave == 1 && st.status != nil && canaryOf(st.status, wave)
}

func canaryOf(s *rollout.Status, wave int) bool {
	first := 0
	for _, w := range s.Waves {
		if !w.Late {
			first++
		}
	}
	return wave == 1 && first > 1
}

// why is the cause in an event, in words; empty where it has none.
func (st *streamState) why(ev *rollout.Event) string {
	if ev.Code == "" {
		return ""
	}
	return because(rollout.Cause{Code: ev.Code, Node: ev.Node, Wave: ev.Wave, Gate: ev.Gate, Message: ev.Message}, st.status)
}

// left is how long the rest takes, "-" where that is not known yet.
func (st *streamState) left() (time.Duration, bool) {
	if st.status == nil {
		return 0, false
	}
	return st.pace.left(st.status, st.status.At)
}
