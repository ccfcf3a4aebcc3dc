package present

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// StoppedView is a run that a failure or a gate has stopped, with what there
// is to see around it.
type StoppedView struct {
	Context string
	Stop    *rollout.Stop
	Status  *rollout.Status
	Run     *rollout.Run
	Counts  []rollout.RevisionCount
	// Around is what rollout.Compare tells about the node of the cause; nil
	// for none.
	Around  *rollout.Comparison
	Choices []rollout.Choice
	// Keys is set where a terminal waits for u, t, s or q; else the choices
	// are printed as commands.
	Keys         bool
	CommandFlags string
	// Again are the flags that resume needs once more, quoted.
	Again string
}

// maxLastWords is how much of a termination message is shown.
const maxLastWords = 200

// starts stands on every screen of a run that rests: a pause is not a freeze.
const starts = "a node that joins or a pod that is evicted starts on "

// WriteStopped writes why a run has stopped, what is known about it, and what
// may be done.
func WriteStopped(w io.Writer, v *StoppedView, o Options) error {
	s := newSheet(o, 13)
	st := v.Status
	promise := "Nothing more will be deleted."
	if !v.Stop.Resumable {
		promise = "This process does nothing more."
	}
	if calledOff(v.Stop.Because.Code) {
		promise = "Nothing was changed."
	}
	s.says(bad, "STOPPED", fmt.Sprintf("  run %s of %s: %s. %s", st.Run, headOf(st.Namespace, st.Name, v.Context), stoppedBy(v), promise))
	switch {
	case o.Quiet:
	case v.Stop.Resumable:
		evidenceFacts(s, v)
		s.blank()
		nowFacts(s, v)
		s.blank()
		choiceLines(s, v)
	default:
		haltedFacts(s, v)
	}
	return s.writeTo(w)
}

// nowFacts say how the cluster is left while nobody acts.
func nowFacts(s *sheet, v *StoppedView) {
	st := v.Status
	ceiling := "Ceiling " + takenOf(st) + "."
	s.fact("now", strings.TrimSpace(strings.Join([]string{countsLine(v.Counts, ""), ceiling, strategyNow(v.Run), cordonsNow(v.Stop.Left, s.o)}, " ")))
	others := slices.DeleteFunc(slices.Clone(v.Stop.Left), func(l rollout.Left) bool { return l.What == rollout.LeftCordon })
	for _, l := range leftLines(others, s.o) {
		s.fact("left", l)
	}
	if st.Held {
		s.fact("template", "hold put that of "+revisionOf(st.From)+" back, and touched no pod")
	}
	s.toned(warn, "careful", "a stop is not a freeze: "+starts+runsNow(st))
}

// haltedFacts are about a run that this process cannot go on with.
func haltedFacts(s *sheet, v *StoppedView) {
	for _, l := range leftLines(v.Stop.Left, s.o) {
		s.fact("left", l)
	}
	switch v.Stop.Because.Code {
	case rollout.StopLockLost:
		s.fact("look", runCommand(v.Status, v.CommandFlags, "status"))
	case rollout.StopGone: // the Lease that it owned is deleted with it, but by --cascade=orphan
		s.fact("clean up", "only where it has left its Lease: "+runCommand(v.Status, v.CommandFlags, "recover"))
	case rollout.StopRecreated, rollout.StopLeaseGone:
		s.fact("clean up", runCommand(v.Status, v.CommandFlags, "recover"))
	case rollout.StopStale, rollout.StopMisfit:
		s.fact("left", "nothing: no annotation, no cordon, no lock")
	default:
	}
}

// calledOff reports whether a run ended before it changed anything.
func calledOff(c rollout.Code) bool { return c == rollout.StopStale || c == rollout.StopMisfit }

// stoppedBy says in one phrase what stopped the run.
func stoppedBy(v *StoppedView) string {
	c := v.Stop.Because
	if c.Code != rollout.StopFailed || c.Node == "" {
		return because(c, v.Status)
	}
	what := "node "
	if r := v.Run; r != nil && len(r.Waves) > 1 {
		i := slices.IndexFunc(r.Members, func(m rollout.Member) bool { return m.Node == c.Node })
		if i >= 0 && i < r.Waves[0] {
			what = "canary "
		}
	}
	return what + c.Node + " fails"
}

