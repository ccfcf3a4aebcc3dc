package rollout

import (
	"context"
	"time"

	"github.com/kubectl-ds/kubectl-ds/internal/kube"
)

// createTries is how often a new Lease is sent where the server is busy, or its
// answer is lost.
const createTries = 4

// createLease makes the Lease of a new run, in place of the one that a run has
// left which is over; nil for none. Where the answer was lost and the write was
// not, it is there already, with this process as its holder.
func createLease(ctx context.Context, w *kube.Writer, l, over *kube.Lease) (*kube.Lease, error) {
	for try := 1; ; try++ {
		created, err := inPlaceOf(ctx, w, l, over)
		if err == nil {
			return created, nil
		}
		answer := kube.AnswerOf(err)
		if answer == kube.Lost || answer == kube.Conflict && try > 1 {
			if there, readErr := w.Lease(ctx, l.Namespace, l.Name); readErr == nil && there != nil && there.Holder == l.Holder {
				return there, nil
			}
		}
		if answer != kube.Lost && answer != kube.Refused || try == createTries {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(kube.RetryAfter(err, time.Second)):
		}
	}
}

// inPlaceOf deletes a Lease, if it is still as it was read, and makes another
// one. Where it is gone or was written since, the server says whether there is
// room.
func inPlaceOf(ctx context.Context, w *kube.Writer, l, over *kube.Lease) (*kube.Lease, error) {
	if over != nil {
		if err := w.DeleteLease(ctx, over); err != nil && kube.AnswerOf(err) != kube.Conflict {
			return nil, err
		}
	}
	return w.CreateLease(ctx, l)
}

// overLease is the Lease of a run that is over, as it was read for a plan that
// nothing stood in the way of; nil where there is none.
func (c *clients) overLease() *kube.Lease {
	if c.Lease == nil || len(c.Lease.Run) == 0 {
		return nil // it may be somebody else's
	}
	return c.Lease
}
