package coverage

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// FailOnWords are what --fail-on takes.
var FailOnWords = []string{"gaps", "outdated", "misplaced", "hidden", "suspect", "unknown", "any"}

// Condition is what --fail-on and --min-coverage ask of a report.
type Condition struct {
	FailOn       []string // of FailOnWords, any resolved
	MinCoverage  *float64 // percent
	AllowUnknown bool
	// CountSettling counts what is settling too: who waits for a rollout to end
	// must not be told at once that all is well, since all is young.
	CountSettling bool
}

// Outcome is the answer to a condition.
type Outcome int

// Outcomes.
const (
	Holds Outcome = iota
	Fails
	// CannotTell: the answer depends on something that could not be read.
	CannotTell
)

// ParseCondition reads the flags. An error names the words that are allowed.
func ParseCondition(failOn []string, minCoverage string, allowUnknown bool) (Condition, error) {
	c := Condition{AllowUnknown: allowUnknown}
	for _, w := range failOn {
		w = strings.TrimSpace(w)
		switch {
		case w == "":
		case w == "any":
			c.FailOn = append(c.FailOn, FailOnWords[:len(FailOnWords)-1]...)
		case slices.Contains(FailOnWords, w):
			c.FailOn = append(c.FailOn, w)
		default:
			return c, fmt.Errorf("--fail-on knows %s, not %q", strings.Join(FailOnWords, ", "), w)
		}
	}
	slices.Sort(c.FailOn)
	c.FailOn = slices.Compact(c.FailOn)
	if minCoverage != "" {
		v, err := strconv.ParseFloat(strings.TrimSuffix(minCoverage, "%"), 64)
		if err != nil || !(v >= 0 && v <= 100) {
			return c, fmt.Errorf("--min-coverage takes a percentage from 0 to 100, not %q", minCoverage)
		}
		c.MinCoverage = &v
	}
	return c, nil
}

// Empty reports whether nothing is asked.
func (c Condition) Empty() bool { return len(c.FailOn) == 0 && c.MinCoverage == nil }

// Check answers the condition for the whole report, and says why it does not
// hold or cannot be told. What is settling does not count, unless asked; it does
// count against --min-coverage, which asks what is covered now.
func (l *DaemonSetCoverageList) Check(c Condition) (Outcome, string) {
	s := &l.Summary
	counts := map[string]int{
		"gaps": s.Gaps, "outdated": s.Outdated, "misplaced": s.Misplaced,
		"hidden": s.Hidden, "suspect": s.Suspect, "unknown": s.Unknown,
	}
	if !c.CountSettling {
		counts["gaps"] -= s.SettlingGaps
		counts["outdated"] -= s.SettlingOutdated
		counts["misplaced"] -= s.SettlingMisplaced
		counts["hidden"] -= s.SettlingHidden
	}
	var failed []string
	for _, w := range c.FailOn {
		if counts[w] > 0 {
			failed = append(failed, fmt.Sprintf("%d %s", counts[w], w))
		}
	}
	blind := l.blind(c)
	if c.MinCoverage != nil {
		if why := l.coverageFails(*c.MinCoverage, blind); why != "" {
			failed = append(failed, why)
		}
	}
	if !c.Empty() && s.Nodes == 0 && blind == "" && len(failed) == 0 {
		// A typing error in a selector must not be green for ever.
		failed = append(failed, "nothing was looked at: no DaemonSet and node is selected")
	}
	switch {
	case len(failed) > 0:
		return Fails, strings.Join(failed, ", ")
	case !c.Empty() && blind != "" && !c.AllowUnknown:
		return CannotTell, blind
	default:
		return Holds, ""
	}
}

func (l *DaemonSetCoverageList) coverageFails(want float64, blind string) string {
	s := &l.Summary
	// A node with an available pod is covered, whatever the pod's revision.
	covered, shouldRun := s.Covered+s.Outdated+s.UnknownRevision, s.ShouldRun+s.UnknownRevision
	got := percent(covered, shouldRun)
	switch {
	case got == nil && blind != "":
		return "" // nothing could be judged: that is not a failure but a doubt
	case got == nil:
		return "no node should run any of them: there is no coverage"
	// Unknown pairs may all be covered: only if even then the wanted value is
	// not reached has the condition failed.
	case float64(s.Covered+s.Outdated+s.Unknown)*100 < want*float64(s.ShouldRun+s.Unknown):
		return fmt.Sprintf("coverage %s%% is below %s%%", trimFloat(*got), trimFloat(want))
	}
	return ""
}

// blind says what could not be read and matters to what is asked; empty if
// nothing. Whether an available pod is of the current revision matters only to
// who asks for outdated or unknown ones.
func (l *DaemonSetCoverageList) blind(c Condition) string {
	unknown := l.Summary.Unknown
	if !slices.Contains(c.FailOn, "outdated") && !slices.Contains(c.FailOn, "unknown") {
		unknown -= l.Summary.UnknownRevision
	}
	if unknown > 0 {
		return fmt.Sprintf("%d unknown", unknown)
	}
	for i := range l.Items {
		for _, f := range l.Items[i].Findings {
			if f.Reason == ReadFailed {
				return f.Message
			}
		}
	}
	return ""
}

func trimFloat(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
