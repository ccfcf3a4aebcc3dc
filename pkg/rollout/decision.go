package rollout

import (
	"time"

	"github.com/kubectl-ds/kubectl-ds/pkg/coverage"
)

// Decision is the next step of a run: exactly one of the four is set.
type Decision struct {
	Act Action
	// Also are more actions of the same kind on other nodes, with Act: each
	// node holds its place already, so they may be carried out together, in
	// any order, or one by one.
	Also []Action
	Wait *Wait
	Stop *Stop
	Done *Done
}

// Wait says what is waited for. Nothing is to be done before Until, or before
// something changes; with a zero Until only a change, or an answer, helps.
type Wait struct {
	Until   time.Time
	Because []Cause // never empty; the first is the main one
	// Rests is set where the run waits for a person or a time, with nothing
	// in flight: a driver without a terminal leaves with Exit.
	Rests bool
	Exit  int
}

// Stop is the end of driving: nothing more will be done until a person acts.
type Stop struct {
	Because Cause
	Failed  []Failure
	// Evidence is the verdict on the node that stopped the run; nil for none.
	Evidence *coverage.NodeVerdict
	Left     []Left
	// Resumable tells that the run is stored and can go on.
	Resumable bool
	Exit      int
}

// Done is the end of a run.
type Done struct {
	Outcome Outcome
	Nodes   int // of the scope that run the target revision and did not fail
	Left    []Left
	Exit    int
}

func act(a Action) Decision { return Decision{Act: a} }
