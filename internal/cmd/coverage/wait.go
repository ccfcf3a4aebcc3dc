package coverage

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/internal/present"
	"github.com/kubectl-ds/kubectl-ds/pkg/coverage"
)

const (
	waitInterval = 5 * time.Second
	// heartbeat is after how long a line is written though nothing changed:
	// nobody should wonder whether it hangs.
	heartbeat = time.Minute
	// refusalStands is how long a refusal must stand that was not there at first:
	// an API server that starts refuses everything while its authorizer warms up.
	refusalStands = 30 * time.Second
)

// waiter is one --wait.
type waiter struct {
	o     *reportOptions
	r     reader
	p     *cli.Progress
	start time.Time

	readings  int
	last      *analysis // the newest reading
	refused   string    // what a role refused at the newest reading
	refusedAt time.Time // since when
	said      string
	saidAt    time.Time
	timeout   error
}

// wait reads again and again until the condition holds, and then shows the
// report. It says on stderr what it waits for.
func (o *reportOptions) wait(ctx context.Context, r reader, p *cli.Progress) error {
	w := &waiter{o: o, r: r, p: p, start: o.app.clock(), timeout: errors.New("timed out")}
	limited := ctx
	if o.Condition.Timeout > 0 {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeoutCause(ctx, o.Condition.Timeout, w.timeout)
		defer cancel()
	}
	for {
		outcome, because, err := w.look(limited)
		switch {
		case limited.Err() != nil && outcome != coverage.Holds:
			return w.end(limited)
		case err != nil:
			return err
		case outcome == coverage.Holds:
			return o.show(w.last, o.report(w.last))
		case outcome == coverage.CannotTell && w.stands():
			return w.cannotEnd()
		}
		w.say(because)
		if !pause(limited, w.interval()) {
			return w.end(limited)
		}
	}
}

// look reads once. An error ends the waiting only if it is the first answer,
// or one that later readings cannot mend: a control plane that restarts is
// what people wait for.
func (w *waiter) look(ctx context.Context) (outcome coverage.Outcome, because string, err error) {
	a, failure := w.o.Source.analyze(ctx, w.r, w.o.app.clock, w.p.Say)
	w.p.Done()
	w.readings++
	var gone *kube.NotFoundError
	switch {
	case failure == nil:
		w.last = a
		w.note(a.Refused(w.o.Condition.Condition))
		outcome, because = a.Report().Check(w.o.Condition.Condition)
		return outcome, because, nil
	case apierrors.IsForbidden(failure):
		w.note(failure.Error())
		if w.stands() {
			return coverage.CannotTell, "", cli.Exit(cli.CannotTell, failure)
		}
	case w.last == nil || errors.As(failure, &gone):
		return coverage.CannotTell, "", failure
	default:
		w.note("") // whether the refusal before it still stands is not known
	}
	return coverage.CannotTell, "cannot read: " + failure.Error(), nil
}

// note keeps since when the same is refused.
func (w *waiter) note(refused string) {
	if refused != w.refused {
		w.refused, w.refusedAt = refused, w.o.app.clock()
	}
}

// stands reports whether waiting mends no refusal: the first reading met it, or
// it has been there for a while.
func (w *waiter) stands() bool {
	return w.refused != "" && (w.readings == 1 || w.o.app.clock().Sub(w.refusedAt) >= refusalStands)
}

// interval grows with what a reading costs: a large cluster is not read
// without pause.
func (w *waiter) interval() time.Duration {
	if w.last == nil {
		return w.o.interval
	}
	return max(w.o.interval, 3*w.last.took)
}

func (w *waiter) say(because string) {
	now := w.o.app.clock()
	if because == w.said && now.Sub(w.saidAt) < heartbeat {
		return
	}
	w.said, w.saidAt = because, now
	of := ""
	if t := w.o.Condition.Timeout; t > 0 {
		of = " of " + duration.HumanDuration(t)
	}
	_, _ = fmt.Fprintf(w.o.streams.ErrOut, "waiting for %s: %s (%s%s)\n",
		w.o.Condition.String(), present.Safe(because), duration.HumanDuration(now.Sub(w.start)), of)
}

// end is the end of waiting without success: out of time, or interrupted. What
// was read last is shown in the first case.
func (w *waiter) end(ctx context.Context) error {
	if !errors.Is(context.Cause(ctx), w.timeout) {
		return context.Canceled
	}
	after := duration.HumanDuration(w.o.Condition.Timeout)
	if w.last == nil {
		return cli.Exit(cli.TimedOut, fmt.Errorf("nothing could be read within %s; raise --timeout, or narrow the question with -n or a name", after))
	}
	list := w.o.report(w.last)
	if err := w.o.show(w.last, list); err != nil {
		return err
	}
	return cli.Exit(cli.TimedOut, fmt.Errorf("timed out after %s waiting for %s: %s", after, w.o.Condition.String(), list.Condition.Message))
}

// cannotEnd is the end of a waiting that can only end by its timeout: a role
// refuses what the answer depends on.
func (w *waiter) cannotEnd() error {
	if err := w.o.show(w.last, w.o.report(w.last)); err != nil {
		return err
	}
	return cli.Exit(cli.CannotTell, fmt.Errorf("waiting for %s cannot end: %s; grant it (kubectl %s rbac prints the role), or do without the answer there: --allow-unknown",
		w.o.Condition.String(), w.refused, Plugin))
}

// pause waits, and reports whether there is time left.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
