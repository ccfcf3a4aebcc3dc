package drive

import (
	"context"
	"errors"
	"time"

	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// errLate is a write that was not sent, since the Lease was not renewed for
// too long.
var errLate = errors.New("the Lease was not renewed in time")

// late reports whether this process may act no more before it has the Lease
// anew. It is asked right before every write: the process may have slept.
func (d *driver) late() bool { return d.lease != nil && elapsed(d.renewed) > renewDeadline }

// elapsed is the longer of what the two clocks of this machine say: the
// monotonic one stands still while a laptop sleeps, and the one on the wall
// may be set back.
func elapsed(t time.Time) time.Duration {
	now := time.Now()
	return max(now.Sub(t), now.Round(0).Sub(t.Round(0)))
}

// seeLease takes in what others did to the Lease: they ask for something, or
// they took it. It reports whether it is lost.
func (d *driver) seeLease(ctx context.Context) (lost bool, err error) {
	if !d.doubt && !d.leaseChanged() {
		return false, nil
	}
	now, err := d.readLease(ctx)
	if err != nil {
		return false, err
	}
	d.doubt, d.shown = false, false
	if now == nil || d.replaced(now) {
		d.lease = nil
		return false, nil
	}
	if now.Holder != d.Config.Lease.Holder || now.Epoch != d.epoch || d.lease != nil && now.UID != d.lease.UID {
		return true, nil
	}
	return false, d.adopt(now)
}

// replaced reports whether a Lease is of another run, which took the place of
// this one: one that has ended makes room, and is not lost by it.
func (d *driver) replaced(now *kube.Lease) bool {
	return d.run.Phase == rollout.Ended && (d.lease == nil || now.UID != d.lease.UID)
}

// leaseChanged reports whether the watch tells of a Lease that this process
// has neither written nor read.
func (d *driver) leaseChanged() bool {
	if d.lease == nil {
		return false
	}
	seen, err := d.Cluster.Lease()
	if seen == nil {
		// The watch has not seen it yet, as right after its creation; or it is
		// deleted.
		return err != nil || d.shown
	}
	if seen.UID == d.lease.UID {
		d.shown = true
	}
	return newerThan(seen, d.lease)
}

// adopt takes the run that is stored.
func (d *driver) adopt(l *kube.Lease) error {
	run, err := rollout.DecodeRun(l.Run)
	if err != nil {
		return &fatalError{err}
	}
	d.forget(run)
	d.lease, d.run = l, run
	return nil
}

// fatal tells errors that driving cannot go on from: what is stored cannot be
// read, or a permission is missing.
func fatal(err error) bool {
	var state *kube.StateError
	var own *fatalError
	return errors.As(err, &own) || errors.As(err, &state)
}

func newerThan(a, b *kube.Lease) bool {
	return a.UID != b.UID || kube.Newer(a.ResourceVersion, b.ResourceVersion)
}

func (d *driver) renew(ctx context.Context) error {
	next := *d.lease
	return d.write(ctx, &next, d.run)
}

// write updates the Lease. Every write renews it.
func (d *driver) write(ctx context.Context, next *kube.Lease, run *rollout.Run) error {
	sent := time.Now()
	next.Renewed, next.Duration, next.Epoch = sent, LeaseDuration, d.epoch
	ctx, cancel := d.request(ctx)
	defer cancel()
	out, err := d.Locker.UpdateLease(ctx, next)
	if err != nil {
		d.doubt = true // it may have been written, or somebody else wrote
		return err
	}
	d.forget(run)
	d.lease, d.run, d.renewed = out, run, sent
	return nil
}

// release lets the Lease go, so that somebody else can take it at once. It is
// a courtesy: the Lease runs out by itself.
func (d *driver) release(ctx context.Context) {
	for range 3 {
		if d.lease == nil || ctx.Err() != nil {
			return
		}
		next := *d.lease
		next.Holder, next.Host = "", ""
		if d.write(ctx, &next, d.run) == nil {
			return
		}
		if lost, _ := d.seeLease(ctx); lost {
			return
		}
	}
}

// request bounds a request: it ends before the Lease does.
func (d *driver) request(ctx context.Context) (context.Context, context.CancelFunc) {
	limit := requestTimeout
	if left := renewDeadline - elapsed(d.renewed); d.lease != nil && left > 0 {
		limit = min(limit, max(time.Second, left))
	}
	return context.WithTimeout(ctx, limit)
}

// regain takes the Lease anew that this process could not renew in time. Where
// it still names this process, nobody else has acted meanwhile, and the write
// fails where somebody does so now. The epoch may be ahead of what this
// process knows: the answer to an earlier try was lost.
func (d *driver) regain(ctx context.Context) (*End, time.Duration, error) {
	now, err := d.readLease(ctx)
	switch {
	case err != nil:
		return d.adrift(err)
	case now == nil, d.replaced(now):
		d.lease = nil
		return nil, 0, nil
	case now.Holder != d.Config.Lease.Holder || now.Epoch < d.epoch || now.UID != d.lease.UID:
		return &End{Lost: true}, 0, nil
	}
	if err := d.adopt(now); err != nil {
		return nil, 0, err
	}
	was := d.epoch
	d.epoch = now.Epoch + 1
	next := *now
	if err := d.write(ctx, &next, d.run); err != nil {
		d.epoch = was
		return d.adrift(err)
	}
	d.trouble, d.doubt = 0, false
	d.begin()
	d.relist()
	return nil, 0, nil
}

func (d *driver) readLease(ctx context.Context) (*kube.Lease, error) {
	ctx, cancel := d.request(ctx)
	defer cancel()
	return d.Locker.Lease(ctx, d.run.Namespace, rollout.LeaseName(d.run.Name))
}