// runsNow is what a pod that is made now will run.
func runsNow(s *rollout.Status) string {
	if now := templateNow(s); now != "" {
		return "the template " + now
	}
	if s.Held {
		return revisionOf(s.From) + ", which hold put back"
	}
	return revisionOf(s.Target)
}

// templateNow tells of a template that is no revision the run knows; empty
// where it is one.
func templateNow(s *rollout.Status) string {
	switch {
	case s.Target.Hash == "": // none is pinned yet
		return "as it is now"
	case s.Drifted && !s.Held:
		return "as it is now, which is not the target of the run"
	}
	return ""
}

// keptTemplate is what an abort leaves.
func keptTemplate(s *rollout.Status) string {
	if now := templateNow(s); now != "" {
		return now
	}
	return "at revision " + runsNow(s)
}

func strategyNow(r *rollout.Run) string {
	if r == nil || r.Original == "" {
		return "OnDelete."
	}
	if r.Original == onDelete {
		return "OnDelete as before;"
	}
	return "OnDelete for the run, " + r.Original + " before;"
}

const onDelete = "OnDelete"

func cordonsNow(left []rollout.Left, o Options) string {
	var nodes []string
	for _, l := range left {
		if l.What == rollout.LeftCordon {
			nodes = append(nodes, l.Node)
		}
	}
	if len(nodes) == 0 {
		return "no cordon"
	}
	return "cordoned: " + few(nodes, o)
}

// choiceLines are what may be done: as keys on a terminal, else as commands.
func choiceLines(s *sheet, v *StoppedView) {
	room := s.room
	defer func() { s.room = room }()
	labels := map[rollout.Verb]string{rollout.VerbUndo: "u  undo", rollout.VerbRetry: "t  retry", rollout.VerbSkip: "s  skip"}
	for _, c := range v.Choices {
		label := labels[c.Verb]
		if !v.Keys {
			label = string(c.Verb)
		}
		s.toned(strong, label, choiceText(v, &c))
		switch {
		case c.Because != "":
			s.fact("", "refused: "+c.Because)
		case !v.Keys:
			s.fact("", runCommand(v.Status, v.CommandFlags, string(c.Verb), nodeArgs(c.Node)...))
			if c.Verb != rollout.VerbUndo && !endsHere(v) { // undo drives by itself
				s.fact("", resumeCommand(v.Status, v.CommandFlags, v.Again, s.o))
			}
		}
	}
	if v.Keys {
		s.toned(strong, "q  quit", "leave it stopped (exit 1); the same words are subcommands from any terminal")
		return
	}
	if endsHere(v) {
		s.toned(strong, "end it", runCommand(v.Status, v.CommandFlags, "abort"))
		return
	}
	if !slices.ContainsFunc(v.Choices, func(c rollout.Choice) bool { return c.Verb != rollout.VerbUndo && c.Because == "" }) {
		s.toned(strong, "go on", resumeCommand(v.Status, v.CommandFlags, v.Again, s.o))
	}
}

// endsHere reports whether a run that is resumed would stop here again.
func endsHere(v *StoppedView) bool {
	return v.Stop.Because.Code == rollout.StopChange || v.Status.Held
}

func nodeArgs(node string) []string {
	if node == "" {
		return nil
	}
	return []string{node}
}

func choiceText(v *StoppedView, c *rollout.Choice) string {
	switch c.Verb {
	case rollout.VerbUndo:
		out := "template back to " + revisionOf(v.Status.From)
		switch {
		case v.Status.Held:
			return plural(c.Pods, "pod") + " back to " + revisionOf(v.Status.From) + " too; the template is back already"
		case c.Pods == 1:
			out += ", then 1 pod"
		case c.Pods > 1:
			out += fmt.Sprintf(", then these %d pods", c.Pods)
			if v.Stop.Because.Node != "" {
				out += ", the failing node first"
			}
		}
		return out
	case rollout.VerbRetry:
		return strings.TrimSpace(c.Node + " again, same revision")
	case rollout.VerbSkip:
		as := "as it is"
		if slices.ContainsFunc(v.Stop.Failed, func(f rollout.Failure) bool { return f.Node == c.Node }) {
			as = "failing"
		}
		return strings.TrimSpace("leave "+c.Node) + " " + as + ", do not count it any more, and go on"
	default:
		return string(c.Verb)
	}
}

// timeOf is the zero time for none.
func timeOf(c *rollout.Cause) time.Time {
	if c == nil || c.Since == nil {
		return time.Time{}
	}
	return c.Since.Time
}
