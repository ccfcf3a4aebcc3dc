package drive

import (
	"context"
	"errors"
	"fmt"
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
	var seen *kube.Lease // as it was first seen
	var since time.Time
	for {
		lease, run, err := Find(ctx, t.Locker, namespace, daemonSet)
		if err != nil {
			return nil, nil, err
		}
		if lease.Holder == "" || t.Override || t.dead(lease) || seen != nil && same(seen, lease) && time.Since(since) > lease.Duration {
			got, err := t.take(ctx, lease)
			if kube.AnswerOf(err) == kube.Conflict && err != nil {
				seen = nil
				continue
			}
			return got, run, err
		}
		age := time.Since(lease.Renewed)
		locked := &LockedError{Driver: DriverOf(lease.Holder), Run: run.ID, Renewed: lease.Renewed, Free: max(0, lease.Duration-age)}
		switch {
		case seen == nil && age < lease.Duration && age > -time.Minute, seen != nil && !same(seen, lease):
			return nil, nil, locked
		case seen == nil:
			seen, since = lease, time.Now()
			if t.Tell != nil {
				t.Tell(locked.Driver, lease.Duration)
			}
		}
		select {
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		case <-time.After(time.Second):
		}
	}
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

// take writes the next epoch: what an older driver still sends can be told.
func (t *Taker) take(ctx context.Context, l *kube.Lease) (*kube.Lease, error) {
	next := *l
	next.Holder, next.Host, next.Epoch = t.Identity.Holder, t.Identity.Host, l.Epoch+1
	next.Renewed, next.Duration = time.Now(), LeaseDuration
	return t.Locker.UpdateLease(ctx, &next)
}

// Alive reports whether a Lease has a holder that may be alive.
func (t *Taker) Alive(l *kube.Lease) bool {
	return l.Holder != "" && !t.dead(l) && time.Since(l.Renewed) < 2*l.Duration
}

// intendTries is how often an intent is written again over what others wrote.
const intendTries = 8

// Intend stores what a person asks of a run. Whoever drives it acts on it.
func Intend(ctx context.Context, l Locker, namespace, daemonSet string, in rollout.Intent) (*kube.Lease, *rollout.Run, error) {
	for try := 0; ; try++ {
		lease, run, err := Find(ctx, l, namespace, daemonSet)
		if err != nil {
			return nil, nil, err
		}
		if !rollout.Allowed(run.Phase, in.Verb) {
			return lease, run, &NotNowError{Verb: in.Verb, Phase: run.Phase}
		}
		in.Run = run.ID
		if in.Verb == rollout.VerbApprove {
			in.Target = run.Target.Hash
		}
		list, err := rollout.DecodeIntents(lease.Intents)
		if err != nil {
			return nil, nil, err
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
		if kube.AnswerOf(err) != kube.Conflict || try == intendTries {
			return nil, nil, err
		}
	}
}

// NotNowError is a verb that the phase of the run does not allow.
type NotNowError struct {
	Verb  rollout.Verb
	Phase rollout.Phase
}

// Error implements error.
func (e *NotNowError) Error() string {
	why := ""
	for _, x := range rollout.Table() {
		if x.Phase == e.Phase && x.Verb == e.Verb {
			why = ": " + x.Because
		}
	}
	return fmt.Sprintf("the run is %s%s", e.Phase, why)
}
