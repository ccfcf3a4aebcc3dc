package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/internal/drive"
	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// viewWithout reads what a run may have left where its DaemonSet is gone.
func (c *connection) viewWithout(ctx context.Context, progress func(string)) (*rollout.View, error) {
	s, err := c.reader.Read(ctx, kube.Request{Scope: snapshot.Scope{Namespace: c.Namespace}, Progress: progress})
	if err != nil {
		return nil, c.explainRead(err)
	}
	s.DaemonSets = nil // one that was made meanwhile is for the next look
	return c.view(s)
}

// lease reads the Lease; nil where there is none. It refuses one that abort
// can deal with, one of a newer version, and one that somebody holds.
func (r *recovery) lease(ctx context.Context, ds *appsv1.DaemonSet) (*kube.Lease, error) {
	l, run, err := drive.Find(ctx, r.at.writer, r.at.Namespace, r.at.name)
	var newer *rollout.NewerVersionError
	switch {
	case errors.Is(err, drive.ErrNoRun):
		r.unheld = nil
		return nil, nil
	case l == nil:
		return nil, r.at.explainRead(err)
	case errors.As(err, &newer):
		return nil, cli.Usagef("%w", newer)
	case err != nil:
		r.why = fmt.Sprintf("the stored run cannot be read: %v", err)
	case ds != nil && run.UID == ds.UID && run.Phase != rollout.Ended:
		return nil, cli.Usagef("run %s of %s can be read, and recover is for those that cannot; end it, which cleans up: %s",
			run.ID, r.at.place(), r.at.command("abort"))
	default:
		r.why = "run " + run.ID + " is over, or of a DaemonSet of this name that is gone"
		if !slices.Contains(r.over, run.ID) {
			r.over = append(r.over, run.ID)
		}
	}
	return l, r.notHeld(ctx, l)
}

// notHeld makes sure that nobody holds a Lease: nobody is named, the process
// that is named ran here and is dead, or nobody renews it for as long as it
// lasts, by this process's own clock.
func (r *recovery) notHeld(ctx context.Context, l *kube.Lease) error {
	if l.Holder == "" || r.unheld != nil && holdsSince(r.unheld, l) {
		r.unheld = l
		return nil
	}
	host, err := r.app.hostname()
	if err != nil {
		host = ""
	}
	taker := drive.Taker{Locker: r.at.writer, Identity: drive.NewIdentity("", host)}
	if taker.Alive(l) {
		return r.locked(l)
	}
	if time.Since(l.Renewed) > 2*min(l.Duration, drive.LeaseDuration) {
		// Else it would be alive by its time, and so its process is known dead.
		if err := r.watchLease(ctx, l); err != nil {
			return err
		}
	}
	r.unheld = l
	return nil
}

func (r *recovery) watchLease(ctx context.Context, l *kube.Lease) error {
	if _, err := fmt.Fprintf(r.app.streams.ErrOut, "the Lease names %s; making sure for %s that nobody renews it\n", drive.DriverOf(l.Holder).Who, r.patience); err != nil {
		return err
	}
	for end := time.Now().Add(r.patience); time.Now().Before(end); {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(r.pause):
		}
		now, err := r.at.writer.Lease(ctx, l.Namespace, l.Name)
		if now == nil && err != nil {
			return r.at.explainRead(err)
		}
		if now != nil && !holdsSince(l, now) {
			return r.locked(now)
		}
	}
	return nil
}

func (r *recovery) locked(l *kube.Lease) error {
	d := drive.DriverOf(l.Holder)
	return cli.Exit(cli.Locked, fmt.Errorf("%s is driven by %s on %s, alive %s ago. Not touched. If that host is gone, try again in a minute",
		r.at.place(), d.Who, d.Host, ago(l.Renewed)))
}
