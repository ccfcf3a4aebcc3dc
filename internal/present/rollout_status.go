package present

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// StatusView is a run that somebody drives, or that waits to be driven.
type StatusView struct {
	Context string
	Status  *rollout.Status
	Counts  []rollout.RevisionCount
	Lock    Lock
	// Started is when the run began; zero where that is not told.
	Started      time.Time
	CommandFlags string
	// MissedGates are those that resume has to be given again.
	MissedGates []string
}

// WriteStatus writes how far a run is: who drives it, waves, nodes in flight,
// and what failed. Everything is counted from the cluster.
func WriteStatus(w io.Writer, v *StatusView, o Options) error {
	s, st := newSheet(o, 11), v.Status
	word, t := phaseOf(st)
	head := fmt.Sprintf("%s: run %s ", headOf(st.Namespace, st.Name, v.Context), st.Run)
	lines := wrap("", Safe(head)+word+Safe(statusSince(v)), o.Width)
	for i := range lines {
		lines[i] = strings.Replace(lines[i], word, o.paint().text(t, word), 1)
	}
	s.lines(lines)
	for _, l := range driverLines(v) {
		s.say(l)
	}
	if len(v.MissedGates) > 0 && (!v.Lock.driven() || st.At.Sub(v.Lock.Renewed) >= silentAfter) {
		s.say("resume needs the gates of the start again (" + few(v.MissedGates, o) + "): the same --gate flags, or --policy")
	}
	s.say(progressText(st, o))
	if o.Quiet {
		return s.writeTo(w)
	}
	s.fact("ceiling", takenText(st, o))
	s.fact("pods", countsLine(v.Counts, ""))
	s.fact("waits", blockedText(st))
	if len(st.Waves) > 0 {
		if err := s.grid(statusWaves(st, o)); err != nil {
			return err
		}
	}
	if len(st.Flights) > 0 {
		if err := s.grid(flightsGrid(st, o)); err != nil {
			return err
		}
	}
	statusTail(s, v)
	return s.writeTo(w)
}

// phaseOf is the phase in capitals, and the outcome of a run that has ended.
func phaseOf(st *rollout.Status) (string, tone) {
	if st.Waits != nil {
		return "PAUSED", warn
	}
	switch st.Phase {
	case rollout.Ended:
		return outcomeOf(st)
	case rollout.Stopped:
		return "STOPPED", bad
	case rollout.Paused:
		return "PAUSED", warn
	case rollout.Arming, rollout.Running, rollout.Undoing, rollout.Aborting, rollout.Finishing:
	}
	return Safe(strings.ToUpper(string(st.Phase))), strong
}

// outcomeOf is how a run ended: one without an outcome was called off before it
// changed anything.
func outcomeOf(st *rollout.Status) (string, tone) {
	if st.Outcome == "" {
		return "STOPPED", bad
	}
	return strings.ToUpper(string(st.Outcome)), strong
}

// takenOf says how much of the ceiling is taken. Nodes that go down without the
// run can be more than it allows.
func takenOf(st *rollout.Status) string {
	if over := len(st.Taken) - st.Ceiling; over > 0 {
		return fmt.Sprintf("%d of %d taken, %d over", st.Ceiling, st.Ceiling, over)
	}
	return fmt.Sprintf("%d of %d taken", len(st.Taken), st.Ceiling)
}

func statusSince(v *StatusView) string {
	if at := timeOf(v.Status.Because); !at.IsZero() {
		return " since " + hourOf(at, v.Status.At) + " (" + ago(at, v.Status.At) + ")"
	}
	if !v.Started.IsZero() {
		return " for " + ago(v.Started, v.Status.At)
	}
	return ""
}

