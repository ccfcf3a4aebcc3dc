package drive

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

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
	shown   bool      // the watch has shown the Lease: where it does so no more, it may be gone
	quiet   time.Time // before it nothing is sent at all
	calm    time.Time // before it nothing but the Lease is written

	obs     *rollout.Observed
	status  *rollout.Status
	last    *rollout.View
	told    *rollout.Observed // what gates had answered when that was last told
	local   []rollout.Intent  // of this terminal, not yet stored
	ahead   *ahead            // of what is to be done next; nil for none
	asked   int
	leaving bool
	resumed bool // that the run is gone on with has been told, and it rests yet
	answers chan answer
	events  chan *corev1.Event
	lists   lists
	begun   map[string]bool // nodes that gates were told of
	evicted map[types.UID]bool
	trouble int // requests in a row that did not go through
	astray  int // looks in a row that did not agree with the watches
}

// Run drives until the run ends, rests, or is lost. An error is one that
// driving cannot go on from; the run is stored, and can be resumed. When ctx
// ends it returns at once and leaves everything as it is.
func Run(ctx context.Context, c Config) (*End, error) {
	now := time.Now()
	// Since the Lease was taken the first lists were read, which may have taken
	// longer than it lasts: where it is not of just now, it is read and renewed
	// before anything else.
	renewed, doubt := c.Taken, elapsed(c.Taken) >= renewEvery
	if doubt {
		renewed = now.Add(-renewEvery)
	}
	d := &driver{Config: c, lease: c.Lease, run: c.Run, epoch: c.Lease.Epoch, renewed: renewed, doubt: doubt,
		answers: make(chan answer, 16), events: make(chan *corev1.Event, 16), lists: newLists(c.Listed, now), begun: map[string]bool{}, evicted: map[types.UID]bool{}}
	d.begin()
	defer d.record(ctx)()
	sideCtx, stop := context.WithCancel(ctx) // of gates and lists, which are not waited for
	defer stop()
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		end, pause, err := d.step(ctx, sideCtx)
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

// step does at most one write beside the renewal and says how long to wait
// until the next one.
func (d *driver) step(ctx, sideCtx context.Context) (*End, time.Duration, error) {
	if wait := time.Until(d.quiet); wait > 0 {
		return nil, wait, nil
	}
	if d.late() {
		return d.regain(ctx)
	}
	lost, err := d.seeLease(ctx)
	if lost {
		return &End{Lost: true}, 0, nil
	}
	if err == nil && d.lease != nil && elapsed(d.renewed) >= renewEvery {
		err = d.renew(ctx)
	}
	if err != nil {
		return d.adrift(err)
	}
	d.list(sideCtx)
	if time.Until(d.calm) > 0 {
		return nil, d.until(d.calm), nil
	}
	if ok, err := d.current(); !ok {
		return d.failed(err)
	}
	dec, err := d.decide(ctx)
	if err != nil {
		return d.failed(err)
	}
	return d.execute(ctx, sideCtx, dec)
}

// failed tells an error that waiting may mend from one that it does not. The
// Lease is renewed meanwhile.
func (d *driver) failed(err error) (*End, time.Duration, error) {
	switch {
	case errors.Is(err, errLate):
		return nil, 0, nil
	case fatal(err):
		return nil, 0, err
	case err != nil:
		d.calm = time.Now().Add(d.setback(err))
		if d.barred(err) {
			return nil, 0, err
		}
	}
	return nil, d.until(d.calm), nil
}

// adrift is failed where it is the Lease that could not be read or written:
// nothing else may be done then.
func (d *driver) adrift(err error) (*End, time.Duration, error) {
	if fatal(err) {
		return nil, 0, err
	}
	wait := d.setback(err)
	if d.barred(err) {
		return nil, 0, err
	}
	d.quiet = time.Now().Add(wait)
	return nil, wait, nil
}

func (d *driver) execute(ctx, sideCtx context.Context, dec decision) (*End, time.Duration, error) {
	switch {
	case dec.again:
		d.astray++
		return nil, backoff(d.astray, lookAgain), nil
	case dec.Act != nil:
		if err := d.act(ctx, sideCtx, dec); err != nil {
			return d.failed(err)
		}
		d.trouble, d.astray = 0, 0
		return nil, 0, nil
	case dec.Wait != nil:
		d.trouble, d.astray = 0, 0
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
	if d.leaving && len(d.local) == 0 && rollout.Allowed(d.run.Phase, rollout.VerbPause) {
		d.asks(rollout.Intent{Verb: rollout.VerbPause, Leaves: true}, true) // somebody resumed it meanwhile
	}
	d.follow()
	now := time.Now()
	s := d.Cluster.Snapshot(now)
	v, err := d.view(s)
	if err != nil {
		return decision{}, err
	}
	d.obs = rollout.Observe(d.obs, d.Policy, d.run, v, now)
	d.tell(v, now)
	dec := decision{Decision: rollout.Decide(d.Policy, d.run, v, d.obs, now), view: v}
	d.Watcher.Look(d.status, dec.Decision)
	if dec.Act == nil || dec.Act.Look() == (rollout.Look{}) {
		d.ahead = nil
		return dec, nil
	}
	ctx, cancel := d.request(ctx)
	defer cancel()
	fresh, err := d.look(ctx, s, looksOf(dec.Decision))
	if err != nil {
		return decision{}, err
	}
	if v, err = d.view(fresh); err != nil {
		return decision{}, err
	}
	again := both(dec.Decision, rollout.Decide(d.Policy, d.run, v, d.obs, time.Now()))
	if again.Act == nil {
		return decision{again: true}, nil
	}
	return decision{Decision: again, view: v}, nil
}

func looksOf(d rollout.Decision) []rollout.Look {
	looks := []rollout.Look{d.Act.Look()}
	for _, a := range d.Also {
		looks = append(looks, a.Look())
	}
	return looks
}

// both keeps the actions that two decisions agree on.
func both(a, b rollout.Decision) rollout.Decision {
	if b.Act == nil {
		return rollout.Decision{}
	}
	first := append([]rollout.Action{a.Act}, a.Also...)
	var out rollout.Decision
	for _, x := range append([]rollout.Action{b.Act}, b.Also...) {
		switch {
		case !slices.ContainsFunc(first, func(y rollout.Action) bool { return x.Key() == y.Key() }):
		case out.Act == nil:
			out.Act = x
		default:
			out.Also = append(out.Also, x)
		}
	}
	return out
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
	if v.Intents = stored; d.takesLocal() {
		v.Intents = append(stored, d.local...)
	}
	return v, nil
}

// tell compares with what was told before.
func (d *driver) tell(v *rollout.View, now time.Time) {
	was := d.status
	d.last = v
	d.status = rollout.StatusOf(d.Policy, d.run, v, d.obs, now)
	for _, e := range rollout.Events(was, d.status) {
		switch {
		case was == nil && d.Resumed && e.Type == rollout.EventStarted:
			e.Type, e.At, d.resumed = rollout.EventResumed, now, rests(d.status.Phase)
		case was == nil && rests(d.status.Phase):
			continue // whoever goes on with it was told
		case e.Type == rollout.EventResumed && d.resumed:
			continue // it was told when this process began
		}
		d.event(e)
	}
	if was != nil && was.Phase != d.status.Phase {
		d.resumed = false
	}
	for _, e := range rollout.GateEvents(d.run.ID, d.told, d.obs, now) {
		d.event(e)
	}
	d.told = &rollout.Observed{Gates: maps.Clone(d.obs.Gates)} // answers are noted in place
}

func rests(p rollout.Phase) bool { return p == rollout.Paused || p == rollout.Stopped }

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
