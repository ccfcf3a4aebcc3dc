package present

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// sheet is a screen of labelled lines, the texts of which begin in one column.
// What it is given comes from a cluster: everything is escaped here.
type sheet struct {
	page
	o    Options
	room int // columns of the labels, with what is between
}

func newSheet(o Options, room int) *sheet { return &sheet{o: o, room: room} }

func (s *sheet) blank() { s.line("") }

// say adds text without a label.
func (s *sheet) say(text string) { s.lines(wrapCommand("", Safe(text), s.o.Width)) }

// says is say, with the first word of the line in a tone.
func (s *sheet) says(t tone, word, text string) {
	word = Safe(word)
	lines := wrapCommand("", word+Safe(text), s.o.Width)
	lines[0] = s.o.paint().text(t, word) + strings.TrimPrefix(lines[0], word)
	s.lines(lines)
}

// fact adds a labelled line; nothing where there is no text. An empty label
// goes on with the one before.
func (s *sheet) fact(label, text string) { s.toned(info, label, text) }

func (s *sheet) toned(t tone, label, text string) {
	if text == "" {
		return
	}
	label = Safe(label)
	lines := wrapCommand(pad(label, s.room), Safe(text), s.o.Width)
	lines[0] = s.o.paint().text(t, label) + strings.TrimPrefix(lines[0], label)
	s.lines(lines)
}

// grid adds a table after a blank line.
func (s *sheet) grid(g *grid) error {
	s.blank()
	return s.table(g, s.o.paint())
}

// headOf names a DaemonSet and where it is: every screen names the context.
func headOf(namespace, name, context string) string {
	if context == "" {
		context = "cluster"
	}
	return namespace + "/" + name + " on " + context
}

// few names three nodes on a terminal, all elsewhere.
func few(all []string, o Options) string { return names(all, 3, o) }

// short names the first n in a pipe, too: what a plan is about is in -o wide.
func short(all []string, n int, o Options) string {
	if o.Full {
		return strings.Join(all, ", ")
	}
	return names(all, n, Options{Width: narrow})
}

// revisionOf writes a revision by its number, else by its hash.
func revisionOf(r rollout.Revision) string {
	if r.Number == 0 {
		return orNone(r.Hash)
	}
	return fmt.Sprint(r.Number)
}

func revisionCount(c rollout.RevisionCount) string {
	return revisionOf(rollout.Revision{Hash: c.Hash, Number: c.Number})
}

// countsLine says how the pods of each revision are: 42: 2 available, 1
// failing. 41: 187 available, 1 lost.
func countsLine(counts []rollout.RevisionCount, prefix string) string {
	var out []string
	for _, c := range counts {
		var parts []string
		add := func(n int, word string) {
			if n > 0 {
				parts = append(parts, fmt.Sprintf("%d %s", n, word))
			}
		}
		add(c.Available, "available")
		add(c.Failing, "failing")
		add(c.Ending, "ending")
		add(c.Lost, "lost")
		out = append(out, prefix+revisionCount(c)+": "+strings.Join(parts, ", ")+".")
	}
	return strings.Join(out, " ")
}

// runCommand is a command of ds-rollout about a DaemonSet.
func runCommand(s *rollout.Status, flags, verb string, more ...string) string {
	words := append([]string{"kubectl", "ds-rollout", verb, "-n", s.Namespace, s.Name}, more...)
	return rollout.Command(flags, words...)
}

// resumeCommand asks nothing where no terminal could answer. again are flags
// that it repeats, quoted.
func resumeCommand(s *rollout.Status, flags, again string, o Options, more ...string) string {
	if o.Width == 0 {
		more = append(slices.Clone(more), "--yes")
	}
	return runCommand(s, strings.TrimSpace(again+" "+flags), "resume", more...)
}

