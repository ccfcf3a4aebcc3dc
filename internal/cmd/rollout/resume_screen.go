package rollout

import (
	"time"

	"github.com/kubectl-ds/kubectl-ds/internal/drive"
	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/internal/present"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// printResume shows the run that is about to be gone on with, and how.
func (o *goOnOptions) printResume(s *session, lease *kube.Lease, run *rollout.Run, alive bool) error {
	d := drive.DriverOf(lease.Holder)
	lock := present.Lock{Renewed: lease.Renewed, Free: lease.Holder == "" || !alive}
	if lease.Holder != "" {
		lock.Holder = d.Who + " on " + d.Host
		lock.Dead = drive.DeadHere(lease)
		lock.FreeIn = max(0, lease.Duration-time.Since(lease.Renewed))
	}
	now := s.app.clock()
	goesOn := run.DeepCopy()
	if err := o.retime(s.at, goesOn); err != nil {
		return err
	}
	v := &present.ResumeView{
		Context: s.at.Context, Run: run, Facts: rollout.ResumeOf(goesOn, s.seen, now), Lock: lock, Now: now, CommandFlags: s.app.kube.CommandFlags(),
	}
	if goesOn.Policy != run.Policy {
		v.Policy = goesOn.Policy
	}
	if o.verb == rollout.VerbUndo || o.verb == rollout.VerbAbort {
		v.Facts.Until, v.Facts.UntilPast = nil, false // neither heeds it
	}
	return present.WriteResume(s.app.streams.Out, v, s.view)
}
