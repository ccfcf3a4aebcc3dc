package present

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// Lock is what the Lease says of the driver of a run.
type Lock struct {
	Holder string // who drives, or drove: "oncall@example.com on host-17"
	// Renewed is when the driver was last heard of; zero where nobody ever
	// drove.
	Renewed time.Time
	Free    bool // let go, or expired
	Dead    bool // the driver ran on this machine, and does so no more
	// FreeIn is when the lock can be taken if the driver stays silent.
	FreeIn time.Duration
}

// driven reports whether somebody may drive.
func (l *Lock) driven() bool { return !l.Renewed.IsZero() && !l.Free && !l.Dead }

// ResumeView is a stored run that is about to go on.
type ResumeView struct {
	Context string
	Run     *rollout.Run
	Facts   *rollout.ResumeFacts
	// Policy is what it goes on with where that is not what is stored in it;
	// nil for the same.
	Policy       *rollout.Policy
	Lock         Lock
	Now          time.Time
	CommandFlags string
}

// WriteResume writes what somebody must know who goes on with a run.
func WriteResume(w io.Writer, v *ResumeView, o Options) error {
	s, r, f := newSheet(o, 11), v.Run, v.Facts
	s.says(strong, "Run "+r.ID, fmt.Sprintf(" of %s%s, %s", headOf(r.Namespace, r.Name, v.Context), byWhom(r.By), restsSince(r, v.Now)))
	if o.Quiet {
		return s.writeTo(w)
	}
	s.fact("same", sameText(v))
	for i, d := range f.Differs {
		label := "differs"
		if i > 0 {
			label = ""
		}
		s.toned(bad, label, d)
	}
	s.fact("lock", lockText(&v.Lock, f, v.Now))
	s.fact("done", fmt.Sprintf("%d of %d, counted from the pods now", f.Done, f.Total))
	if len(f.Failed) > 0 {
		failedFacts(s, f.Failed)
	}
	s.fact("changed", changedText(r, f, o))
	s.fact("left", leftText(v))
	return s.writeTo(w)
}

func byWhom(by string) string {
	if by == "" {
		return ""
	}
	return ", by " + by
}

func restsSince(r *rollout.Run, now time.Time) string {
	out := strings.ToLower(string(r.Phase))
	if at := timeOf(r.Because); !at.IsZero() {
		out += " " + ago(at, now) + " ago"
	}
	if r.Because != nil {
		out += " (" + because(*r.Because, nil) + ")"
	}
	return out
}

func sameText(v *ResumeView) string {
	out := strings.Join(v.Facts.Same, ", ")
	if out == "" {
		return ""
	}
	out += "; policy as stored in the run"
	if v.Policy == nil || v.Run.Policy == nil {
		return out
	}
	var but []string
	if !v.Policy.Until.Equal(v.Run.Policy.Until) {
		but = append(but, "--until")
	}
	if !slices.Equal(v.Policy.Windows, v.Run.Policy.Windows) {
		but = append(but, "--window")
	}
	if !equalTimes(v.Policy.Timeout, v.Run.Policy.Timeout) {
		but = append(but, "--timeout")
	}
	if len(but) > 0 {
		out += ", but " + strings.Join(but, " and ")
	}
	return out
}

func equalTimes(a, b *metav1.Duration) bool {
	return a == b || a != nil && b != nil && a.Duration == b.Duration
}

func lockText(l *Lock, f *rollout.ResumeFacts, now time.Time) string {
	flying := "with no node in flight"
	if n := len(f.InFlight); n > 0 {
		flying = fmt.Sprintf("with %s in flight (%s), counted as down", plural(n, "node"), strings.Join(f.InFlight, ", "))
	}
	switch {
	case l.Dead:
		return "free: " + deadText(l) + ", " + flying
	case l.Renewed.IsZero():
		return "free: nobody drives; " + flying
	case l.Free:
		return fmt.Sprintf("free: the last driver was heard of %s ago, at %s, %s", ago(l.Renewed, now), hourOf(l.Renewed, now), flying)
	}
	return "held by " + holderText(l, now)
}

