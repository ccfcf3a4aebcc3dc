package rollout

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/internal/present"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// recovery reads, plans, writes, and reads again, until nothing is left that
// can be done.
type recovery struct {
	*recoverOptions
	at *connection

	over      []string          // ids of runs of this DaemonSet that are over
	unheld    *kube.Lease       // as it was when it was seen that nobody holds it
	why       string            // what is wrong with the Lease
	agreed    bool              // somebody has seen the plan
	failed    map[string]string // steps that will not succeed, and why
	stuck     bool              // others may not be done before one of those
	deleted   bool              // the Lease, which is last
	kept      []rollout.Left    // what a step has decided to leave
	done      int
	fruitless int
}

func (r *recovery) run(ctx context.Context) error {
	for {
		v, err := r.look(ctx)
		if err != nil {
			return err
		}
		plan := rollout.RecoverPlan(v, rollout.RecoverInput{Runs: r.over, HandBack: r.handBack})
		if !r.agreed {
			if ok, err := r.begin(ctx, v, &plan); err != nil || !ok {
				return err
			}
		}
		steps := r.open(plan.Steps)
		switch {
		case r.stuck || len(steps) == 0 && plan.Wait == nil:
			return r.report(plan.Left)
		case len(steps) == 0:
			err = r.observed(ctx, r.at)
		default:
			err = r.carryOut(ctx, v, &plan, steps)
		}
		if err != nil {
			return err
		}
		if r.deleted {
			return r.report(plan.Left)
		}
	}
}

// look reads the DaemonSet, then nodes and pods, then the Lease: what a run
// has done by then stands in a Lease that it made before.
func (r *recovery) look(ctx context.Context) (*rollout.View, error) {
	ds, missing := r.at.reader.WholeDaemonSet(ctx, r.at.Namespace, r.at.name)
	var gone *kube.NotFoundError
	if missing != nil && !errors.As(missing, &gone) {
		return nil, r.at.explainRead(missing)
	}
	progress := cli.NewProgress(r.app.streams.ErrOut, r.app.clock)
	var v *rollout.View
	var err error
	if gone == nil {
		v, err = r.at.viewFrom(ctx, ds, progress.Say)
	} else {
		v, err = r.at.viewWithout(ctx, progress.Say)
	}
	progress.Done()
	if err != nil {
		return nil, err
	}
	l, err := r.lease(ctx, ds)
	switch {
	case err != nil:
		return nil, err
	case gone != nil && l == nil && len(r.over) == 0:
		return nil, r.at.explainRead(missing) // nothing tells of a run
	}
	if v.LeaseGone = l == nil; l != nil {
		v.LeaseVersion = l.ResourceVersion
	}
	return v, nil
}

// begin shows the plan and asks.
func (r *recovery) begin(ctx context.Context, v *rollout.View, plan *rollout.Recovery) (bool, error) {
	if len(plan.Steps)+len(plan.Left) == 0 && plan.Wait == nil {
		return false, r.nothing(v)
	}
	out := r.app.streams.Out
	var errs []error
	if r.why != "" {
		errs = append(errs, fact(out, "state", r.why))
	}
	for _, s := range plan.Steps {
		errs = append(errs, fact(out, "will", stepWords(s)+r.dry()))
	}
	if plan.Wait != nil {
		errs = append(errs, fact(out, "will", "wait for the DaemonSet controller to take in the newest change, and then give the update strategy back"+r.dry()))
	}
	for _, l := range plan.Left {
		errs = append(errs, fact(out, "leaves", l.String()))
	}
	if err := errors.Join(errs...); err != nil || r.dryRun != dryNone {
		return false, err
	}
	if len(plan.Steps) == 0 && plan.Wait == nil {
		r.agreed = true // there is nothing to agree to
		return true, nil
	}
	var err error
	r.agreed, err = r.holdOptions.agreed(ctx, r.at, r.at.place()+" is cleaned up without the state of a run.")
	return r.agreed, err
}

func (r *recovery) nothing(v *rollout.View) error {
	if err := r.say("%s: nothing of a run is left, and nothing was changed", r.at.place()); err != nil || v.DaemonSet == nil {
		return err
	}
	if _, armed := v.DaemonSet.Annotations[rollout.ArmAnnotation]; armed {
		return r.say("It is armed by hand; give the update strategy back: %s", r.at.command("disarm"))
	}
	return nil
}

// open are the steps that have not failed for good.
func (r *recovery) open(steps []rollout.Action) []rollout.Action {
	var out []rollout.Action
	for _, s := range steps {
		if _, failed := r.failed[s.Key()]; !failed {
			out = append(out, s)
		}
	}
	return out
}

