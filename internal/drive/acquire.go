package drive

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// ErrNoRun is a DaemonSet that no run is about.
var ErrNoRun = errors.New("no run is there")

// LockedError is a run that somebody else drives.
type LockedError struct {
	Driver  Driver
	Run     string
	Renewed time.Time     // by the driver's clock
	Free    time.Duration // how long until a dead driver's Lease has run out
}

// Error implements error.
func (e *LockedError) Error() string {
	return fmt.Sprintf("run %s is driven by %s on %s", e.Run, e.Driver.Who, e.Driver.Host)
}

// Taker takes the Lease of a run.
type Taker struct {
	Locker   Locker
	Identity Identity
	// Override takes it from a living driver, too.
	Override bool
	// Tell is told once where it takes a while, and how long.
	Tell func(driver Driver, wait time.Duration)
	// Before is asked right before the Lease is taken, and may refuse, so that
	// what was shown of a run is not done to another one: the write fails where
	// the run has changed since. What it changes is stored by that write. Nil
	// takes any run as it is.
	Before func(run *rollout.Run) error
}

// Find reads the run of a DaemonSet and its Lease; ErrNoRun where there is none.
func Find(ctx context.Context, l Locker, namespace, daemonSet string) (*kube.Lease, *rollout.Run, error) {
	lease, err := l.Lease(ctx, namespace, rollout.LeaseName(daemonSet))
	switch {
	case err != nil:
		return lease, nil, err
	case lease == nil:
		return nil, nil, ErrNoRun
	}
	run, err := rollout.DecodeRun(lease.Run)
	return lease, run, err
}

