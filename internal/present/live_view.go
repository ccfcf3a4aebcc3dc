package present

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// barEnds is the widest that the head of the view becomes: on a very wide
// terminal a clock at the far right would not be seen.
const barEnds = 112

// spareRows stay free below the view: what is printed above it needs room.
const spareRows = 3

// draw makes the whole view; no line of it is wider than the terminal, and all
// fit in its height.
func (m *liveModel) draw() string {
	c := &canvas{width: m.width, paint: paint{m.opts.Color}}
	if m.st.status == nil {
		c.line(toned(strong, Safe(m.opts.daemonSet())), text(gap+Safe(m.opts.Context)+gap+"reading the cluster"))
		return strings.Join(c.lines, "\n")
	}
	m.head(c)
	foot := &canvas{width: m.width, paint: c.paint}
	if !m.closing {
		m.foot(foot)
	}
	m.body(c, max(m.height-spareRows-len(foot.lines)-1, len(c.lines)+4))
	// The line that the cursor ends on is erased when the program closes: the
	// last view gives it an empty one.
	c.blank()
	if room := max(m.height-1-len(foot.lines), 1); len(c.lines) > room {
		c.lines = c.lines[:room]
	}
	return strings.Join(append(c.lines, foot.lines...), "\n")
}

// phaseWord is a phase as the head says it, and what it means. Done, Aborted,
// Paused and Stopped are four words.
func phaseWord(s *rollout.Status) (string, tone) {
	word, t := strings.ToUpper(string(s.Phase)), strong
	switch s.Phase {
	case rollout.Stopped:
		t = bad
	case rollout.Paused, rollout.Undoing, rollout.Aborting:
		t = warn
	case rollout.Ended:
		word, t = outcomeOf(s)
	default:
	}
	return Safe(word), t
}

func (m *liveModel) head(c *canvas) {
	s := m.st.status
	end := min(c.width, barEnds)
	word, t := phaseWord(s)
	name, where, run := Safe(m.opts.daemonSet()), Safe(m.opts.Context), "run "+Safe(s.Run)
	right := shortClock(m.now) + "  (" + roughly(m.now.Sub(m.began)) + ")"
	left := width(name + where + run + word)
	switch {
	case left+4*len(gap)+width(right) <= c.width:
		blanks := max(end-left-3*len(gap)-width(right), len(gap))
		c.line(toned(strong, name), text(gap+where+gap+run+gap), toned(t, word), text(strings.Repeat(" ", blanks)+right))
	case width(name+where)+len(gap) <= c.width:
		c.line(toned(strong, name), text(gap+where))
		c.line(text(run+gap), toned(t, word), text(gap+right))
	default:
		c.line(toned(strong, name))
		c.line(text(where))
		c.line(text(run+gap), toned(t, word), text(gap+right))
	}
	m.bar(c, end)
	m.ceiling(c)
	m.reasons(c)
}

func (m *liveModel) bar(c *canvas, end int) {
	s := m.st.status
	before := "revision " + orNone(m.st.revision(s.Target.Hash)) + gap
	after := fmt.Sprintf("%s%d of %d%s%s", gap, s.Done, s.Total, gap, percent(int64(s.Done), int64(s.Total)))
	room := end - width(before) - width(after) - 2
	if room < 10 {
		c.line(text(before), text(strings.TrimSpace(after)))
		return
	}
	full := 0
	if s.Total > 0 {
		full = s.Done * room / s.Total
	}
	c.line(text(before+"["), toned(info, strings.Repeat("#", full)), text(strings.Repeat("-", room-full)+"]"+after))
}

// ceiling says who takes its places, and how fast the run is.
func (m *liveModel) ceiling(c *canvas) {
	s := m.st.status
	_, failed, down := takers(s)
	var parts []string
	if len(s.Flights) > 0 || len(failed)+len(down) == 0 {
		parts = append(parts, fmt.Sprintf("%d in flight", len(s.Flights)))
	}
	for _, more := range []struct {
		nodes []string
		word  string
	}{{failed, "failed"}, {down, "down"}} {
		if len(more.nodes) > 0 {
			parts = append(parts, fmt.Sprintf("%d %s (%s)", len(more.nodes), more.word, names(more.nodes, 2, Options{Width: c.width})))
		}
	}
	who := Safe(fmt.Sprintf("ceiling %s: %s", takenOf(s), strings.Join(parts, ", ")))
	pace := m.pace()
	if pace == "" {
		c.line(text(who))
		return
	}
	if width(who)+len(gap)+width(pace) <= c.width {
		c.line(text(who + gap + pace))
		return
	}
	c.line(text(who))
	c.line(text(pace))
}

