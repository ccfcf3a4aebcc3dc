package drive

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// driver is one process that drives a run.
type driver struct {
	Config
	lease   *kube.Lease // as it was last written or read; nil: gone
	run     *rollout.Run
	epoch   int64
	renewed time.Time // when the last write of the Lease that succeeded was sent
	doubt   bool      // the Lease has to be read again before anything else

	obs     *rollout.Observed
	status  *rollout.Status
	last    *rollout.View
	local   []rollout.Intent // of this terminal, not yet stored
	asked   int
	leaving bool
	answers chan answer
	polled  time.Time
	trouble int // requests in a row that did not go through
	astray  int // looks in a row that did not agree with the watches
}

// Run drives until the run ends, rests, or is lost. An error is one that
// driving cannot go on from; the run is stored, and can be resumed. When ctx
// ends it returns at once and leaves everything as it is.
func Run(ctx context.Context, c Config) (*End, error) {
	d := &driver{Config: c, lease: c.Lease, run: c.Run, epoch: c.Lease.Epoch, renewed: time.Now(), answers: make(chan answer, 16), polled: time.Now()}
	d.begin()
	gateCtx, stopGates := context.WithCancel(ctx)
	defer stopGates()
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		end, pause, err := d.step(ctx, gateCtx)
		switch {
		case err != nil:
			d.release(ctx)
			return nil, err
		case end != nil:
			end.Run, end.Status, end.View, end.Left = d.run, d.status, d.last, d.leaving
			if !end.Lost && end.Decision.Done == nil {
				d.release(ctx)
			}
			return end, nil
		}
		d.sleep(ctx, pause)
	}
}

// begin forgets what was seen: after a time without contact it may not be so.
func (d *driver) begin() {
	d.obs = rollout.NewObserved(time.Now(), d.epoch)
	d.obs.Template, d.obs.Zones = d.Template, d.Zones
}

// step does at most one write and says how long to wait until the next one.
func (d *driver) step(ctx, gateCtx context.Context) (*End, time.Duration, error) {
	now := time.Now()
	if d.lease != nil && now.Sub(d.renewed) > renewDeadline {
		return d.regain(ctx)
	}
	lost, err := d.seeLease(ctx)
	switch {
	case lost:
		return &End{Lost: true}, 0, nil
	case err != nil:
		return d.failed(err)
	}
	if d.lease != nil && now.Sub(d.renewed) >= renewEvery {
		if err := d.renew(ctx); err != nil {
			return d.failed(err)
		}
	}
	if now.Sub(d.polled) >= d.pollEvery() {
		d.poll(ctx)
	}
	dec, err := d.decide(ctx)
	if err != nil {
		return d.failed(err)
	}
	return d.execute(ctx, gateCtx, dec)
}

// failed tells an error that waiting may mend from one that it does not.
func (d *driver) failed(err error) (*End, time.Duration, error) {
	var fatal *fatalError
	switch {
	case err == nil:
		return nil, 0, nil
	case errors.As(err, &fatal):
		return nil, 0, fatal.err
	}
	return nil, d.setback(err), nil
}

func (d *driver) execute(ctx, gateCtx context.Context, dec decision) (*End, time.Duration, error) {
	switch {
	case dec.again:
		d.astray++
		return nil, backoff(d.astray, lookAgain), nil
	case dec.Act != nil:
		err := d.act(ctx, gateCtx, dec)
		if err == nil {
			d.trouble, d.astray = 0, 0
		}
		return d.failed(err)
	case dec.Wait != nil:
		d.trouble = 0
		if dec.Wait.Rests && (!d.Stay || d.leaving) {
			return &End{Decision: dec.Decision}, 0, nil
		}
		return nil, d.until(dec.Wait.Until), nil
	default:
		return &End{Decision: dec.Decision}, 0, nil
	}
}

// decision is what was decided, and the view that it was decided by.
type decision struct {
	rollout.Decision
	view  *rollout.View
	again bool // two looks did not agree
}

// decide asks, looks again past the watches where the action wants it, and
// acts only where both agree.
func (d *driver) decide(ctx context.Context) (decision, error) {
	d.follow()
	now := time.Now()
	s := d.Cluster.Snapshot(now)
	v, err := d.view(s)
	if err != nil {
		return decision{}, err
	}
	before := d.obs
	d.obs = rollout.Observe(d.obs, d.Policy, d.run, v, now)
	d.tell(v, before, now)
	dec := decision{Decision: rollout.Decide(d.Policy, d.run, v, d.obs, now), view: v}
	d.Watcher.Look(d.status, dec.Decision)
	if dec.Act == nil || dec.Act.Look() == (rollout.Look{}) {
		return dec, nil
	}
	ctx, cancel := d.request(ctx)
	defer cancel()
	fresh, err := d.Cluster.Look(ctx, s, dec.Act.Look())
	if err != nil {
		return decision{}, err
	}
	if v, err = d.view(fresh); err != nil {
		return decision{}, err
	}
	again := rollout.Decide(d.Policy, d.run, v, d.obs, time.Now())
	if again.Act == nil || again.Act.Key() != dec.Act.Key() {
		return decision{again: true}, nil
	}
	return decision{Decision: again, view: v}, nil
}

// view is a snapshot together with the Lease.
func (d *driver) view(s *snapshot.Snapshot) (*rollout.View, error) {
	v := rollout.NewView(s, d.run.Namespace, d.run.Name)
	if d.lease == nil {
		v.LeaseGone = true
		return v, nil
	}
	v.LeaseVersion = d.lease.ResourceVersion
	stored, err := rollout.DecodeIntents(d.lease.Intents)
	if err != nil {
		return nil, &fatalError{fmt.Errorf("lease %s/%s: %w", d.lease.Namespace, d.lease.Name, err)}
	}
	v.Intents = append(stored, d.local...)
	return v, nil
}

// tell compares with what was told before.
func (d *driver) tell(v *rollout.View, before *rollout.Observed, now time.Time) {
	was := d.status
	d.last = v
	d.status = rollout.StatusOf(d.Policy, d.run, v, d.obs, now)
	for _, e := range rollout.Events(was, d.status) {
		if was == nil && d.Resumed && e.Type == rollout.EventStarted {
			e.Type = rollout.EventResumed
		}
		d.event(e)
	}
	for _, e := range rollout.GateEvents(d.run.ID, before, d.obs, now) {
		d.event(e)
	}
}

// follow watches the whole of nodes that are to be drained.
func (d *driver) follow() {
	var nodes []string
	if d.Policy.Drain != nil || d.Policy.WaitForJobs != nil {
		for i := range d.run.InFlight {
			nodes = append(nodes, d.run.InFlight[i].Node)
		}
	}
	d.Cluster.Follow(nodes)
}
