package drive

import (
	"context"
	"time"

	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// seeLease takes in what others did to the Lease: they ask for something, or
// they took it. It reports whether it is lost.
func (d *driver) seeLease(ctx context.Context) (lost bool, err error) {
	seen, err := d.Cluster.Lease()
	if err == nil && !d.doubt && (d.lease == nil || seen != nil && !newerThan(seen, d.lease)) {
		return false, nil
	}
	if seen == nil && !d.doubt {
		// The watch may not have seen it yet, as right after its creation.
		return false, nil
	}
	if d.lease == nil && !d.doubt {
		return false, nil
	}
	ctx, cancel := d.request(ctx)
	defer cancel()
	now, err := d.Locker.Lease(ctx, d.run.Namespace, rollout.LeaseName(d.run.Name))
	if err != nil {
		return false, err
	}
	d.doubt = false
	if now == nil {
		d.lease = nil
		return false, nil
	}
	if now.Holder != d.Config.Lease.Holder || now.Epoch != d.epoch || d.lease != nil && now.UID != d.lease.UID {
		return true, nil
	}
	return false, d.adopt(now)
}

// adopt takes the run that is stored.
func (d *driver) adopt(l *kube.Lease) error {
	run, err := rollout.DecodeRun(l.Run)
	if err != nil {
		return &fatalError{err}
	}
	d.lease, d.run = l, run
	return nil
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
	d.lease, d.run, d.renewed = out, run, sent
	return nil
}

// release lets the Lease go, so that somebody else can take it at once. It is
// a courtesy: the Lease runs out by itself.
func (d *driver) release(ctx context.Context) {
	if d.lease == nil {
		return
	}
	for range 3 {
		next := *d.lease
		next.Holder, next.Host = "", ""
		if d.write(ctx, &next, d.run) == nil || ctx.Err() != nil {
			return
		}
		if lost, err := d.seeLease(ctx); lost || err == nil && d.lease == nil {
			return
		}
	}
}

// request bounds a request: it ends before the Lease does.
func (d *driver) request(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, min(requestTimeout, max(time.Second, renewDeadline-time.Since(d.renewed))))
}

// regain takes the Lease anew that this process could not renew in time. Where
// it still names this process, nobody else has acted meanwhile, and the write
// fails where somebody does so now.
func (d *driver) regain(ctx context.Context) (*End, time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	now, err := d.Locker.Lease(ctx, d.run.Namespace, rollout.LeaseName(d.run.Name))
	switch {
	case err != nil:
		return nil, d.setback(err), nil
	case now == nil:
		d.lease = nil
		return nil, 0, nil
	case now.Holder != d.Config.Lease.Holder || now.Epoch != d.epoch || now.UID != d.lease.UID:
		return &End{Lost: true}, 0, nil
	}
	if err := d.adopt(now); err != nil {
		return nil, 0, err
	}
	d.epoch++
	next := *now
	if err := d.write(ctx, &next, d.run); err != nil {
		d.epoch--
		return nil, d.setback(err), nil
	}
	d.trouble, d.doubt = 0, false
	d.begin()
	return nil, 0, nil
}