// pace says where too little was seen: no figure is better than a wrong one. A
// run that rests has none.
func (m *liveModel) pace() string {
	s := m.st.status
	if s.Phase != rollout.Running && s.Phase != rollout.Undoing {
		return ""
	}
	perMinute, ok := m.st.pace.perMinute(m.now)
	out := "pace not known yet"
	if ok {
		left, _ := m.st.pace.left(s, m.now)
		out = fmt.Sprintf("%.1f node/min, %s left", perMinute, roughly(left))
	}
	until := m.opts.Until
	if until.IsZero() || !until.After(m.now) {
		return out
	}
	pause := "; " + untilClock(until, m.now) + ": pause"
	if !ok {
		return out + pause
	}
	if then := s.Done + int(perMinute*until.Sub(m.now).Minutes()); then < s.Total {
		return out + pause + fmt.Sprintf(" at about %d", then)
	}
	return out // it is over before
}

// untilClock leaves the seconds out where there are none, and says the day
// where it is another one.
func untilClock(t, now time.Time) string {
	layout := "15:04:05Z"
	if t.Second() == 0 {
		layout = "15:04Z"
	}
	if t.UTC().YearDay() != now.UTC().YearDay() || t.Sub(now) > 24*time.Hour {
		layout = "2006-01-02T" + layout
	}
	return t.UTC().Format(layout)
}

// reasons say why the run rests or waits, and what a person must know then.
func (m *liveModel) reasons(c *canvas) {
	s := m.st.status
	resting := m.resting()
	if s.Because != nil && resting {
		_, t := phaseWord(s)
		c.labelled(t, "because", BecauseIn(*s.Because, s))
	}
	m.failures(c)
	if !resting {
		m.waiting(c)
	}
	if s.Drifted {
		c.labelled(warn, "careful", "the template is not the target any more: what starts now is on another revision")
	}
	if resting || s.Phase == rollout.Aborting {
		c.labelled(warn, "careful", m.notFrozen())
	}
	if m.leaving && !m.closing {
		c.labelled(warn, "leaving", "finishes what is in flight, then pauses; Ctrl-C: at once")
	}
}

func (m *liveModel) failures(c *canvas) {
	failed := m.st.status.Failed
	for _, f := range failed[:min(len(failed), 2)] {
		c.labelled(bad, "failed", Safe(strings.TrimSuffix(f.Node+" "+f.Reason+": "+f.Message, ": ")))
	}
	if n := len(failed) - 2; n > 0 {
		c.labelled(bad, "failed", fmt.Sprintf("%d more", n))
	}
}

// waiting says what the whole run waits for; what a node in flight waits for
// stands in its row.
func (m *liveModel) waiting(c *canvas) {
	s, w := m.st.status, m.st.wait
	if w == nil || len(w.Because) == 0 || flightOf(s, w.Because[0].Node) != nil {
		return
	}
	words := BecauseIn(w.Because[0], s)
	if !w.Until.IsZero() && w.Because[0].Since == nil {
		words += ", until " + untilClock(w.Until, m.now)
	}
	c.labelled(info, "waits", words)
}

// notFrozen says what goes on although nothing is begun.
func (m *liveModel) notFrozen() string {
	s := m.st.status
	words, on := "paused is not frozen: ", "the template"
	switch s.Phase {
	case rollout.Aborting:
		words = ""
	case rollout.Stopped:
		words = "a stop is not a freeze: "
	default:
	}
	if r := m.st.revision(s.Target.Hash); r != "" && !s.Drifted {
		on = "revision " + Safe(r)
	}
	words += "a node that joins or a pod that is evicted starts on " + on
	if n := len(s.Joined); n > 0 {
		words += fmt.Sprintf("; %s joined so far", plural(n, "node"))
	}
	return words
}

// flightsByAge puts what has been in flight for longest first.
func flightsByAge(s *rollout.Status) []rollout.FlightStatus {
	out := slices.Clone(s.Flights)
	slices.SortStableFunc(out, func(a, b rollout.FlightStatus) int {
		if a.Since.IsZero() != b.Since.IsZero() {
			if a.Since.IsZero() {
				return 1
			}
			return -1
		}
		return a.Since.Compare(b.Since)
	})
	return out
}
