package present

import (
	"fmt"
	"io"
	"strings"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// PausedView is a run that rests because somebody, or its policy, asked.
type PausedView struct {
	Context string
	Status  *rollout.Status
	Run     *rollout.Run
	Counts  []rollout.RevisionCount
	// CommandFlags are appended to printed commands, as in "--context prod".
	CommandFlags string
	// Again are the flags that resume needs once more, quoted: what gates run
	// is not stored.
	Again string
}

// WritePaused writes why a run rests and how to go on.
func WritePaused(w io.Writer, v *PausedView, o Options) error {
	s, st := newSheet(o, 11), v.Status
	why := "asked"
	switch {
	case st.Because != nil:
		why = because(*st.Because, st)
	case st.Waits != nil:
		why = because(*st.Waits, st)
	}
	s.says(warn, "PAUSED", fmt.Sprintf("  run %s of %s: %s. Done %d of %d.", st.Run, headOf(st.Namespace, st.Name, v.Context), why, st.Done, st.Total))
	if o.Quiet {
		return s.writeTo(w)
	}
	s.fact("now", strings.TrimSpace(countsLine(v.Counts, "")+" Ceiling "+takenOf(st)+"."))
	if n := len(st.Flights); n > 0 {
		s.fact("in flight", fmt.Sprintf("%s, which finish first", plural(n, "node")))
	}
	s.toned(warn, "careful", "paused is not frozen: "+starts+runsNow(st))
	for i, c := range goOnCommands(v, o) {
		label := "go on"
		if i > 0 {
			label = ""
		}
		s.fact(label, c)
	}
	s.fact("give up", runCommand(st, v.CommandFlags, "abort"))
	return s.writeTo(w)
}

// goOnCommands are exactly what to type.
func goOnCommands(v *PausedView, o Options) []string {
	st := v.Status
	resume := resumeCommand(st, v.CommandFlags, v.Again, o)
	if st.Because == nil {
		if st.Waits != nil && st.Waits.Since != nil {
			return []string{"from " + clock(st.Waits.Since.Time) + " on: " + resume}
		}
		return []string{resume}
	}
	switch st.Because.Code {
	case rollout.PauseApproval:
		return []string{runCommand(st, v.CommandFlags, "approve"), resume}
	case rollout.PauseUntil:
		return []string{
			resumeCommand(st, v.CommandFlags, v.Again, o, rollout.UntilNone...),
			"with another time in place of none, it pauses again then",
		}
	case rollout.PauseTimeout:
		return []string{resume, "it has as long again; another time: --timeout 2h, or 0 for ever"}
	case rollout.PauseTemplate:
		return templateWays(st, v.CommandFlags, resume)
	default:
		return []string{resume}
	}
}

// EndedView is a run that is over.
type EndedView struct {
	Context      string
	Status       *rollout.Status
	Run          *rollout.Run
	Done         *rollout.Done
	Counts       []rollout.RevisionCount
	CommandFlags string
}

// WriteEnded writes how a run ended, and what it leaves behind, by name and
// why. Done, Undone and Aborted are three words with three meanings.
func WriteEnded(w io.Writer, v *EndedView, o Options) error {
	s, st, d := newSheet(o, 11), v.Status, v.Done
	word, t := strings.ToUpper(string(d.Outcome)), strong
	if d.Exit != rollout.ExitDone {
		t = warn
	}
	s.says(t, word, fmt.Sprintf("  run %s of %s: %s", st.Run, headOf(st.Namespace, st.Name, v.Context), endedWords(v)))
	if o.Quiet {
		return s.writeTo(w)
	}
	s.fact("now", countsLine(v.Counts, ""))
	s.fact("strategy", strategyAfter(v))
	if d.Outcome == rollout.OutcomeAborted {
		s.fact("template", "kept "+keptTemplate(st)+": a node that joins or a pod that is evicted starts on it")
	}
	lines := leftLines(d.Left, o)
	for i, l := range lines {
		label := "left"
		if i > 0 {
			label = ""
		}
		s.fact(label, l)
	}
	if len(lines) == 0 {
		s.fact("left", "nothing: no annotation, no cordon, no lock")
	}
	thenFacts(s, v)
	return s.writeTo(w)
}

// thenFacts are the ways on where OnDelete stays, or where nodes have failed.
func thenFacts(s *sheet, v *EndedView) {
	failing := failsOnTarget(v)
	if failing && goesBack(v) {
		s.fact("undo", "the older template and its pods, from "+revisionOf(v.Status.Target)+" to "+revisionOf(v.Status.From)+":")
		s.fact("", runCommand(v.Status, v.CommandFlags, "undo"))
	}
	if !stays(v.Done.Left) {
		return
	}
	before := ""
	if failing || v.Done.Outcome != rollout.OutcomeAborted {
		before = "once what is named is mended: "
	}
	s.fact("go on", before+runCommand(v.Status, v.CommandFlags, "start"))
	if failing {
		return // the controller would only bring more of what fails
	}
	for _, l := range v.Done.Left {
		// Without a node it is somebody else's OnDelete.
		if l.What == rollout.LeftStrategy && l.Node != "" {
			s.fact("or", "let the controller begin to replace the rest immediately, up to maxUnavailable at a time: "+runCommand(v.Status, v.CommandFlags, "disarm", "--hand-back"))
			return
		}
	}
}

// failsOnTarget reports whether the template that stays has failed on a node,
// or has pods that are not available.
func failsOnTarget(v *EndedView) bool {
	if v.Status.Held {
		return false // it is the older one
	}
	for _, c := range v.Counts {
		if c.Hash == v.Status.Target.Hash && c.Failing > 0 {
			return true
		}
	}
	return countLeft(v.Done.Left, rollout.LeftFailedPod) > 0
}

// goesBack reports whether there is an older template that undo may put back.
func goesBack(v *EndedView) bool {
	from := v.Status.From.Hash
	return v.Run != nil && v.Run.TemplateOwner == "" && from != "" && from != v.Status.Target.Hash
}

func countLeft(left []rollout.Left, what string) int {
	count := 0
	for _, l := range left {
		if l.What == what {
			count++
		}
	}
	return count
}

func endedWords(v *EndedView) string {
	st, d := v.Status, v.Done
	failed := ""
	if n := countLeft(d.Left, rollout.LeftFailedPod); n > 0 {
		failed = fmt.Sprintf(", %d failed", n)
	}
	switch total := sizeOf(v.Run, st); {
	case d.Outcome == rollout.OutcomeAborted:
		return fmt.Sprintf("%d of %s run revision %s%s, and no more will be.", d.Nodes, plural(total, "node"), revisionOf(st.Target), failed)
	case total == 0:
		return "no node is left of its scope."
	case d.Nodes == total && failed == "":
		return fmt.Sprintf("all %s run revision %s.", plural(total, "node"), endedOn(v))
	default:
		return fmt.Sprintf("%d of %s run revision %s%s.", d.Nodes, plural(total, "node"), endedOn(v), failed)
	}
}

// endedOn is the target by its number. A template that is put back is the same
// revision under a new one.
func endedOn(v *EndedView) string {
	to, from := v.Status.Target, v.Status.From
	if v.Run != nil {
		from = v.Run.From // by the number that it had
	}
	if to.Hash != from.Hash || from.Number == 0 || from.Number == to.Number {
		return revisionOf(to)
	}
	return fmt.Sprintf("%s (was %d)", revisionOf(to), from.Number)
}

// sizeOf is the scope of a run that is still there.
func sizeOf(r *rollout.Run, s *rollout.Status) int {
	if r == nil {
		return s.Total
	}
	return len(r.Members) - len(s.Gone)
}

func strategyAfter(v *EndedView) string {
	if stays(v.Done.Left) {
		return "OnDelete still, see left"
	}
	if v.Run == nil || v.Run.Original == "" {
		return ""
	}
	if v.Run.Original == onDelete {
		return "OnDelete as before"
	}
	return v.Run.Original + ", put back"
}

func stays(left []rollout.Left) bool { return countLeft(left, rollout.LeftStrategy) > 0 }
