package drive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/kubectl-ds/kubectl-ds/internal/gates"
	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// fatalError is one that driving cannot go on from.
type fatalError struct{ err error }

func (e *fatalError) Error() string { return e.err.Error() }
func (e *fatalError) Unwrap() error { return e.err }

// act carries out one action by one request. What became of one that failed
// is seen by looking, never by sending it again.
func (d *driver) act(ctx, sideCtx context.Context, dec decision) error {
	if d.late() {
		return errLate
	}
	switch a := dec.Act.(type) {
	case *rollout.SaveRun:
		return d.save(ctx, a, dec.view)
	case *rollout.DeleteLease:
		return d.deleteLease(ctx)
	case *rollout.RunGate:
		d.ask(sideCtx, a, dec.view)
		return nil
	default:
		return d.change(ctx, dec)
	}
}

func (d *driver) save(ctx context.Context, a *rollout.SaveRun, v *rollout.View) error {
	run, err := rollout.EncodeRun(a.Run)
	if err != nil {
		return &fatalError{err}
	}
	intents, err := rollout.EncodeIntents(a.Intents)
	if err != nil {
		return &fatalError{err}
	}
	next := *d.lease
	next.Run, next.Intents = run, nil
	if len(a.Intents) > 0 {
		next.Intents = intents
	}
	d.baselines(ctx, a.Run, v)
	if d.late() {
		return errLate
	}
	taken := d.takesLocal()
	looked := make(chan *ahead, 1)
	looking, stop := d.request(ctx)
	defer stop()
	go func() { looked <- d.lookAhead(looking, a.Run, v) }()
	if err := d.write(ctx, &next, a.Run); err != nil {
		stop()
		<-looked
		return err
	}
	d.ahead = <-looked
	if taken {
		d.local = nil
	}
	return nil
}

// looks is how many nodes gates look at at a time.
const looks = 8

// baselines lets gates see nodes as they are before they are touched, all in
// the time of one request. A node that is tried again after its pod was
// replaced is none: what it is like now is no measure. Where a run turns round
// it is one, of what the way back must not make worse.
func (d *driver) baselines(ctx context.Context, next *rollout.Run, v *rollout.View) {
	ctx, cancel := d.request(ctx)
	defer cancel()
	var g errgroup.Group
	g.SetLimit(looks)
	turns := pinned(next) && !pinned(d.run)
	for i := range next.InFlight {
		n := v.Node(next.InFlight[i].Node)
		if n == nil {
			continue
		}
		name, begins := n.Node.Name, next.Replaces(n)
		if turns && begins {
			d.Gates.Forget(name)
			delete(d.begun, name)
		}
		switch {
		case d.begun[name] && flies(d.run, name):
		case d.begun[name]:
			g.Go(func() error { d.Gates.Again(ctx, n); return nil })
		case begins:
			d.begun[name] = true
			g.Go(func() error { d.Gates.Begin(ctx, n); return nil })
		}
	}
	_ = g.Wait() // there are no errors
}

// pinned reports whether a run is on its way back.
func pinned(r *rollout.Run) bool { return r.Undo != nil && r.Undo.Pinned }

func flies(r *rollout.Run, node string) bool {
	return slices.ContainsFunc(r.InFlight, func(f rollout.Flight) bool { return f.Node == node })
}

// forget lets gates forget nodes that are neither in flight nor failed in the
// run that is stored: they have landed, or were never begun. One that failed
// may be tried again, and is compared with what it was like before the first
// try.
func (d *driver) forget(stored *rollout.Run) {
	was := maps.Clone(d.begun)
	for i := range d.run.Failed {
		was[d.run.Failed[i].Node] = true
	}
	for i := range stored.InFlight {
		d.begun[stored.InFlight[i].Node] = true
		delete(was, stored.InFlight[i].Node)
	}
	for i := range stored.Failed {
		delete(was, stored.Failed[i].Node)
	}
	for name := range was {
		d.Gates.Forget(name)
		delete(d.begun, name)
	}
}

func (d *driver) deleteLease(ctx context.Context) error {
	ctx, cancel := d.request(ctx)
	defer cancel()
	if err := d.Locker.DeleteLease(ctx, d.lease); err != nil {
		d.doubt = true
		return err
	}
	d.lease = nil
	return nil
}

// change carries out the action, and those that go with it at the same time.
func (d *driver) change(ctx context.Context, dec decision) error {
	ctx, cancel := d.request(ctx)
	defer cancel()
	actions := append([]rollout.Action{dec.Act}, dec.Also...)
	errs := make([]error, len(actions))
	var g errgroup.Group
	g.SetLimit(together)
	for i, a := range actions {
		g.Go(func() error {
			out, err := d.Writer.Do(ctx, dec.view.DaemonSet, a)
			if err == nil && out != nil {
				d.Cluster.Learn(out)
			}
			errs[i] = err
			return nil
		})
	}
	_ = g.Wait() // each error is looked at by itself
	var out error
	for i, err := range errs {
		out = cmp.Or(out, d.changed(actions[i], err))
	}
	return out
}

// together is how many requests are in flight at most.
const together = 8

// changed says what the answer to one action means.
func (d *driver) changed(a rollout.Action, err error) error {
	if err == nil {
		// It is asked for once more where the next look does not show it yet.
		if e, ok := a.(*rollout.Evict); ok && !d.evicted[e.UID] {
			d.evicted[e.UID] = true
			d.event(d.run.Evicted(e, time.Now()))
		}
		return nil
	}
	if e, ok := a.(*rollout.Evict); ok {
		if refused, is := kube.RefusalOf(err, time.Now()); is {
			refused.Node = e.Node
			d.obs.Refused[e.UID] = refused
			return nil
		}
	}
	var sent *kube.RequestError
	if !errors.As(err, &sent) {
		return &fatalError{err} // it was not sent: what is stored, or the cluster, holds no such change
	}
	switch kube.AnswerOf(err) {
	case kube.Forbidden, kube.Never:
		return &fatalError{fmt.Errorf("the API server refuses it: %w", err)}
	default:
		return err
	}
}

// answer of a gate.
type answer struct {
	key   rollout.GateKey
	epoch int64 // that it was asked in
	gates.Answer
}

// ask asks a gate and does not wait for it.
func (d *driver) ask(ctx context.Context, a *rollout.RunGate, v *rollout.View) {
	key := rollout.GateKey{Gate: a.Gate, Node: a.Node, Wave: a.Wave}
	d.obs.NoteGateRuns(key)
	q := gates.Question{Action: *a, Run: d.run, View: v, Now: time.Now()}
	if a.Node != "" {
		q.Node = v.Node(a.Node)
	}
	epoch := d.epoch
	go func() {
		got := d.Gates.Ask(ctx, q)
		select {
		case d.answers <- answer{key, epoch, got}:
		case <-ctx.Done():
		}
	}()
}
