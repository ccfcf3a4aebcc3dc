package coverage

import "fmt"

// State is the verdict on one (DaemonSet, node) pair. The zero State is
// invalid: a pair that nobody judged must not look covered.
type State uint8

// States, in the order of the documentation.
const (
	Covered   State = iota + 1 // should run; a pod of the current revision is available
	Outdated                   // should run; an available pod of another revision
	Unready                    // should run; a pod is there and not available
	Missing                    // should run; no pod
	Misplaced                  // should not run; a pod is there
	Excluded                   // should not run, no pod
	Unknown                    // a read failed, or only a feature gate can tell
)

var stateNames = [...]string{"", "Covered", "Outdated", "Unready", "Missing", "Misplaced", "Excluded", "Unknown"}

// States lists all states.
func States() []State {
	return []State{Covered, Outdated, Unready, Missing, Misplaced, Excluded, Unknown}
}

// String is the state's name; of an invalid one State(n).
func (s State) String() string {
	if s == 0 || int(s) >= len(stateNames) {
		return fmt.Sprintf("State(%d)", uint8(s))
	}
	return stateNames[s]
}

// MarshalText refuses an invalid state.
func (s State) MarshalText() ([]byte, error) {
	if s == 0 || int(s) >= len(stateNames) {
		return nil, fmt.Errorf("invalid state %d", uint8(s))
	}
	return []byte(stateNames[s]), nil
}

// UnmarshalText reads a state's name.
func (s *State) UnmarshalText(b []byte) error {
	for i, n := range stateNames {
		if i > 0 && n == string(b) {
			*s = State(i)
			return nil
		}
	}
	return fmt.Errorf("%q is not a state", b)
}

// Gap reports whether the state is one that should run and does not.
func (s State) Gap() bool { return s == Unready || s == Missing }

// ShouldRun reports whether the state is one of a node that should run the
// DaemonSet.
func (s State) ShouldRun() bool {
	return s == Covered || s == Outdated || s == Unready || s == Missing
}
