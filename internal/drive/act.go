package drive

import (
	"context"
	"fmt"
	"time"

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
func (d *driver) act(ctx, gateCtx context.Context, dec decision) error {
	switch a := dec.Act.(type) {
	case *rollout.SaveRun:
		return d.save(ctx, a, dec.view)
	case *rollout.DeleteLease:
		return d.deleteLease(ctx)
	case *rollout.RunGate:
		d.ask(gateCtx, a, dec.view)
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
	if err := d.write(ctx, &next, a.Run); err != nil {
		return err
	}
	d.local = nil
	return nil
}

// baselines lets gates see nodes as they are before they are touched, and
// forget those that have landed.
func (d *driver) baselines(ctx context.Context, next *rollout.Run, v *rollout.View) {
	flying := map[string]bool{}
	for i := range next.InFlight {
		flying[next.InFlight[i].Node] = true
	}
	for i := range d.run.InFlight {
		if name := d.run.InFlight[i].Node; flying[name] {
			delete(flying, name)
		} else {
			d.Gates.Forget(name)
		}
	}
	for name := range flying {
		if n := v.Node(name); n != nil {
			ctx, cancel := d.request(ctx)
			d.Gates.Begin(ctx, n)
			cancel()
		}
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

func (d *driver) change(ctx context.Context, dec decision) error {
	ctx, cancel := d.request(ctx)
	defer cancel()
	out, err := d.Writer.Do(ctx, dec.view.DaemonSet, dec.Act)
	if err == nil {
		if out != nil {
			d.Cluster.Learn(out)
		}
		return nil
	}
	if e, ok := dec.Act.(*rollout.Evict); ok {
		if refused, is := kube.RefusalOf(err, time.Now()); is {
			d.obs.Refused[e.UID] = refused
			return nil
		}
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
	key rollout.GateKey
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
	go func() {
		got := d.Gates.Ask(ctx, q)
		select {
		case d.answers <- answer{key, got}:
		case <-ctx.Done():
		}
	}()
}
