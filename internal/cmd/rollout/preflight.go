package rollout

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"
	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// preflight asks what one may do, which budgets there are, and who drives.
// What it may not read is among the permissions that it finds missing.
func (c *clients) preflight(ctx context.Context, p *rollout.Policy, namespace, name string, progress func(string)) error {
	progress("permissions")
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		denied, err := c.Preflight.Denied(gctx, accesses(p, namespace, name))
		for _, a := range denied {
			c.Denied = append(c.Denied, a.String())
		}
		return err
	})
	g.Go(func() (err error) {
		of := namespace
		if drains(p) {
			of = ""
		}
		if c.Budgets, _, err = c.Preflight.Budgets(gctx, of); err != nil || !drains(p) {
			return err
		}
		return c.readBudgetPods(gctx)
	})
	g.Go(func() error { return c.readLease(gctx, namespace, name) })
	return g.Wait()
}

// readBudgetPods reads the pods of budgets that no drain could wait for: only
// where they are tells whether one would.
func (c *clients) readBudgetPods(ctx context.Context) error {
	guarded := rollout.Guarded(c.Budgets)
	lists := make([][]snapshot.Pod, len(guarded))
	read := make([]bool, len(guarded))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(lookups)
	for i, b := range guarded {
		g.Go(func() error {
			pods, failed, err := c.Reader.BudgetPods(gctx, b)
			lists[i], read[i] = pods, failed == nil
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	c.BudgetPods = rollout.BudgetPods{}
	for i, b := range guarded {
		if read[i] {
			c.BudgetPods[b.Namespace+"/"+b.Name] = lists[i]
		}
	}
	return nil
}

// lookups is how many such lists are read at a time.
const lookups = 4

func (c *clients) readLease(ctx context.Context, namespace, name string) error {
	w, err := kube.NewWriter(c.Cluster.Config, true)
	if err != nil {
		return err
	}
	lease, err := w.Lease(ctx, namespace, rollout.LeaseName(name))
	if c.OddLease = oddLease(err); c.OddLease != "" {
		return nil
	}
	c.Lease = lease
	return unlessForbidden(err)
}

// oddLease says what is wrong with a Lease that is there, and is not as a run
// leaves it.
func oddLease(err error) string {
	var req *kube.RequestError
	if err == nil || errors.As(err, &req) {
		return ""
	}
	return err.Error()
}

// unlessForbidden drops the error of a Lease that one may not read: the
// permissions tell of that.
func unlessForbidden(err error) error {
	if apierrors.IsForbidden(err) {
		return nil
	}
	return err
}

// holder names the run of a DaemonSet that a Lease holds; empty for one that is
// over, or of a DaemonSet of this name before.
func holder(l *kube.Lease, ds *appsv1.DaemonSet) string {
	if len(l.Run) == 0 {
		return l.Holder // taken and not used, or not ours: a name is all there is to say
	}
	r, err := rollout.DecodeRun(l.Run)
	switch {
	case err != nil:
		return fmt.Sprintf("its Lease %s cannot be read (%v)", l.Name, err)
	case r.UID != ds.UID, r.Phase == rollout.Ended:
		return ""
	}
	return runWords(r)
}

func runWords(r *rollout.Run) string {
	if r.By == "" {
		return "run " + r.ID
	}
	return "run " + r.ID + " of " + r.By
}
