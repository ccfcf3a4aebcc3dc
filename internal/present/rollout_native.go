package present

import (
	"fmt"
	"io"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/coverage"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// NativeView is an update that the DaemonSet controller makes alone.
type NativeView struct {
	Context string
	Native  *rollout.Native
	// Driver is who drives the run that armed it, as far as a capture tells.
	Driver NativeDriver
	// Incomplete is what could not be read, and what it takes away.
	Incomplete []coverage.IncompleteRead
}

// NativeDriver is who drives a run of which only its mark is known. The zero
// value is nobody.
type NativeDriver struct {
	Name    string // untrusted
	Unknown bool   // whether anybody does
}

func (d NativeDriver) String() string {
	switch {
	case d.Unknown:
		return "Whether somebody drives it, the capture does not tell."
	case d.Name != "":
		return "When the capture was taken, " + d.Name + " drove it."
	}
	return "Nobody drives it."
}

// WriteNative writes where a native update stands, who holds each place of its
// ceiling, and what each remedy frees.
func WriteNative(w io.Writer, v *NativeView, o Options) error {
	n, s := v.Native, newSheet(o, 11)
	nativeHead(s, v)
	s.lines(incomplete(coverage.ReportSource{Incomplete: v.Incomplete}, o))
	if len(n.Counts) > 0 {
		s.say(countsLine(n.Counts, "revision ") + ceilingOf(n))
	}
	if o.Quiet {
		return s.writeTo(w)
	}
	if n.OddArm != "" {
		s.toned(warn, "armed", n.OddArm)
	}
	if len(n.Places) > 0 {
		if err := s.grid(placeGrid(n, o)); err != nil {
			return err
		}
	}
	leftByRuns(s, n)
	if text := nativeWords(n); text != "" {
		s.blank()
		s.say(text)
	}
	remedyLines(s, n.Remedies)
	return s.writeTo(w)
}

// nativeHead says the state in one line; a paused run is not among these.
func nativeHead(s *sheet, v *NativeView) {
	n := v.Native
	head := headOf(n.Namespace, n.Name, v.Context) + ": native " + n.Strategy + ", "
	if n.Armed != "" {
		head = headOf(n.Namespace, n.Name, v.Context) + ": OnDelete, armed by " + armedBy(n.Armed) + ", "
	}
	word, t := nativeWord(n.State)
	tail := ""
	if n.Since != nil {
		tail = " since " + hourOf(n.Since.Time, n.At) + " (" + ago(n.Since.Time, n.At) + ")"
	}
	if n.Because != "" {
		tail += ": " + n.Because
	}
	lines := wrap("", Safe(head)+word+Safe(tail)+". "+Safe(v.Driver.String()), s.o.Width)
	for i := range lines {
		lines[i] = strings.Replace(lines[i], word, s.o.paint().text(t, word), 1)
	}
	s.lines(lines)
}

func armedBy(run string) string {
	if run == rollout.ArmedByHand {
		return "hand"
	}
	return "run " + run
}

func nativeWord(state rollout.NativeState) (string, tone) {
	switch state {
	case rollout.NativeStuck:
		return "STUCK", bad
	case rollout.NativeHeld:
		return "HELD", warn
	case rollout.NativeUnknown:
		return "UNKNOWN", bad
	case rollout.NativeMoving:
		return "MOVING", strong
	case rollout.NativeDone:
		return "DONE", strong
	}
	return Safe(strings.ToUpper(string(state))), plain
}

// ceilingOf says how many places there are and how many are taken.
func ceilingOf(n *rollout.Native) string {
	if n.Ceiling == 0 {
		return ""
	}
	what := "maxUnavailable"
	if n.Surges {
		what = "maxSurge"
	}
	out := fmt.Sprintf(" %s %s", what, n.Limit)
	if strings.HasSuffix(n.Limit, "%") || n.Limit == "0" {
		out += fmt.Sprintf(" = %d", n.Ceiling)
	}
	out += fmt.Sprintf(" of %d", n.Desired)
	switch taken := len(n.Places); {
	case taken == 0:
		return out + ", none taken."
	case taken == n.Ceiling && n.Ceiling > 1:
		return out + ", all taken by:"
	default:
		return out + fmt.Sprintf(", %d taken by:", taken)
	}
}

// placeRow is a place, and whether the one above is held for the same reason.
type placeRow struct {
	*rollout.Place
	because string
}

// fewPlaces is how many places a terminal shows.
const fewPlaces = 10

func placeGrid(n *rollout.Native, o Options) *grid {
	var rows []placeRow
	var all []string
	last := ""
	for i := range n.Places {
		p := &n.Places[i]
		all = append(all, p.Node)
		if i >= fewPlaces && !o.whole() {
			continue
		}
		r := placeRow{p, p.Because}
		if i > 0 && p.Because == last && last != "" && !o.whole() {
			r.because = "same"
		}
		last = p.Because
		rows = append(rows, r)
	}
	suffix := ""
	if o.Width > 0 {
		suffix = commonDomain(all)
	}
	str := func(name string, lv leave, f func(*placeRow) string) column[placeRow] {
		return column[placeRow]{name: name, leave: lv, cell: func(r *placeRow) cell { return text(orNone(f(r))) }}
	}
	reason := column[placeRow]{name: "REASON", cell: func(r *placeRow) cell {
		t := toneOfReason(r.Reason)
		if r.Passing {
			t = plain
		}
		return toned(t, orNone(string(r.Reason)))
	}}
	because := "HOLDS A PLACE BECAUSE"
	if n.Ceiling == 0 {
		because = "NOT AVAILABLE BECAUSE"
	}
	return gridOf(rows, []column[placeRow]{
		str("NODE", leave{}, func(r *placeRow) string { return strings.TrimSuffix(r.Node, suffix) }),
		str("STATE", leave{order: 1}, func(r *placeRow) string { return r.State }),
		reason,
		str("REVISION", leave{order: 2}, func(r *placeRow) string {
			return revisionOf(rollout.Revision{Number: r.Revision, Hash: r.Hash})
		}),
		str("SINCE", leave{}, func(r *placeRow) string { return sinceOf(r.Since, n) }),
		str(because, leave{order: 3, cut: true}, func(r *placeRow) string { return r.because }),
	}, o)
}

func sinceOf(t *metav1.Time, n *rollout.Native) string {
	if t.IsZero() {
		return ""
	}
	return ago(t.Time, n.At)
}

// nativeWords is what to expect of the update.
func nativeWords(n *rollout.Native) string {
	var parts []string
	if hidden := len(n.Places) - fewPlaces; hidden > 0 {
		parts = append(parts, fmt.Sprintf("%s in all, --full names them.", plural(len(n.Places), "place")))
	}
	switch n.State {
	case rollout.NativeStuck:
		parts = append(parts, "It will not move by itself."+alikeText(n))
		if len(n.Remedies) > 0 {
			what := "Any of these moves it:"
			if n.Waiting == 0 {
				what = "What helps:"
			}
			parts = append(parts, what)
		}
	case rollout.NativeMoving:
		if n.Waiting > 0 {
			parts = append(parts, fmt.Sprintf("It goes on by itself: %s to go.", plural(n.Waiting, "node"))+alikeText(n))
		} else {
			parts = append(parts, "It goes on by itself: every old pod is replaced, and the last are on their way.")
		}
	case rollout.NativeHeld:
		parts = append(parts, fmt.Sprintf("%s: under OnDelete nothing replaces them but a delete.", plural(n.Waiting, "node")+" with an available old pod"))
	case rollout.NativeDone:
		if n.Desired == 0 {
			return "No node should run it."
		}
		parts = append(parts, fmt.Sprintf("All %s that should run it have an available pod of revision %s.", plural(n.Desired, "node"), revisionOf(n.Current)))
	case rollout.NativeUnknown:
		parts = append(parts, "What a rolling update does next cannot be told.")
	}
	return strings.Join(parts, " ")
}

func alikeText(n *rollout.Native) string {
	a := n.Alike
	if a == nil {
		return ""
	}
	would := "and are like those that fail"
	if a.Certain {
		would = "and would fail too"
	}
	return fmt.Sprintf(" Of the %d that wait, %d are %s %s.", n.Waiting, a.Waiting, a.What, would)
}

// remedyLines put what a remedy does and what it frees side by side where
// there is room, else under each other: a command is never cut.
func remedyLines(s *sheet, remedies []rollout.NativeRemedy) {
	labels, wide := 0, 0
	for _, r := range remedies {
		labels, wide = max(labels, width(Safe(r.Label))), max(wide, width(Safe(r.Do)))
	}
	room := s.room
	s.room = 4 + labels + len(gap)
	defer func() { s.room = room }()
	for _, r := range remedies {
		label := "    " + Safe(r.Label)
		gain := remedyGain(r)
		if line := pad(Safe(r.Do), wide) + gap + Safe(gain); s.o.Width == 0 || s.room+width(line) <= s.o.Width {
			s.line(s.o.paint().text(info, pad(label, s.room)) + strings.TrimRight(line, " "))
			continue
		}
		s.fact(label, r.Do)
		s.fact("", gain)
	}
}

func remedyGain(r rollout.NativeRemedy) string {
	var parts []string
	if r.Frees > 0 {
		parts = append(parts, fmt.Sprintf("frees %d", r.Frees))
	}
	if r.Then != "" {
		parts = append(parts, r.Then)
	}
	out := strings.Join(parts, "; ")
	if r.When != "" {
		return r.When + ": " + out
	}
	return out
}
