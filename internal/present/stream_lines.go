package present

import (
	"fmt"
	"io"
	"strings"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// Lines renders a run's stream as a line an event: a time, a word, key=value
// pairs. It is for logs, and for whoever greps them.
type Lines struct {
	w   io.Writer
	st  *streamState
	err error
}

// NewLines writes to w.
func NewLines(w io.Writer, o StreamOptions) *Lines { return &Lines{w: w, st: newStreamState(o)} }

// Event writes one line; none where it says nothing new.
func (l *Lines) Event(ev rollout.Event) {
	if l.st.routine(&ev) {
		return
	}
	ev = l.st.event(ev)
	line := fmt.Sprintf("%s %-11s  %s", clock(ev.At), Safe(string(ev.Type)), l.st.fields(&ev))
	l.line(strings.TrimRight(line, " "))
}

// Look writes the heartbeat where nothing else was said for a minute.
func (l *Lines) Look(s *rollout.Status, d rollout.Decision) {
	if ev := l.st.look(s, d); ev != nil {
		l.Event(*ev)
	}
}

// GoOn writes what to type where a run rests and nobody drives it. Whoever
// drives leaves that to the screen that comes at the end.
func (l *Lines) GoOn(why rollout.Code) { l.line("To go on: " + l.st.goOn(why)) }

// Err is the first write that failed; nothing is written after it.
func (l *Lines) Err() error { return l.err }

// line is one write, so that another writer never lands in the middle of it.
func (l *Lines) line(s string) {
	if l.err == nil {
		_, l.err = io.WriteString(l.w, s+"\n")
	}
}

// goOn is what to type after a pause.
func (st *streamState) goOn(code rollout.Code) string {
	resume := st.opts.command("resume", " --yes")
	switch code {
	case rollout.PauseApproval:
		return st.opts.command("approve", "") + " && " + resume
	case rollout.PauseUntil:
		return st.opts.command("resume", " "+strings.Join(rollout.UntilNone, " ")+" --yes")
	default:
		return resume
	}
}
