package present

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// question is what is asked before a verb is sent.
type question struct {
	verb   rollout.Verb // empty: nothing is asked
	nodes  []string     // to choose from; nil for yes or no
	cursor int
	digits string
}

// keyHelp lists all keys, in the order of the keys line.
var keyHelp = []struct {
	key, word, help string
	verb            rollout.Verb
}{
	{"a", "approve", "go on past this place", rollout.VerbApprove},
	{"p", "pause", "finish what is in flight, then wait: no freeze", rollout.VerbPause},
	{"r", "resume", "go on", rollout.VerbResume},
	{"t", "retry node", "prove a failed node once more, same revision", rollout.VerbRetry},
	{"s", "skip node", "leave a node as it is, no longer count it, go on", rollout.VerbSkip},
	{"u", "undo", "template back, then the pods that were touched", rollout.VerbUndo},
	{"x", "abort", "end the run; the template stays", rollout.VerbAbort},
}

// allowed reports whether a key makes sense now.
func (m *liveModel) allowed(v rollout.Verb) bool {
	s := m.st.status
	if s == nil || !rollout.Allowed(s.Phase, v) {
		return false
	}
	atApproval := m.approvalAsked() != nil
	switch v {
	case rollout.VerbApprove:
		return atApproval
	case rollout.VerbResume:
		return !atApproval && !m.untilPast()
	case rollout.VerbSkip:
		return len(m.skippable()) > 0
	case rollout.VerbRetry:
		return len(s.Failed) > 0
	default:
		return true
	}
}

// approvalAsked is the place where the run asks for an approval, nil for none.
func (m *liveModel) approvalAsked() *rollout.Cause {
	s := m.st.status
	if s != nil && s.Because != nil && s.Because.Code == rollout.PauseApproval {
		return s.Because
	}
	return nil
}

// untilPast reports whether the run would rest again at once.
func (m *liveModel) untilPast() bool {
	s := m.st.status
	return s != nil && s.Because != nil && s.Because.Code == rollout.PauseUntil
}

// skippable are nodes that failed, then those in flight.
func (m *liveModel) skippable() []string {
	var out []string
	for _, f := range m.st.status.Failed {
		out = append(out, f.Node)
	}
	for _, f := range flightsByAge(m.st.status) {
		if !slices.Contains(out, f.Node) {
			out = append(out, f.Node)
		}
	}
	return out
}

func (m *liveModel) failedNodes() []string {
	var out []string
	for _, f := range m.st.status.Failed {
		out = append(out, f.Node)
	}
	return out
}

// key takes one key.
func (m *liveModel) key(k string) {
	if m.closing {
		return
	}
	m.notice = ""
	switch {
	case k == "ctrl+c":
		m.question = question{}
		m.leave()
	case m.question.nodes != nil:
		m.choose(k)
	case m.question.verb != "":
		m.confirm(k)
	default:
		m.plainKey(k)
	}
}

func (m *liveModel) plainKey(k string) {
	switch k {
	case "q":
		if !m.leaving {
			m.leave()
		}
		return
	case "?":
		m.help = !m.help
		return
	case "esc":
		m.help = false
		return
	}
	for _, h := range keyHelp {
		if h.key != k {
			continue
		}
		if !m.allowed(h.verb) {
			m.notice = h.word + " is not possible now"
			if s := m.st.status; h.verb == rollout.VerbSkip && s != nil && rollout.Allowed(s.Phase, h.verb) {
				m.notice = "no node has failed or is in flight; any other: kubectl ds-rollout skip"
			}
			if h.verb == rollout.VerbResume && m.untilPast() {
				m.notice = "the time of --until is past: q, then resume " + strings.Join(rollout.UntilNone, " ")
			}
			return
		}
		m.verb(h.verb)
	}
}

func (m *liveModel) verb(v rollout.Verb) {
	switch v {
	case rollout.VerbSkip:
		m.question = question{verb: v, nodes: m.skippable()}
	case rollout.VerbRetry:
		m.question = question{verb: v, nodes: m.failedNodes()}
	case rollout.VerbAbort, rollout.VerbUndo:
		m.question = question{verb: v}
	case rollout.VerbApprove:
		c := m.approvalAsked()
		m.send(Command{Verb: v, Wave: c.Wave, Node: c.Node})
	default:
		m.send(Command{Verb: v})
	}
}

func (m *liveModel) send(c Command) {
	m.put(c)
	m.notice = fmt.Sprintf("%s asked at %s", c.Verb, shortClock(m.now))
	if c.Node != "" {
		m.notice = fmt.Sprintf("%s of %s asked at %s", c.Verb, c.Node, shortClock(m.now))
	}
}

// leave asks to go; the second time at once.
func (m *liveModel) leave() {
	m.put(Command{Leave: true, Now: m.leaving})
	if m.leaving {
		m.notice = "leaves now; the run can be resumed"
	}
	m.leaving = true
}

func (m *liveModel) confirm(k string) {
	q := m.question
	switch k {
	case "y", "Y":
		m.question = question{}
		m.send(Command{Verb: q.verb})
	case "n", "N", "esc", "q", "enter":
		m.question = question{}
		m.notice = "nothing was changed"
	}
}

func (m *liveModel) choose(k string) {
	q := &m.question
	last := len(q.nodes) - 1
	switch k {
	case "esc", "q":
		m.question = question{}
		m.notice = "nothing was changed"
	case "enter":
		c := Command{Verb: q.verb, Node: q.nodes[q.cursor]}
		m.question = question{}
		m.send(c)
	case "up", "k":
		q.cursor, q.digits = max(q.cursor-1, 0), ""
	case "down", "j":
		q.cursor, q.digits = min(q.cursor+1, last), ""
	case "backspace":
		q.digits = ""
	default:
		q.digit(k)
	}
}

// digit goes to a row by its number; a number that is too large begins anew.
func (q *question) digit(k string) {
	if len(k) != 1 || k[0] < '0' || k[0] > '9' {
		return
	}
	for _, d := range []string{q.digits + k, k} {
		if n, err := strconv.Atoi(d); err == nil && n >= 1 && n <= len(q.nodes) {
			q.digits, q.cursor = d, n-1
			return
		}
	}
	q.digits = ""
}
