package coverage

import (
	"encoding/json"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// RolloutEvidence is a rollout that holds the update strategy at OnDelete.
type RolloutEvidence struct {
	// Run is its id, "arm" where a person armed the DaemonSet by hand, empty
	// where the annotation cannot be read.
	Run      string       `json:"run,omitempty"`
	Original string       `json:"original,omitempty"` // updateStrategy.type before
	Holder   string       `json:"holder,omitempty"`   // of the Lease
	Renewed  *metav1.Time `json:"renewed,omitempty"`  // the Lease, by the holder's clock
	NoLease  bool         `json:"noLease,omitempty"`
	driver   driver
	unread   string // the read of the Lease that failed
	flipped  bool   // somebody set the strategy back
}

// driver says whether somebody drives a rollout.
type driver uint8

const (
	driverUnread driver = iota
	driverAlive
	driverSilent // has not renewed the Lease
	driverLeft   // let go of the Lease, as a run does that rests
	driverNone   // there is no Lease
)

const (
	armedByHand = "arm"
	// leaseLasts is how long drivers renew a Lease for, whatever somebody wrote
	// into it.
	leaseLasts = 30 * time.Second
	// maxRunID is how much of a run's id is shown: real ones have four letters.
	maxRunID = 40
)

// heldBy reads what holds a DaemonSet; nil for nothing.
func heldBy(s *snapshot.Snapshot, d *appsv1.DaemonSet, now time.Time) *RolloutEvidence {
	raw, armed := d.Annotations[snapshot.ArmAnnotation]
	if !armed {
		return nil
	}
	out := &RolloutEvidence{flipped: d.Spec.UpdateStrategy.Type != appsv1.OnDeleteDaemonSetStrategyType}
	var a struct{ Run, Original string }
	if json.Unmarshal([]byte(raw), &a) == nil {
		out.Run, out.Original = capped(a.Run, maxRunID), capped(a.Original, maxRunID)
	}
	l, asked := s.RolloutLease(d.Namespace, d.Name)
	if !asked {
		return out
	}
	if taken := s.Source.TakenAt; !taken.IsZero() {
		now = taken // who judges as of another time knows no newer Lease
	}
	out.NoLease, out.Holder, out.Renewed = l.Gone, capped(l.Holder, maxWords), metaTime(l.Renewed)
	switch {
	case l.Gone:
		out.driver = driverNone
	case l.Holder == "":
		out.driver = driverLeft
	case now.Sub(time.Unix(int64(l.Renewed), 0)) > max(l.Duration, leaseLasts):
		out.driver = driverSilent
	default:
		out.driver = driverAlive
	}
	return out
}

// name is the run in a sentence.
func (e *RolloutEvidence) name() string {
	switch {
	case e.Run == "":
		return "a run that its annotation does not name"
	case e.byHand():
		return "kubectl ds-rollout arm"
	case e.Run == armedByHand:
		return "a run that has just begun"
	}
	return "run " + e.Run
}

// byHand reports whether there is no run, only what arm did. A Lease is made
// by runs alone.
func (e *RolloutEvidence) byHand() bool {
	return e.Run == armedByHand && (e.driver == driverNone || e.driver == driverUnread)
}

// by says what holds the DaemonSet, and what its strategy was.
func (e *RolloutEvidence) by() string {
	out := e.name()
	if e.Original != "" {
		out += " (updateStrategy was " + e.Original + ")"
	}
	return out
}

// nothing says what becomes of outdated pods while nobody drives.
func (e *RolloutEvidence) nothing(d *appsv1.DaemonSet) string {
	if e.flipped {
		return fmt.Sprintf("somebody has set updateStrategy to %s since, and the built-in update replaces its pods", capped(string(d.Spec.UpdateStrategy.Type), maxRunID))
	}
	return "nothing replaces its pods by itself"
}

// held is the finding on what holds the DaemonSet.
func (a *analysis) held() {
	e := heldBy(a.ix.s, a.d, a.opts.Now)
	if a.out.Held = e; e == nil {
		return
	}
	ev := Evidence{Rollout: e}
	switch {
	case e.driver == driverAlive:
		a.find(RolloutDriven, fmt.Sprintf("driven by %s for %s", e.Holder, e.by()), ev)
	case e.byHand():
		a.find(RolloutHeld, fmt.Sprintf("held by %s: %s", e.by(), e.nothing(a.d)), ev)
	case e.driver == driverUnread:
		e.unread = a.unreadLease()
		ev.Unread = e.unread
		a.find(RolloutUnread, fmt.Sprintf("held by %s; whether somebody drives it cannot be told (%s)", e.by(), ev.Unread), ev)
	default:
		a.find(RolloutHeld, fmt.Sprintf("held by %s, which nobody drives%s; %s", e.by(), e.undriven(a.opts.Now), e.nothing(a.d)), ev)
	}
}

// undriven says since when nobody drives, and how that is known.
func (e *RolloutEvidence) undriven(now time.Time) string {
	since := ""
	if t := snapshot.TimeOf(e.Renewed); t != 0 {
		since = fmt.Sprintf(" since %s (%s)", e.Renewed.UTC().Format("2006-01-02T15:04Z"), age(now, t))
	}
	switch e.driver {
	case driverLeft:
		return since + ": its driver let go of the Lease, as a run does that rests"
	case driverSilent:
		return since + ": " + e.Holder + " has stopped renewing its Lease"
	default:
		return ": its Lease is gone"
	}
}

func (a *analysis) unreadLease() string {
	if f, ok := a.ix.s.Missing(snapshot.ResourceLeases, a.d.Namespace); ok {
		return describeRead(f)
	}
	return "lease " + snapshot.RolloutLease(a.d.Name) + " was not read"
}