// driverLines say who drives, and how long ago that was true; what to type
// after an approval is a line of its own.
func driverLines(v *StatusView) []string {
	st := v.Status
	if st.Phase == rollout.Paused && st.Because != nil && st.Because.Code == rollout.PauseApproval {
		if !v.Lock.driven() {
			return []string{
				sentence(because(*st.Because, st)) + " Nobody drives it. To go on: " + runCommand(st, v.CommandFlags, "approve"),
				"then: " + runCommand(st, v.CommandFlags, "resume"),
			}
		}
		return []string{driverText(v), "To go on: " + runCommand(st, v.CommandFlags, "approve")}
	}
	if st.Phase == rollout.Paused && st.Because != nil && st.Because.Code == rollout.PauseTemplate && !v.Lock.driven() {
		ways := templateWays(st, v.CommandFlags, runCommand(st, v.CommandFlags, "resume"))
		ways[0] = sentence(because(*st.Because, st)) + " Nobody drives it. To go on: " + ways[0]
		return ways
	}
	return []string{driverText(v)}
}

func driverText(v *StatusView) string {
	st, l := v.Status, &v.Lock
	moving := st.Phase != rollout.Paused && st.Phase != rollout.Stopped
	why := ""
	if st.Because != nil && !moving {
		why = sentence(because(*st.Because, st)) + " "
	}
	if st.Waits != nil {
		why = sentence(because(*st.Waits, st)) + " "
		moving = l.driven() || l.Dead // else it was let go, and has to be gone on with then
	}
	switch {
	case !l.driven():
		if !moving {
			return why + "Nobody drives it. To go on: " + goOnCommand(st, v.CommandFlags)
		}
		last := ""
		if l.Dead {
			return upperFirst(deadText(l)) + ". Nothing moves until: " + runCommand(st, v.CommandFlags, "resume")
		}
		if !l.Renewed.IsZero() {
			last = ", the last driver was heard of " + span(st.At.Sub(l.Renewed)) + " ago"
		}
		return fmt.Sprintf("Nobody drives it%s: nothing moves until: %s", last, runCommand(st, v.CommandFlags, "resume"))
	case st.At.Sub(l.Renewed) >= silentAfter:
		return fmt.Sprintf("%sDriven by %s: %s", why, holderText(l, st.At), runCommand(st, v.CommandFlags, "resume"))
	}
	return fmt.Sprintf("%sDriven by %s.", why, holderText(l, st.At))
}

// sentence ends with one full stop, also where a server's words brought theirs.
func sentence(s string) string { return upperFirst(strings.TrimSuffix(s, ".")) + "." }

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// progressText has a bar on a terminal; the figures say the same without it.
func progressText(st *rollout.Status, o Options) string {
	head := "revision " + revisionOf(st.Target)
	if st.Target.Hash == "" {
		head = "no target revision yet"
	}
	figures := fmt.Sprintf("%d of %d", st.Done, st.Total)
	if st.Total > 0 {
		figures += gap + percent(int64(st.Done), int64(st.Total))
	}
	room := min(o.Width, narrow) - width(head) - width(figures) - 2*len(gap) - 2
	if o.Width == 0 || room < 10 {
		return head + gap + figures
	}
	full := 0
	if st.Total > 0 {
		full = room * st.Done / st.Total
	}
	return head + gap + "[" + strings.Repeat("#", full) + strings.Repeat("-", room-full) + "]" + gap + figures
}

// takers are the nodes that hold a place, by why. A node that failed keeps its
// place, whether its pod is down or not.
func takers(st *rollout.Status) (flying, failed, down []string) {
	for _, n := range st.Taken {
		switch {
		case flightOf(st, n) != nil:
			flying = append(flying, n)
		case slices.ContainsFunc(st.Failed, func(f rollout.Failure) bool { return f.Node == n }):
			failed = append(failed, n)
		default:
			down = append(down, n)
		}
	}
	return flying, failed, down
}

func takenText(st *rollout.Status, o Options) string {
	out := takenOf(st)
	flying, failed, down := takers(st)
	var parts []string
	if n := len(flying); n > 0 {
		parts = append(parts, fmt.Sprintf("%d in flight", n))
	}
	if n := len(failed); n > 0 {
		parts = append(parts, fmt.Sprintf("%d failed (%s)", n, few(failed, o)))
	}
	if n := len(down); n > 0 {
		parts = append(parts, fmt.Sprintf("%d down (%s)", n, few(down, o)))
	}
	if len(parts) > 0 {
		out += ": " + strings.Join(parts, ", ")
	}
	return out
}

