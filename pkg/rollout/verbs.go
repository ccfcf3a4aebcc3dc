package rollout

import "slices"

// Verb is what a person asks of a run, from any terminal.
type Verb string

// Verbs.
const (
	VerbPause    Verb = "pause"
	VerbResume   Verb = "resume"
	VerbApprove  Verb = "approve"
	VerbSkip     Verb = "skip"
	VerbRetry    Verb = "retry"
	VerbUndo     Verb = "undo"
	VerbAbort    Verb = "abort"
	VerbTakeover Verb = "takeover"
)

// Verbs lists all verbs, in the order of the documentation.
func Verbs() []Verb {
	return []Verb{VerbPause, VerbResume, VerbApprove, VerbSkip, VerbRetry, VerbUndo, VerbAbort, VerbTakeover}
}

// Effect is what a verb does in a phase. docs/ holds the table, made from
// Table.
type Effect struct {
	Phase    Phase
	Verb     Verb
	Allowed  bool
	Then     Phase  // the phase that the run stores; empty for the same one
	Strategy string // of the DaemonSet, afterwards
	Template string
	Cordons  string
	Lease    string
	Exit     int    // of the command that drives, once the verb has taken effect; -1: it goes on
	Because  string // why it is not allowed
}

// Exit codes that a run ends with, as docs/exit-codes.md has them.
const (
	ExitDone        = 0
	ExitStopped     = 1
	ExitError       = 2
	ExitPaused      = 4
	ExitLocked      = 5
	ExitTimedOut    = 6
	ExitGoesOn      = -1
	ExitInterrupted = 130
)

const (
	onDelete   = "OnDelete"
	same       = "as it is"
	givenBack  = "given back when no old pod is left, else OnDelete"
	inFlight   = "of nodes in flight"
	noCordons  = "none of ours"
	keptLease  = "kept"
	freedLease = "kept, free to take"
	goneLease  = "deleted"
)

// Allowed reports whether a verb can be asked for in a phase.
func Allowed(p Phase, v Verb) bool { return effectOf(p, v).Allowed }

// effectOf is the row of a phase and a verb; the zero one where there is none.
func effectOf(p Phase, v Verb) Effect {
	i := slices.IndexFunc(table, func(e Effect) bool { return e.Phase == p && e.Verb == v })
	if i < 0 {
		return Effect{Because: "it is not known"}
	}
	return table[i]
}

// Table lists what each verb does in each phase, every pair once.
func Table() []Effect { return slices.Clone(table) }

var table = makeTable()

func makeTable() []Effect {
	var out []Effect
	for _, p := range Phases() {
		for _, v := range Verbs() {
			e := effect(p, v)
			e.Phase, e.Verb = p, v
			e.Allowed = e.Because == ""
			out = append(out, e)
		}
	}
	return out
}

func no(because string) Effect { return Effect{Exit: ExitError, Because: because} }

func effect(p Phase, v Verb) Effect {
	switch {
	case v == VerbTakeover:
		if p == Ended {
			return no("the run has ended")
		}
		return Effect{Strategy: same, Template: same, Cordons: same, Lease: keptLease, Exit: ExitGoesOn}
	case p == Ended:
		return no("the run has ended")
	case p == Finishing || p == Aborting:
		if p == Finishing && v == VerbAbort {
			return abort()
		}
		return no("the run is cleaning up")
	case v == VerbAbort:
		return abort()
	}
	if p == Arming || p == Running || p == Undoing {
		return whileMoving(p, v)
	}
	return whileResting(p, v)
}

// notAwaited refuses an approval of what nobody has seen yet.
const notAwaited = "it waits for no approval"

func goesOn(then Phase) Effect {
	return Effect{Then: then, Strategy: onDelete, Template: same, Cordons: inFlight, Lease: keptLease, Exit: ExitGoesOn}
}

func undo() Effect {
	e := goesOn(Undoing)
	e.Template = "back to where the run came from"
	return e
}

func whileMoving(p Phase, v Verb) Effect {
	switch v {
	case VerbPause:
		return Effect{Then: Paused, Strategy: onDelete, Template: same, Cordons: inFlight, Lease: freedLease, Exit: ExitPaused}
	case VerbApprove:
		return no(notAwaited)
	case VerbSkip, VerbRetry:
		if p == Arming {
			return no("no node has been touched")
		}
		return goesOn("")
	case VerbUndo:
		if p == Running {
			return undo()
		}
		return no("there is nothing to undo, or it is being undone")
	default:
		return no("the run is not resting")
	}
}

func whileResting(p Phase, v Verb) Effect {
	switch v {
	case VerbResume:
		return goesOn(Running)
	case VerbApprove:
		if p == Paused {
			return goesOn(Running)
		}
		return no(notAwaited)
	case VerbSkip, VerbRetry:
		return goesOn("")
	case VerbUndo:
		return undo()
	default:
		return no("the run rests already")
	}
}

func abort() Effect {
	return Effect{Then: Aborting, Strategy: givenBack, Template: "kept", Cordons: noCordons, Lease: goneLease, Exit: ExitStopped}
}
