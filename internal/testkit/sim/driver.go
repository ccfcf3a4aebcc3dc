package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// How a driver keeps its Lease: leaseDuration > renewDeadline > retryPeriod,
// as in client-go's leaderelection.
const (
	leaseDuration = 15 * time.Second
	renewDeadline = 10 * time.Second
	retryPeriod   = 2 * time.Second
	pollInterval  = 15 * time.Second // of a wait without a watch
)

// faults of the way between a driver and the server, in percent of requests.
type faults struct {
	dropped  int // committed, and the response is lost
	refused  int // 503 before anything happens
	conflict int // 409, as somebody else wrote in between
	stale    int // looks that return what was read before
	deafness int // changes that do not wake the driver
	crash    int // 1000th: the process ends right after a request
	pause    int // 1000th: the process sleeps for longer than the Lease lasts
}

// driver is one process that drives the run: the smallest loop that is right.
type driver struct {
	c      *Cluster
	id     string
	policy *rollout.Policy
	faults faults
	skew   time.Duration // of its wall clock
	gate   func(key rollout.GateKey, attempt int) rollout.GateOutcome

	run      *rollout.Run // decoded from runRaw
	runRaw   string
	alive    bool
	epoch    int64
	renewed  time.Time
	obs      *rollout.Observed
	cache    *snapshot.Snapshot
	cached   time.Time
	template *templateSpec
	timer    int // generation of the scheduled step: a newer one cancels it

	// writes counts requests; crashAt ends the process right after the n-th.
	writes, crashAt int
	ended           func(*driver, end)
	// what it last said.
	last rollout.Decision
	sent time.Time // its last request

	talks bool // tells its events, which have to make sense
	talk  *talk
}

// end is how a process ended.
type end struct {
	why  string // crashed, lost, rests, stopped, done
	wait *rollout.Wait
	stop *rollout.Stop
	done *rollout.Done
}

func (d *driver) me() who { return who{actor: d.id, ours: true, sent: d.sent} }

// wall is what the driver's own clock on the wall shows.
func (d *driver) wall() time.Time { return d.c.now.Add(d.skew) }

// start begins to drive with a Lease that it holds.
func (d *driver) start() {
	d.alive = true
	d.renewed = d.c.now
	d.obs = rollout.NewObserved(d.c.now, d.epoch)
	d.obs.Template = d.template
	d.c.watchers = append(d.c.watchers, d.wake)
	d.again(time.Millisecond)
}

func (d *driver) again(after time.Duration) {
	d.timer++
	mine := d.timer
	d.c.after(after, func() {
		if d.alive && d.timer == mine {
			d.step()
		}
	})
}

// wake is the watch: something changed.
func (d *driver) wake() {
	if d.alive && d.last.Wait != nil && !d.c.chance(d.faults.deafness) {
		d.last = rollout.Decision{}
		d.again(d.c.between(20*time.Millisecond, 200*time.Millisecond))
	}
}

func (d *driver) end(e end) {
	if d.alive {
		d.alive = false
		d.ended(d, e)
	}
}

// read returns the snapshot that the driver sees, which may be an old one.
func (d *driver) read() *snapshot.Snapshot {
	if d.cache != nil && d.c.now.Sub(d.cached) < staleFor && d.c.chance(d.faults.stale) {
		return d.cache
	}
	d.cache, d.cached = d.c.Snapshot(), d.c.now
	return d.cache
}

// staleFor is how far reads may lag behind; the checker's slack is a little
// more, for the time between a read and the write that it led to.
const staleFor = 2 * time.Second

// view looks at a snapshot together with the Lease.
func (d *driver) view(s *snapshot.Snapshot) (*rollout.View, *rollout.Run, error) {
	v := rollout.NewView(s, Namespace, Name)
	l := d.c.lease
	if l == nil {
		v.LeaseGone = true
		return v, nil, nil
	}
	v.LeaseVersion = l.rv
	if d.runRaw != l.run {
		run, err := rollout.DecodeRun([]byte(l.run))
		if err != nil {
			return nil, nil, err
		}
		d.run, d.runRaw = run, l.run
	}
	var err error
	v.Intents, err = rollout.DecodeIntents([]byte(l.intents))
	return v, d.run, err
}