// blockedText is why a run that is driven starts nothing.
func blockedText(st *rollout.Status) string {
	if len(st.Blocked) == 0 {
		return ""
	}
	out := because(st.Blocked[0], st)
	if more := len(st.Blocked) - 1; more > 0 {
		out += fmt.Sprintf(", and for %d more", more)
	}
	return out
}

func statusWaves(st *rollout.Status, o Options) *grid {
	rows := waveRows(st)
	cols := []column[waveRow]{
		{name: "WAVE", cell: func(r *waveRow) cell { return text(Safe(r.label)) }},
		{name: "DONE", cell: func(r *waveRow) cell { return text(fmt.Sprintf("%d/%d", r.done, r.nodes)) }},
		{name: "STATE", leave: leave{cut: true}, cell: func(r *waveRow) cell { return toned(r.tone, Safe(r.state)) }},
	}
	return gridOf(rows, cols, o)
}

func flightsGrid(st *rollout.Status, o Options) *grid {
	rows := slices.Clone(st.Flights)
	str := func(name string, lv leave, f func(*rollout.FlightStatus) string) column[rollout.FlightStatus] {
		return column[rollout.FlightStatus]{name: name, leave: lv, cell: func(r *rollout.FlightStatus) cell { return text(orNone(f(r))) }}
	}
	return gridOf(rows, []column[rollout.FlightStatus]{
		str("NODE", leave{}, func(f *rollout.FlightStatus) string { return f.Node }),
		str("ZONE", leave{order: 2}, func(f *rollout.FlightStatus) string { return f.Zone }),
		str("STEP", leave{cut: true}, func(f *rollout.FlightStatus) string { return flightStep(f, st) }),
		str("FOR", leave{}, func(f *rollout.FlightStatus) string {
			if f.Since.IsZero() {
				return ""
			}
			return span(st.At.Sub(f.Since))
		}),
		str("POD", leave{order: 1}, func(f *rollout.FlightStatus) string { return f.Pod }),
	}, o)
}

// flightStep is what a node waits for.
func flightStep(f *rollout.FlightStatus, st *rollout.Status) string {
	if soaked, whole := soakOf(f, st.At); whole > 0 {
		return fmt.Sprintf("soak: available %s of %s", span(soaked), span(whole))
	}
	if f.Code == rollout.WaitGate && f.Gate == "" {
		return "its gates have to pass" // how far they are is known to the driver alone
	}
	out := because(rollout.Cause{Code: f.Code, Gate: f.Gate, Message: f.Said}, nil)
	if f.Until.After(st.At) {
		out += ", until " + shortClock(f.Until)
	}
	return out
}

// statusTail is what is not well, and what changed the totals.
func statusTail(s *sheet, v *StatusView) {
	st := v.Status
	if len(st.Failed)+len(st.Skipped)+len(st.Joined)+len(st.Gone)+len(st.Left)+len(st.Cordoned) > 0 || st.Drifted || st.Rearms > 0 {
		s.blank()
	}
	failedFacts(s, st.Failed)
	list := func(label string, nodes []string, text string) {
		if len(nodes) > 0 {
			s.fact(label, fmt.Sprintf("%s %s: %s", plural(len(nodes), "node"), text, few(nodes, s.o)))
		}
	}
	list("skipped", st.Skipped, "by a person")
	list("joined", st.Joined, "up on "+revisionOf(st.Target)+" without the run, not among the "+fmt.Sprint(st.Total))
	list("gone", st.Gone, "left the cluster")
	list("cordoned", st.Cordoned, "by this run, which gives them back")
	for _, l := range leftLines(st.Left, s.o) {
		s.fact("left", l)
	}
	switch {
	case st.Held:
		s.toned(warn, "held", "hold put the template of "+revisionOf(st.From)+" back; pods were not touched")
	case st.Drifted:
		s.toned(warn, "drift", "the template is not the target of the run any more")
	}
	if st.Rearms > 0 {
		s.toned(warn, "drift", fmt.Sprintf("updateStrategy was taken back and armed again %s", plural(st.Rearms, "time")))
	}
}
