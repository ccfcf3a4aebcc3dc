package present

import (
	"fmt"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// body shares the rows up to limit among waves, nodes in flight and events;
// what is asked takes the place of the events.
func (m *liveModel) body(c *canvas, limit int) {
	s := m.st.status
	avail := max(limit-len(c.lines)-4, 3) // three blanks and the heading of the nodes
	var low [][]cell
	switch {
	case m.closing:
	case m.question.nodes != nil:
		low = m.choices(min(len(m.question.nodes), max(avail/2, 2)))
	case m.help:
		low = m.helpRows()
	default:
		low = m.eventRows(min(len(m.events), max(avail/4, 1)))
	}
	avail = max(avail-len(low), 2)
	waves := waveRows(s)
	flights := flightsByAge(s)
	nw := min(len(waves), max(avail/2, avail-len(flights), 3))
	waves = collapse(waves, nw)
	nf := min(len(flights), max(avail-len(waves), 1))

	c.blank()
	c.table(waveCells(waves), 2, 0)
	if nf > 0 {
		c.blank()
		m.flightTable(c, flights, nf)
	}
	if len(low) > 0 {
		c.blank()
		c.table(low, len(low[0])-1, 0)
	}
}

// flightTable shows n of the nodes in flight, the oldest first.
func (m *liveModel) flightTable(c *canvas, flights []rollout.FlightStatus, n int) {
	rest := len(flights) - n
	if rest > 0 && n > 1 { // its own line says so
		n, rest = n-1, rest+1
	}
	g := newFlightGrid(c.width, flights)
	rows := [][]cell{g.heads()}
	for i := range flights[:n] {
		rows = append(rows, g.row(m, &flights[i]))
	}
	c.table(rows, g.step(), min(52, c.width/2))
	if rest > 0 {
		c.line(toned(faint, fmt.Sprintf("%d more in flight", rest)))
	}
}

// foot is the last lines: what the last key did, what is asked, the keys.
func (m *liveModel) foot(c *canvas) {
	if m.notice != "" {
		c.line(toned(info, Safe(m.notice)))
	}
	if q := m.sure(); q != "" {
		for _, l := range wrap("", q, c.width) {
			c.line(toned(warn, l))
		}
		return
	}
	line := ""
	for _, k := range m.keys(c.width >= narrow) {
		next := k
		if line != "" {
			next = line + gap + k
		}
		if width(next) > c.width && line != "" {
			c.line(text(line))
			next = k
		}
		line = next
	}
	c.line(text(line))
}

// sure is what is asked before a verb that cannot be taken back; empty where
// nothing is.
func (m *liveModel) sure() string {
	s := m.st.status
	switch {
	case m.question.nodes != nil:
		return fmt.Sprintf("%s which node? up, down or its number, then enter; esc: none", m.question.verb)
	case m.question.verb == rollout.VerbAbort:
		return fmt.Sprintf("abort run %s on %s? The template stays at revision %s, nodes that are done keep it. y/n",
			Safe(s.Run), Safe(m.opts.Context), orNone(m.st.revision(s.Target.Hash)))
	case m.question.verb == rollout.VerbUndo:
		return fmt.Sprintf("undo run %s on %s? The template goes back to revision %s, then the pods that were touched. y/n",
			Safe(s.Run), Safe(m.opts.Context), orNone(m.st.revision(s.From.Hash)))
	}
	return ""
}

// keys are those that make sense now.
func (m *liveModel) keys(roomy bool) []string {
	var out []string
	for _, k := range keyHelp {
		if m.allowed(k.verb) && (k.verb != rollout.VerbUndo || m.resting()) {
			out = append(out, k.key+" "+k.word)
		}
	}
	leave := "q leave"
	if roomy && rollout.Allowed(m.st.status.Phase, rollout.VerbPause) {
		leave += " (finish what is in flight, then paused)"
	}
	return append(out, leave, "? all keys")
}

func (m *liveModel) resting() bool {
	p := m.st.status.Phase
	return p == rollout.Paused || p == rollout.Stopped
}

func (m *liveModel) helpRows() [][]cell {
	var out [][]cell
	add := func(key, word, help string, now bool) {
		t := plain
		if !now {
			t, help = faint, "(not now) "+help
		}
		out = append(out, []cell{toned(t, key), toned(t, word), toned(t, help)})
	}
	for _, k := range keyHelp {
		add(k.key, k.word, k.help, m.allowed(k.verb))
	}
	add("q", "leave", "finish what is in flight, pause, go; resume anywhere", true)
	add("Ctrl-C", "leave", "the same; a second time: at once, resumable", true)
	return out
}

// choices are n of the nodes to choose from, around the cursor.
func (m *liveModel) choices(n int) [][]cell {
	q := &m.question
	from := min(max(q.cursor-n/2, 0), len(q.nodes)-n)
	var out [][]cell
	for i := from; i < from+n; i++ {
		mark, t := " ", plain
		if i == q.cursor {
			mark, t = ">", strong
		}
		what := "failed"
		if flightOf(m.st.status, q.nodes[i]) != nil {
			what = "in flight"
		}
		out = append(out, []cell{toned(t, fmt.Sprintf("%s %d", mark, i+1)), toned(t, what), toned(t, Safe(q.nodes[i]))})
	}
	return out
}
