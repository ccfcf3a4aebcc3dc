package coverage

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// FailOnWords are what --fail-on takes.
var FailOnWords = []string{"gaps", "outdated", "misplaced", "hidden", "suspect", "unknown", "any"}

// Condition is what --fail-on and --min-coverage ask of a report.
type Condition struct {
	FailOn       []string // of FailOnWords, any resolved
	MinCoverage  *float64 // percent, which each DaemonSet must reach
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

// Answer says in a report what was asked of it, and how that was answered.
type Answer struct {
	FailOn       []string `json:"failOn,omitempty"`
	MinCoverage  *float64 `json:"minCoverage,omitempty"` // percent, of each DaemonSet
	AllowUnknown bool     `json:"allowUnknown,omitempty"`
	// Met is True, False, or Unknown where the answer depends on something
	// that could not be read.
	Met     metav1.ConditionStatus `json:"met"`
	Message string                 `json:"message,omitempty"` // why it is not met, or cannot be told
	// DaemonSets are the keys namespace/name of those on which it fails, or
	// because of which it cannot be told.
	DaemonSets []string `json:"daemonSets,omitempty"`
}

func (a *Answer) deepCopy() *Answer {
	if a == nil {
		return nil
	}
	out := *a
	out.FailOn, out.DaemonSets = slices.Clone(a.FailOn), slices.Clone(a.DaemonSets)
	if a.MinCoverage != nil {
		v := *a.MinCoverage
		out.MinCoverage = &v
	}
	return &out
}

// Answer is the answer to a condition as a report carries it.
func (l *DaemonSetCoverageList) Answer(c Condition) *Answer {
	outcome, because := l.Check(c)
	a := &Answer{FailOn: c.FailOn, MinCoverage: c.MinCoverage, AllowUnknown: c.AllowUnknown, Message: because}
	var of func(*DaemonSetCoverage) bool
	switch outcome {
	case Holds:
		a.Met = metav1.ConditionTrue
		return a
	case Fails:
		a.Met = metav1.ConditionFalse
		of = func(d *DaemonSetCoverage) bool { return len(c.found(&d.Summary)) > 0 || c.short(&d.Summary) }
	default:
		a.Met = metav1.ConditionUnknown
		of = func(d *DaemonSetCoverage) bool { return c.blind(&d.Summary, d.Findings) != "" }
	}
	for i := range l.Items {
		if d := &l.Items[i]; of(d) {
			a.DaemonSets = append(a.DaemonSets, d.Namespace+"/"+d.Name)
		}
	}
	return a
}

// Check answers the condition for the whole report, and says why it does not
// hold or cannot be told. What is settling does not count, unless asked; it does
// count against --min-coverage, which asks what is covered now.
func (l *DaemonSetCoverageList) Check(c Condition) (Outcome, string) {
	failed := c.found(&l.Summary.Summary)
	blind := l.blind(c)
	if why := l.coverageFails(c, blind); why != "" {
		failed = append(failed, why)
	}
	if !c.Empty() && l.Summary.Nodes == 0 && blind == "" && len(failed) == 0 {
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

// found lists what --fail-on asks for and is there, as in 3 gaps.
func (c Condition) found(s *Summary) []string {
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
	var out []string
	for _, w := range c.FailOn {
		switch n := counts[w]; {
		case n == 1:
			out = append(out, "1 "+strings.TrimSuffix(w, "s")) // a gap; the others are no nouns
		case n > 1:
			out = append(out, fmt.Sprintf("%d %s", n, w))
		}
	}
	return out
}

// coverageFails names the DaemonSets that --min-coverage fails on, the worst
// first: each must reach it, since a large one would hide a small one in the
// sum. One that no node should run is passed over, unless all are such.
func (l *DaemonSetCoverageList) coverageFails(c Condition, blind string) string {
	if c.MinCoverage == nil {
		return ""
	}
	if l.Summary.ShouldRun+l.Summary.UnknownRevision == 0 {
		if blind != "" {
			return "" // nothing could be judged: that is not a failure but a doubt
		}
		return "no node should run any of them: there is no coverage"
	}
	var low []*DaemonSetCoverage
	for i := range l.Items {
		if d := &l.Items[i]; c.short(&d.Summary) {
			low = append(low, d)
		}
	}
	if len(low) == 0 {
		return ""
	}
	slices.SortStableFunc(low, func(x, y *DaemonSetCoverage) int { return cmp.Compare(*reached(&x.Summary), *reached(&y.Summary)) })
	var names []string
	for _, d := range low {
		names = append(names, fmt.Sprintf("%s/%s %s%%", d.Namespace, d.Name, trimFloat(*reached(&d.Summary))))
	}
	return fmt.Sprintf("coverage is below %s%%: %s", trimFloat(*c.MinCoverage), few(names))
}

// reached is the coverage of what is known, nil where no node should run it. A
// node with an available pod is covered, whatever the pod's revision.
func reached(s *Summary) *float64 {
	return percent(s.Covered+s.Outdated+s.UnknownRevision, s.ShouldRun+s.UnknownRevision)
}

// short reports whether the coverage of a DaemonSet is below what is asked.
// Unknown pairs may all be covered: only if even then it is not reached has the
// condition failed.
func (c Condition) short(s *Summary) bool {
	return c.MinCoverage != nil && reached(s) != nil &&
		float64(s.Covered+s.Outdated+s.Unknown)*100 < *c.MinCoverage*float64(s.ShouldRun+s.Unknown)
}

// blind says what could not be read and matters to what is asked; empty if
// nothing.
func (l *DaemonSetCoverageList) blind(c Condition) string {
	var findings []Finding
	for i := range l.Items {
		findings = append(findings, l.Items[i].Findings...)
	}
	return c.blind(&l.Summary.Summary, findings)
}

// blind is the same of some DaemonSets. Whether an available pod is of the
// current revision matters only to who asks for outdated or unknown ones.
func (c Condition) blind(s *Summary, findings []Finding) string {
	unknown := s.Unknown
	if !c.asksRevisions() {
		unknown -= s.UnknownRevision
	}
	if unknown > 0 {
		return fmt.Sprintf("%d unknown", unknown)
	}
	for _, f := range findings {
		if f.Reason == ReadFailed {
			return f.Message
		}
	}
	return ""
}

func (c Condition) asksRevisions() bool {
	return slices.Contains(c.FailOn, "outdated") || slices.Contains(c.FailOn, "unknown")
}

// Refused is the read that the answer to a condition depends on and that a role
// refuses; empty for none. Time does not mend it, as it may mend one that failed:
// events tell only why a pod starts slowly, and a controller that has not yet
// observed the newest generation soon says more of the revision.
func (r *Result) Refused(c Condition) string {
	for i := range r.DaemonSets {
		d := &r.DaemonSets[i]
		for _, f := range d.Findings {
			if !c.dependsOn(d, f.Reason) {
				continue
			}
			if slices.ContainsFunc(r.Snapshot.Incomplete, func(read snapshot.ReadFailure) bool {
				return read.Forbidden && describeRead(read) == f.Evidence.Unread
			}) {
				return f.Evidence.Unread
			}
		}
	}
	return ""
}

// dependsOn reports whether a finding about a read leaves the condition without
// an answer for the DaemonSet.
func (c Condition) dependsOn(d *DaemonSetResult, finding Reason) bool {
	switch finding {
	case ReadFailed:
		return true
	case RevisionInferred:
		return c.asksRevisions() && d.Summary.UnknownRevision > 0 && d.DaemonSet.Status.ObservedGeneration >= d.DaemonSet.Generation
	default:
		return false
	}
}

func trimFloat(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