// goOnCommand is what a run that rests goes on by, where what it was started
// with is not known.
func goOnCommand(s *rollout.Status, flags string) string {
	if s.Held { // it does not go on with what was taken back
		return runCommand(s, flags, "undo")
	}
	if s.Because != nil && s.Phase == rollout.Paused && s.Because.Code == rollout.PauseUntil {
		return runCommand(s, flags, "resume", rollout.UntilNone...)
	}
	return runCommand(s, flags, "resume")
}

// templateWays are the ways on from a template that somebody changed: resume
// alone would pause again while that is not the target.
func templateWays(s *rollout.Status, flags, resume string) []string {
	switch {
	case s.Target.Hash == "": // none is pinned yet
		return []string{"with the template as it is now: " + resume}
	case !s.Drifted: // it was put back meanwhile
		return []string{resume}
	}
	return []string{
		"with the template that the run began with: put it back, then " + resume,
		"with the new one: start a new run, after " + runCommand(s, flags, "abort"),
		"back to " + revisionOf(s.From) + ": " + runCommand(s, flags, "undo"),
	}
}

// ago is how long ago something was: to the minute for two days, since what
// happened in the night is told by it, then as kubectl writes it.
func ago(t, now time.Time) string {
	d := max(now.Sub(t), 0)
	if d < 48*time.Hour {
		return span(d)
	}
	return duration.HumanDuration(d)
}

// hourOf is a time of day, with its date where that is another day.
func hourOf(t, now time.Time) string {
	t, now = t.UTC(), now.UTC()
	if t.Format(time.DateOnly) == now.Format(time.DateOnly) || now.Sub(t).Abs() < 20*time.Hour {
		return t.Format("15:04Z")
	}
	return t.Format("2006-01-02 15:04Z")
}

// seconds is a span that may be longer than a time.Duration holds, such as that
// of many nodes with a soak of years.
func seconds(n int64) string {
	const most = int64(math.MaxInt64 / time.Second)
	if n > most {
		return "more than " + span(time.Duration(most)*time.Second)
	}
	return span(time.Duration(n) * time.Second)
}

// zoneNames shortens zones by what all share: eu-west-1a, eu-west-1b are a
// and b.
func zoneNames(zones []string) map[string]string {
	out := map[string]string{}
	for _, z := range zones {
		out[z] = z
	}
	if len(zones) < 2 {
		return out
	}
	prefix := zones[0]
	for _, z := range zones[1:] {
		for !strings.HasPrefix(z, prefix) {
			prefix = prefix[:len(prefix)-1]
		}
	}
	for _, z := range zones {
		if len(z) == len(prefix) {
			return out // one is all of what they share
		}
	}
	for _, z := range zones {
		out[z] = strings.TrimPrefix(z, prefix)
	}
	return out
}

// leftLines says what is left behind, by name and why: one line for each
// reason.
func leftLines(left []rollout.Left, o Options) []string {
	type key struct{ what, reason string }
	by := map[key][]string{}
	var order []key
	for _, l := range left {
		k := key{l.What, l.Reason}
		if _, seen := by[k]; !seen {
			order = append(order, k)
		}
		if l.Node != "" && !slices.Contains(by[k], l.Node) {
			by[k] = append(by[k], l.Node)
		} else if by[k] == nil {
			by[k] = []string{}
		}
	}
	var out []string
	for _, k := range order {
		what := leftWords[k.what]
		if what == "" {
			what = k.what
		}
		if n := by[k]; len(n) > 0 && k.what != rollout.LeftStrategy {
			what = fmt.Sprintf("%s on %s (%s)", what, plural(len(n), "node"), few(n, o))
		}
		out = append(out, what+": "+k.reason)
	}
	return out
}

var leftWords = map[string]string{
	rollout.LeftOldPod:    "an old pod",
	rollout.LeftFailedPod: "a failed pod",
	rollout.LeftNoPod:     "no available pod",
	rollout.LeftCordon:    "a cordon",
	rollout.LeftStrategy:  "OnDelete stays",
	rollout.LeftSkipped:   "an old pod",
}