// alone reports whether a step is one object of several, each guarded by its
// own resourceVersion: it needs no new look after the one before.
func alone(s rollout.Action) bool {
	switch s.(type) {
	case *rollout.Uncordon, *rollout.CleanRevision:
		return true
	}
	return false
}

// carryOut does what can be done by one look.
func (r *recovery) carryOut(ctx context.Context, v *rollout.View, plan *rollout.Recovery, steps []rollout.Action) error {
	before := r.done + len(r.failed)
	var last error
	for i, s := range steps {
		if i > 0 && !alone(s) {
			break
		}
		err := r.do(ctx, v, s)
		if err == nil {
			if err := r.did(s, plan); err != nil {
				return err
			}
			continue
		}
		if ctx.Err() != nil {
			return r.at.explainRead(err)
		}
		if a := kube.AnswerOf(err); a == kube.Forbidden || a == kube.Never {
			r.fail(s, err)
			continue
		}
		last = err
		if !alone(s) {
			break
		}
	}
	if r.done+len(r.failed) > before {
		r.fruitless = 0
		return nil
	}
	r.fruitless++
	return r.again(ctx, r.at, r.fruitless, last)
}

func (r *recovery) do(ctx context.Context, v *rollout.View, s rollout.Action) error {
	if _, ok := s.(*rollout.DeleteLease); ok {
		return r.at.writer.DeleteLease(ctx, r.unheld)
	}
	_, err := r.at.writer.Do(ctx, v.DaemonSet, s)
	return err
}

func (r *recovery) did(s rollout.Action, plan *rollout.Recovery) error {
	r.done++
	switch s.(type) {
	case *rollout.DeleteLease:
		r.deleted = true
	case *rollout.Arm:
		// Armed by hand, it does not look like something left any more.
		for _, l := range plan.Left {
			if l.What == rollout.LeftStrategy {
				r.kept = append(r.kept, l)
			}
		}
	}
	return fact(r.app.streams.Out, "done", stepWords(s))
}

// fail notes a step that will not succeed. Copies of the annotation do not
// hold up what comes after.
func (r *recovery) fail(s rollout.Action, err error) {
	r.failed[s.Key()] = stepWords(s) + ": " + r.at.explainRead(err).Error()
	if _, copied := s.(*rollout.CleanRevision); !copied {
		r.stuck = true
	}
}

// report is the last screen.
func (r *recovery) report(left []rollout.Left) error {
	out := r.app.streams.Out
	var errs []error
	count := 0
	for _, l := range append(r.kept, left...) {
		count++
		errs = append(errs, fact(out, "left", l.String()))
	}
	for _, words := range slices.Sorted(maps.Values(r.failed)) {
		count++
		errs = append(errs, fact(out, "left", "could not "+words))
	}
	if len(r.kept) > 0 {
		errs = append(errs, fact(out, "next", "bring the old pods up to date, then give it back: "+r.at.command("start")+", "+r.at.command("disarm")))
	}
	if r.stuck {
		errs = append(errs, fact(out, "next", "what comes after that was not done; try again with the permission: "+r.at.command("recover")))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if count == 0 {
		return r.say("%s: nothing of a run is left", r.at.place())
	}
	if err := r.say("%s: %d of what a run has left stays, as named above", r.at.place(), count); err != nil {
		return err
	}
	return cli.Exit(cli.Failed, nil)
}

// stepWords is a step as one does it.
func stepWords(s rollout.Action) string {
	switch a := s.(type) {
	case *rollout.Uncordon:
		if a.Unschedulable {
			return "take the mark off node " + a.Node + ", which stays cordoned as before the run"
		}
		return "uncordon node " + a.Node
	case *rollout.HandBack:
		switch {
		case a.Strategy == "":
			return "remove the annotation; updateStrategy is what it was already"
		case a.Acknowledged:
			return "give updateStrategy " + a.Strategy + " back; the controller begins to replace old pods immediately, up to maxUnavailable at a time"
		}
		return "give updateStrategy " + a.Strategy + " back"
	case *rollout.Arm:
		return "leave updateStrategy OnDelete, armed by hand; it was " + a.Armed.Original
	case *rollout.CleanRevision:
		return "remove the copy of the annotation from revision " + a.Name
	case *rollout.DeleteLease:
		return "delete the Lease"
	}
	return fmt.Sprintf("%T", s)
}

// holdsSince reports whether nobody has written a Lease as its holder since.
func holdsSince(a, b *kube.Lease) bool {
	return a.UID == b.UID && a.Holder == b.Holder && a.Epoch == b.Epoch && a.Renewed.Equal(b.Renewed)
}

func ago(t time.Time) string { return present.Safe(time.Since(t).Round(time.Second).String()) }