// deadText is about a driver that is known to be gone.
func deadText(l *Lock) string {
	return fmt.Sprintf("the driver (%s) is dead: it ran on this host", l.Holder)
}

// silentAfter is after how long a driver that has not been heard of is called
// silent: it renews more often than that.
const silentAfter = 15 * time.Second

// holderText says who drives, and when the lock is free if that host is gone.
func holderText(l *Lock, now time.Time) string {
	holder, since := l.Holder, now.Sub(l.Renewed)
	if holder == "" {
		holder = "somebody"
	}
	if since < silentAfter {
		return fmt.Sprintf("%s, alive %s ago", holder, span(since))
	}
	out := fmt.Sprintf("%s, silent for %s", holder, span(since))
	if l.FreeIn > 0 {
		out += ". If that host is gone, resume works in " + span(l.FreeIn)
	}
	return out
}

func changedText(r *rollout.Run, f *rollout.ResumeFacts, o Options) string {
	var parts []string
	if n := len(f.Joined); n > 0 {
		on := "on " + revisionOf(r.Target)
		switch d := len(f.JoinedDown); d {
		case 0:
			on += " and available"
		default:
			on += fmt.Sprintf(", %d of them not available", d)
		}
		parts = append(parts, fmt.Sprintf("%s joined, %s", plural(n, "node"), on))
	}
	if n := len(f.Gone); n > 0 {
		parts = append(parts, fmt.Sprintf("%d left the cluster (%s)", n, few(f.Gone, o)))
	}
	if n := len(f.Lost); n > 0 {
		parts = append(parts, fmt.Sprintf("%d lost (%s)", n, few(f.Lost, o)))
	}
	if len(parts) == 0 {
		return "no node joined, left or was lost"
	}
	return strings.Join(parts, "; ")
}

func leftText(v *ResumeView) string {
	f := v.Facts
	if f.LeftNodes == 0 {
		return "no node: what remains is to clean up"
	}
	var waves []string
	for _, w := range f.Left {
		waves = append(waves, fmt.Sprintf("%d of wave %d", w.Nodes, w.Wave))
	}
	out := plural(f.LeftNodes, "node") + ": " + strings.Join(waves, ", ")
	if len(f.Left) == 1 {
		out = fmt.Sprintf("%s of wave %d", plural(f.LeftNodes, "node"), f.Left[0].Wave)
	}
	var zones []string
	for _, z := range slices.Sorted(maps.Keys(f.Zones)) {
		if z != "" {
			zones = append(zones, fmt.Sprintf("zone %s %d", z, f.Zones[z]))
		}
	}
	if len(zones) > 0 && len(zones) <= manyZones {
		out += " (" + strings.Join(zones, ", ") + ")"
	}
	if f.Seconds > 0 {
		out += ", about " + seconds(f.Seconds)
	}
	return out + whenText(v)
}

// whenText says when nodes are started from now on, where that is limited or
// was.
func whenText(v *ResumeView) string {
	f, out := v.Facts, ""
	old := v.Run.Policy != nil && v.Run.Policy.Until != nil
	switch {
	case f.UntilPast:
		out = "; the --until is past: what is in flight is finished, and no node is started"
	case f.Until != nil:
		out = "; no node is started after " + hourOf(f.Until.Time, v.Now)
	case v.Policy != nil && old && !v.Run.Policy.Until.After(v.Now):
		out = "; the old --until is past, none is set now"
	case v.Policy != nil && old:
		out = "; no --until is set now"
	}
	if v.Policy == nil || v.Run.Policy == nil || slices.Equal(v.Policy.Windows, v.Run.Policy.Windows) {
		return out
	}
	if len(v.Policy.Windows) == 0 {
		return out + "; at any time: the windows are taken away"
	}
	return out + "; in the window " + strings.Join(v.Policy.Windows, ", or ")
}
