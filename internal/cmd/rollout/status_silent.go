package rollout

import (
	"fmt"
	"time"

	"github.com/kubectl-ds/kubectl-ds/internal/drive"
	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// heard is when the driver was heard of last, by this process's own clock: the
// driver's may be wrong.
type heard struct {
	holder  string
	renewed time.Time // as the Lease says
	at      time.Time
	silent  bool // that it is silent was said
	blind   bool // that nothing can be known of it was said
}

// silence is why a run waits that somebody holds and nobody drives: the driver
// is known dead, or has not renewed its Lease for as long as that lasts. It is
// said once, and is what heartbeats wait for; empty otherwise.
func (w *statusWatch) silence(v *rollout.View, l *kube.Lease, now time.Time) (out rollout.Decision) {
	h := &w.heard
	if l.Holder != h.holder || !l.Renewed.Equal(h.renewed) {
		*h = heard{holder: l.Holder, renewed: l.Renewed, at: now}
	}
	dead := drive.DeadHere(l)
	if l.Holder == "" || w.run.Phase == rollout.Ended || !dead && now.Sub(h.at) <= max(l.Duration, drive.LeaseDuration) {
		return out
	}
	by := drive.DriverOf(l.Holder)
	words := fmt.Sprintf("%s on %s, pid %d", by.Who, by.Host, by.PID)
	if dead {
		words += ", is gone"
	} else {
		words += fmt.Sprintf(", was last seen %s ago", now.Sub(h.at).Round(time.Second))
		if alive, why := w.mayDrive(v, l); alive || why != "" {
			return w.blind(words, why, now)
		}
	}
	c := rollout.Cause{Code: rollout.WaitDriver, Message: words + "; go on with the run: " + w.at.command("resume")}
	return w.tells(c, &h.silent, now)
}

// mayDrive reports whether the driver has renewed its Lease and the watch does
// not show it, or why that cannot be known. It is asked before a driver is
// called silent: it may be the watch that is.
func (w *statusWatch) mayDrive(v *rollout.View, l *kube.Lease) (alive bool, why string) {
	if v.Unread != "" {
		return false, v.Unread
	}
	if w.heard.silent {
		return false, ""
	}
	r, err := w.again()
	switch {
	case err != nil:
		return false, err.Error()
	case r.lease == nil:
		return true, "" // the watch will show that it is gone
	}
	return r.lease.Holder != l.Holder || !r.lease.Renewed.Equal(l.Renewed), ""
}

// blind counts anew how long nothing is heard of the driver, and says why
// nothing can be known, if so.
func (w *statusWatch) blind(words, why string, now time.Time) (out rollout.Decision) {
	h := &w.heard
	h.at, h.silent = now, false
	if why == "" {
		return out
	}
	return w.tells(rollout.Cause{Code: rollout.WaitRead, Message: words + ", and whether it drives cannot be known: " + why}, &h.blind, now)
}

// tells is a wait for a cause, which is also told of, once.
func (w *statusWatch) tells(c rollout.Cause, told *bool, now time.Time) rollout.Decision {
	if !*told {
		*told = true
		w.to.Event(rollout.Event{Type: rollout.EventTrouble, At: now, Run: w.run.ID, Code: c.Code, Message: c.Message})
	}
	return rollout.Decision{Wait: &rollout.Wait{Because: []rollout.Cause{c}}}
}
