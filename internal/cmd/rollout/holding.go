package rollout

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	appsv1 "k8s.io/api/apps/v1"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/internal/present"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// holdTries is how often a write is tried on what others change meanwhile.
const holdTries = 5

// holdOptions are what arm, disarm and recover have in common.
type holdOptions struct {
	app     *app
	target  string
	yes     bool
	dryRun  string
	timeout time.Duration // for the DaemonSet controller
	pause   time.Duration // between two looks
}

func (o *holdOptions) add(a *app, cmd *cobra.Command) error {
	o.app, o.pause = a, time.Second
	cmd.Flags().BoolVarP(&o.yes, "yes", "y", false, "Do not ask.")
	return addDryRun(cmd, &o.dryRun, "client prints what would be done, server has the API server check it, too, and store nothing.")
}

func (o *holdOptions) addTimeout(cmd *cobra.Command) {
	cmd.Flags().DurationVar(&o.timeout, "timeout", time.Minute, "How long to wait for the DaemonSet controller to take in the newest change.")
}

// connect checks flags, and finds the cluster.
func (o *holdOptions) connect() (*connection, error) {
	if err := checkDryRun(o.dryRun); err != nil {
		return nil, err
	}
	if err := o.app.kube.Validate(); err != nil {
		return nil, err
	}
	if err := o.app.mayAsk(o.yes || o.dryRun != dryNone); err != nil {
		return nil, err
	}
	return o.app.connect(o.target, o.dryRun == dryServer)
}

// agreed asks, unless nothing is stored or nobody wants to be asked.
func (o *holdOptions) agreed(ctx context.Context, at *connection, question string) (bool, error) {
	if o.yes || o.dryRun != dryNone {
		return true, nil
	}
	return o.app.confirm(ctx, at, question)
}

// dry is what a line says of a write that is not stored.
func (o *holdOptions) dry() string {
	if o.dryRun == dryNone {
		return ""
	}
	return " (" + o.dryRun + " dry run)"
}

func (o *holdOptions) say(format string, args ...any) error {
	_, err := fmt.Fprintf(o.app.streams.Out, format+"\n", args...)
	return err
}

// place names a DaemonSet and its cluster, on the screen.
func (c *connection) place() string {
	return present.Safe(c.Namespace + "/" + c.name + " on " + contextWord(c))
}

func (c *connection) explainRead(err error) error {
	return cli.ExplainRead(err, c.Config.Host, Plugin, nil)
}

// runThere names the run that the Lease of a DaemonSet holds, in words; empty
// where there is none.
func (c *connection) runThere(ctx context.Context, ds *appsv1.DaemonSet) (string, error) {
	l, err := c.writer.Lease(ctx, ds.Namespace, rollout.LeaseName(ds.Name))
	var state *kube.StateError
	switch {
	case errors.As(err, &state):
		return fmt.Sprintf("its Lease %s cannot be read (%v)", rollout.LeaseName(ds.Name), err), nil
	case err != nil:
		return "", c.explainRead(err)
	case l == nil:
		return "", nil
	}
	return holder(l, ds), nil
}

// viewFrom reads all that a decision about a DaemonSet needs. The view holds
// the DaemonSet as it was read before everything else, so that a write on what
// was changed since is a conflict.
func (c *connection) viewFrom(ctx context.Context, ds *appsv1.DaemonSet, progress func(string)) (*rollout.View, error) {
	s, err := c.reader.Read(ctx, kube.Request{Scope: snapshot.Scope{Namespace: ds.Namespace, Names: []string{ds.Name}}, Progress: progress})
	if err != nil {
		return nil, c.explainRead(err)
	}
	s.DaemonSets = []*appsv1.DaemonSet{ds}
	return c.view(s)
}

func (c *connection) view(s *snapshot.Snapshot) (*rollout.View, error) {
	v := rollout.NewView(s, c.Namespace, c.name)
	if v.Unread != "" {
		return nil, cli.Exit(cli.CannotTell, fmt.Errorf("what has to be known could not be read: %s; print the role that grants it: kubectl %s rbac", v.Unread, Plugin))
	}
	return v, nil
}

// observed waits until the controller has taken in the newest change: before,
// nothing tells which pods it would replace.
func (o *holdOptions) observed(ctx context.Context, at *connection) error {
	deadline, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	for {
		ds, err := at.reader.WholeDaemonSet(ctx, at.Namespace, at.name)
		switch {
		case err != nil:
			return at.explainRead(err)
		case ds.Status.ObservedGeneration >= ds.Generation:
			return nil
		}
		select {
		case <-deadline.Done():
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return cli.Exit(cli.TimedOut, fmt.Errorf("the DaemonSet controller has not taken in the newest change of %s within %s; see whether kube-controller-manager runs, and try again", at.place(), o.timeout))
		case <-time.After(o.pause):
		}
	}
}

// again reports whether a write that failed is to be tried on what is there
// now; else it gives the error to end with.
func (o *holdOptions) again(ctx context.Context, at *connection, tries int, err error) error {
	switch kube.AnswerOf(err) {
	case kube.Conflict, kube.Lost, kube.Refused:
	case kube.Never, kube.Forbidden:
		return at.explainRead(err)
	}
	if tries >= holdTries || ctx.Err() != nil {
		return fmt.Errorf("%w (tried %d times)", at.explainRead(err), tries)
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(o.pause):
		return nil
	}
}

// fact is a labelled line of a screen.
func fact(w io.Writer, label, words string) error {
	_, err := fmt.Fprintf(w, "%-7s %s\n", label, present.Safe(words))
	return err
}