func (d *driver) step() {
	if d.c.now.Sub(d.renewed) > renewDeadline {
		d.end(end{why: "lost"})
		return
	}
	if l := d.c.lease; l != nil && (l.holder != d.id || l.epoch != d.epoch) {
		d.end(end{why: "lost"})
		return
	}
	if d.c.now.Sub(d.renewed) >= retryPeriod {
		d.send(nil)
		return
	}
	dec, err := d.decide()
	if err != nil {
		panic(fmt.Sprintf("%s: %v", d.id, err))
	}
	d.last = dec
	switch {
	case dec.Act != nil:
		d.send(dec.Act, dec.Also...)
	case dec.Wait != nil:
		if len(dec.Wait.Because) == 0 {
			panic("a wait without a reason")
		}
		if dec.Wait.Rests {
			d.release()
			d.end(end{why: "rests", wait: dec.Wait})
			return
		}
		next := pollInterval
		if u := dec.Wait.Until.Sub(d.c.now); !dec.Wait.Until.IsZero() && u < next {
			next = max(u, time.Millisecond)
		}
		// The Lease must be renewed meanwhile.
		if r := d.renewed.Add(retryPeriod).Sub(d.c.now); r < next {
			next = max(r, time.Millisecond)
		}
		d.again(next)
	case dec.Stop != nil:
		d.release()
		d.end(end{why: "stopped", stop: dec.Stop})
	case dec.Done != nil:
		d.end(end{why: "done", done: dec.Done})
	}
}

// decide asks, looks again where the action wants it, and asks again.
func (d *driver) decide() (rollout.Decision, error) {
	s := d.read()
	v, run, err := d.view(s)
	if err != nil {
		return rollout.Decision{}, err
	}
	if run == nil {
		run = d.gone()
	}
	d.obs = rollout.Observe(d.obs, d.policy, run, v, d.c.now)
	dec := rollout.Decide(d.policy, run, v, d.obs, d.c.now)
	if d.talks {
		d.say(run, v)
	}
	if dec.Act == nil || dec.Act.Look() == (rollout.Look{}) {
		return dec, nil
	}
	fresh := d.c.look(s, dec.Act.Look())
	for _, a := range dec.Also {
		fresh = d.c.look(fresh, a.Look())
	}
	if dec.Act.Look().All {
		d.cache, d.cached = fresh, d.c.now
	}
	if v, run, err = d.view(fresh); err != nil {
		return rollout.Decision{}, err
	}
	if run == nil {
		run = d.gone()
	}
	again := rollout.Decide(d.policy, run, v, d.obs, d.c.now)
	if again.Act == nil || again.Act.Key() != dec.Act.Key() {
		d.cache = nil // it led astray
		return rollout.Decision{Wait: &rollout.Wait{
			Until: d.c.now.Add(50 * time.Millisecond), Because: []rollout.Cause{{Code: rollout.WaitStep}},
		}}, nil
	}
	again.Also = slices.DeleteFunc(again.Also, func(a rollout.Action) bool {
		return !slices.ContainsFunc(dec.Also, func(b rollout.Action) bool { return a.Key() == b.Key() })
	})
	return again, nil
}

// gone stands for the run where its Lease is no longer there: the last one
// that this process wrote.
func (d *driver) gone() *rollout.Run {
	if d.c.lastRun == nil {
		panic("the lease is gone before a run was stored")
	}
	return d.c.lastRun
}

// release lets the Lease go, so that somebody else can take it at once.
func (d *driver) release() {
	if d.c.lease != nil && d.c.lease.holder == d.id {
		_ = d.c.saveLease(d.me(), d.c.lease.rv, func(l *lease) { l.holder = "" })
	}
}
