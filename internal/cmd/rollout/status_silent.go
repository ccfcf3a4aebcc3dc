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
}

// silence is why a run waits that somebody holds and nobody drives: the driver
// is known dead, or has not renewed its Lease for as long as that lasts. It is
// said once, and is what heartbeats wait for; empty otherwise.
func (w *statusWatch) silence(l *kube.Lease, now time.Time) (out rollout.Decision) {
	h := &w.heard
	if l.Holder != h.holder || !l.Renewed.Equal(h.renewed) {
		*h = heard{holder: l.Holder, renewed: l.Renewed, at: now}
	}
	dead := drive.DeadHere(l)
	if l.Holder == "" || w.run.Phase == rollout.Ended || !dead && now.Sub(h.at) <= max(l.Duration, drive.LeaseDuration) {
		return out
	}
	by := drive.DriverOf(l.Holder)
	words := fmt.Sprintf("%s on %s, pid %d, was last seen %s ago", by.Who, by.Host, by.PID, max(now.Sub(l.Renewed), now.Sub(h.at)).Round(time.Second))
	if dead {
		words += ", and its process is gone"
	}
	c := rollout.Cause{Code: rollout.WaitDriver, Message: words + "; go on with the run: " + w.at.command("resume")}
	if !h.silent {
		h.silent = true
		w.to.Event(rollout.Event{Type: rollout.EventTrouble, At: now, Run: w.run.ID, Code: c.Code, Message: c.Message})
	}
	out.Wait = &rollout.Wait{Because: []rollout.Cause{c}}
	return out
}