// Take takes a Lease that is free, whose driver ran here and is dead, or that
// nobody has renewed for as long as it lasts, by this process's own clock:
// clocks of two machines are not compared.
func (t *Taker) Take(ctx context.Context, namespace, daemonSet string) (*kube.Lease, *rollout.Run, error) {
	var s silence
	for lost := 0; ; {
		lease, run, err := Find(ctx, t.Locker, namespace, daemonSet)
		switch {
		case err != nil:
			return nil, nil, err
		case lease.Holder != "" && lease.Holder == t.Identity.Holder: // the answer was lost, the write was not
			return lease, run, nil
		case t.mayTake(lease) || s.over(lease):
			next, err := t.next(lease, run)
			if err != nil {
				return nil, nil, err
			}
			got, err := t.Locker.UpdateLease(ctx, next)
			switch answer := kube.AnswerOf(err); {
			case err == nil:
				return got, run, nil
			case answer == kube.Conflict:
				s.seen = nil
				continue
			case answer != kube.Lost || lost == lostTries:
				return nil, nil, err
			}
			lost++
		case s.broken(lease):
			return nil, nil, lockedBy(lease, run)
		default:
			t.listen(&s, lease)
		}
		select {
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

// silence is a Lease as it was first seen, and since when.
type silence struct {
	seen  *kube.Lease
	since time.Time
}

// over reports whether nobody has renewed it for as long as it lasts.
func (s *silence) over(l *kube.Lease) bool {
	return s.seen != nil && same(s.seen, l) && time.Since(s.since) > lasts(l)
}

// broken reports whether the holder speaks.
func (s *silence) broken(l *kube.Lease) bool {
	if s.seen == nil {
		return speaks(l)
	}
	return !same(s.seen, l)
}

// listen begins to wait.
func (t *Taker) listen(s *silence, l *kube.Lease) {
	if s.seen != nil {
		return
	}
	s.seen, s.since = l, time.Now()
	if t.Tell != nil {
		t.Tell(DriverOf(l.Holder), lasts(l))
	}
}

// lostTries is how often it is looked what became of a write whose answer was
// lost.
const lostTries = 3

// mayTake reports whether the Lease can be taken without waiting.
func (t *Taker) mayTake(l *kube.Lease) bool { return l.Holder == "" || t.Override || t.dead(l) }

// speaks reports whether the holder seems to have renewed just now. Its clock
// may be wrong: then waiting tells.
func speaks(l *kube.Lease) bool {
	age := time.Since(l.Renewed)
	return age < lasts(l) && age > -time.Minute
}

// lasts is how long a Lease lasts: never shorter than drivers renew it for,
// whatever somebody wrote into it.
func lasts(l *kube.Lease) time.Duration { return max(l.Duration, LeaseDuration) }

func lockedBy(l *kube.Lease, run *rollout.Run) *LockedError {
	return &LockedError{Driver: DriverOf(l.Holder), Run: run.ID, Renewed: l.Renewed, Free: min(lasts(l), max(0, lasts(l)-time.Since(l.Renewed)))}
}

// same reports whether the holder has not written since. Others may have: they
// keep its time.
func same(a, b *kube.Lease) bool {
	return a.UID == b.UID && a.Holder == b.Holder && a.Epoch == b.Epoch && a.Renewed.Equal(b.Renewed)
}

// dead reports whether the holder ran on this machine and does so no more.
func (t *Taker) dead(l *kube.Lease) bool {
	return l.Host != "" && l.Host == t.Identity.Host && !alive(DriverOf(l.Holder).PID)
}

// DeadHere reports whether the holder of a Lease ran on this machine and does
// so no more: then nobody has to wait for the Lease to run out.
func DeadHere(l *kube.Lease) bool {
	t := Taker{Identity: Identity{Host: machine()}}
	return l.Holder != "" && t.dead(l)
}

// next is the Lease as it is taken, of the next epoch: what an older driver
// still sends can be told.
func (t *Taker) next(l *kube.Lease, run *rollout.Run) (*kube.Lease, error) {
	next := *l
	if t.Before != nil {
		if err := t.Before(run); err != nil {
			return nil, err
		}
		var err error
		if next.Run, err = rollout.EncodeRun(run); err != nil {
			return nil, err
		}
	}
	next.Holder, next.Host, next.Epoch = t.Identity.Holder, t.Identity.Host, l.Epoch+1
	next.Renewed, next.Duration = time.Now(), LeaseDuration
	return &next, nil
}

// Alive reports whether a Lease has a holder that may be alive.
func (t *Taker) Alive(l *kube.Lease) bool {
	return l.Holder != "" && !t.dead(l) && time.Since(l.Renewed) < 2*lasts(l)
}

// MayLive reports whether a Lease has a holder that may be alive, to a process
// that takes no Lease.
func MayLive(l *kube.Lease) bool {
	t := Taker{Identity: Identity{Host: machine()}}
	return t.Alive(l)
}

// intendTries is how often an intent is written again over what others wrote.
const intendTries = 8

// Intend stores what a person asks of a run. Whoever drives it acts on it. An
// intent that is there already, by its id, is not stored twice: the answer to
// an earlier try may have been lost. One that names a run is of no other.
func Intend(ctx context.Context, l Locker, namespace, daemonSet string, in rollout.Intent) (*kube.Lease, *rollout.Run, error) {
	for try := 0; ; try++ {
		lease, run, err := Find(ctx, l, namespace, daemonSet)
		if err != nil {
			return nil, nil, err
		}
		list, err := rollout.DecodeIntents(lease.Intents)
		if err != nil {
			return nil, nil, err
		}
		if there, err := taken(run, list, in); there || err != nil {
			return lease, run, err
		}
		in.Run = run.ID
		if in.Verb == rollout.VerbApprove {
			in.Target = run.Target.Hash
		}
		b, err := rollout.EncodeIntents(append(list, in))
		if err != nil {
			return nil, nil, err
		}
		next := *lease
		next.Intents = b
		out, err := l.UpdateLease(ctx, &next)
		if err == nil {
			return out, run, nil
		}
		answer := kube.AnswerOf(err)
		if again := answer == kube.Conflict || answer == kube.Lost && in.ID != "" && ctx.Err() == nil; !again || try == intendTries {
			return nil, nil, err
		}
	}
}

// taken reports whether a run, or the list that waits for it, has an intent
// already; an error says why it is none for this run.
func taken(run *rollout.Run, list []rollout.Intent, in rollout.Intent) (bool, error) {
	switch {
	case in.Run != "" && in.Run != run.ID:
		return false, &OtherRunError{Was: in.Run, Run: run}
	case in.ID != "" && (slices.Contains(run.Handled, in.ID) || slices.ContainsFunc(list, func(x rollout.Intent) bool { return x.ID == in.ID })):
		return true, nil
	}
	if why := run.Refuses(in); why != "" {
		return false, &NotNowError{Verb: in.Verb, Phase: run.Phase, Because: why}
	}
	return false, nil
}

// OtherRunError is a run that is there in place of the one that was asked for.
type OtherRunError struct {
	Was string
	Run *rollout.Run
}

// Error implements error.
func (e *OtherRunError) Error() string {
	return fmt.Sprintf("run %s is not there any more, and run %s is", e.Was, e.Run.ID)
}

// NotNowError is a verb that the run does not take as it stands.
type NotNowError struct {
	Verb    rollout.Verb
	Phase   rollout.Phase
	Because string // where it is not the phase alone
}

// Error implements error.
func (e *NotNowError) Error() string {
	if e.Because != "" {
		return fmt.Sprintf("the run is %s: %s", e.Phase, e.Because)
	}
	why := ""
	for _, x := range rollout.Table() {
		if x.Phase == e.Phase && x.Verb == e.Verb {
			why = ": " + x.Because
		}
	}
	return fmt.Sprintf("the run is %s%s", e.Phase, why)
}
