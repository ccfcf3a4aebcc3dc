package rollout

import (
	"context"
	"time"

	"github.com/kubectl-ds/kubectl-ds/internal/kube"
)

// createTries is how often a new Lease is sent where the server is busy, or its
// answer is lost.
const createTries = 4

// createLease makes the Lease of a new run. Where the answer was lost and the
// write was not, it is there already, with this process as its holder.
func createLease(ctx context.Context, w *kube.Writer, l *kube.Lease) (*kube.Lease, error) {
	for try := 1; ; try++ {
		created, err := w.CreateLease(ctx, l)
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
