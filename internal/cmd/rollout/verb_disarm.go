package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/internal/present"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// disarmOptions give a DaemonSet back that was armed by hand, or by a run that
// is over.
type disarmOptions struct {
	holdOptions
	handBack bool
}

func newDisarmCommand(a *app) (*cobra.Command, error) {
	o := &disarmOptions{}
	cmd := &cobra.Command{
		Use:   "disarm DAEMONSET",
		Short: "Give the update strategy back that arm took, or a run that is over",
		Long: templates.LongDesc(`
			Give the update strategy back that arm took, or a run that has ended, and remove the annotation, in one write.

			It refuses while a pod of an older revision is left on any node, whether the DaemonSet should run there or
			not: the controller would begin to replace exactly those pods immediately, up to maxUnavailable at a time.
			Roll the change out with start, or accept that with --hand-back.`),
		Example: cli.Examples(`
			# Give the strategy back
			kubectl ds-rollout disarm -n logging vector

			# Give it back, and let the built-in update replace the old pods
			kubectl ds-rollout disarm -n logging vector --hand-back`),
		Args: cli.ExactArgs("a DaemonSet"), ValidArgsFunction: a.completeTarget(false),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.target = args[0]
			return o.run(cmd.Context())
		},
	}
	addHandBack(cmd, &o.handBack)
	o.addTimeout(cmd)
	return cmd, o.add(a, cmd)
}

func addHandBack(cmd *cobra.Command, to *bool) {
	cmd.Flags().BoolVar(to, "hand-back", false, "Give the strategy back although old pods remain, which the built-in update then replaces.")
}

func (o *disarmOptions) run(ctx context.Context) error {
	at, err := o.connect()
	if err != nil {
		return err
	}
	asked := false
	for tries := 1; ; {
		v, armed, err := o.look(ctx, at)
		if err != nil {
			return err
		}
		if armed == nil {
			return o.notArmed(ctx, at, v, tries > 1)
		}
		g := rollout.PlanGiveBack(v, o.handBack)
		switch {
		case g.Wait != nil:
			if err := o.observed(ctx, at); err != nil {
				return err
			}
			continue
		case g.Left != nil:
			return o.refuse(at, &g)
		}
		if !asked {
			ok, err := o.agreed(ctx, at, at.place()+": "+present.Safe(givenBack(&g)))
			if err != nil || !ok {
				return err
			}
			asked = true
		}
		if o.dryRun != dryClient {
			_, err = at.writer.Do(ctx, v.DaemonSet, g.Action)
		}
		if err == nil {
			return o.done(ctx, at, v, &g)
		}
		if err := o.again(ctx, at, tries, err); err != nil {
			return err
		}
		tries++
	}
}

// look reads the DaemonSet, then the pods, then the Lease: a run that armed it
// has made its Lease before.
func (o *disarmOptions) look(ctx context.Context, at *connection) (*rollout.View, *rollout.Armed, error) {
	ds, err := at.reader.WholeDaemonSet(ctx, at.Namespace, at.name)
	if err != nil {
		return nil, nil, at.explainRead(err)
	}
	progress := cli.NewProgress(o.app.streams.ErrOut, o.app.clock)
	v, err := at.viewFrom(ctx, ds, progress.Say)
	progress.Done()
	if err != nil {
		return nil, nil, err
	}
	held, err := at.runThere(ctx, ds)
	if err != nil {
		return nil, nil, err
	}
	if held != "" {
		return nil, nil, o.refused(at, "a run is there: "+held+"; end it: "+at.command("abort"))
	}
	armed, err := rollout.ArmedOf(ds)
	switch {
	case err != nil:
		return nil, nil, o.refused(at, err.Error()+"; find out what updateStrategy.type was, set it, and remove the annotation")
	case armed != nil && cordoned(v, armed.Run) != "":
		// Without the annotation nothing would tell whose cordons they are.
		return nil, nil, o.refused(at, "run "+armed.Run+" is not there any more, and its cordon of node "+cordoned(v, armed.Run)+
			" still is; take back what it left first: "+at.command("recover"))
	}
	return v, armed, nil
}

// cordoned names a node that a run has left cordoned; empty for none.
func cordoned(v *rollout.View, run string) string {
	for i := range v.Nodes {
		if n := &v.Nodes[i]; n.Mark != nil && n.Mark.Run == run {
			return n.Node.Name
		}
	}
	return ""
}

func (o *disarmOptions) refused(at *connection, why string) error {
	return cli.Exit(cli.Failed, errors.New(present.Safe(at.Namespace+"/"+at.name+" is not disarmed: "+why)))
}

func (o *disarmOptions) refuse(at *connection, g *rollout.GiveBack) error {
	why := g.Left.Reason
	if len(g.Old) > 0 {
		why += fmt.Sprintf(" (%d in all). Bring them up to date: %s. Or let the built-in update do it: %s --hand-back",
			len(g.Old), at.command("start"), at.command("disarm"))
	}
	return o.refused(at, why)
}

// givenBack says what giving back does.
func givenBack(g *rollout.GiveBack) string {
	if g.Action.Strategy == "" {
		return "updateStrategy is what it was already; the annotation is removed."
	}
	if len(g.Old) == 0 {
		return "updateStrategy becomes " + g.Action.Strategy + " again; no old pod is left."
	}
	return fmt.Sprintf("updateStrategy becomes %s again, and the controller begins to replace the old pods of %d nodes immediately, up to maxUnavailable at a time.", g.Action.Strategy, len(g.Old))
}

// notArmed ends where there is nothing to do. After a write whose answer was
// lost it is that write that is seen.
func (o *disarmOptions) notArmed(ctx context.Context, at *connection, v *rollout.View, wrote bool) error {
	if wrote {
		return o.finish(at, v.DaemonSet, o.cleanAll(ctx, at, v))
	}
	if err := o.say("%s is not armed; updateStrategy is %s", at.place(), present.Safe(strategyNow(v.DaemonSet))); err != nil {
		return err
	}
	if len(copies(v)) > 0 {
		return o.say("Copies of the annotation are left in its revisions; remove them: %s", at.command("recover"))
	}
	return nil
}

// copies are the revisions that hold a copy of the annotation.
func copies(v *rollout.View) []*appsv1.ControllerRevision {
	return slices.DeleteFunc(slices.Clone(v.Revisions), func(r *appsv1.ControllerRevision) bool {
		_, ok := r.Annotations[rollout.ArmAnnotation]
		return !ok
	})
}

// done removes the copies of the annotation, and reports.
func (o *disarmOptions) done(ctx context.Context, at *connection, v *rollout.View, g *rollout.GiveBack) error {
	kept := o.cleanAll(ctx, at, v)
	if g.Action.Acknowledged {
		if err := fact(o.app.streams.ErrOut, "note", givenBack(g)); err != nil {
			return err
		}
	}
	return o.finish(at, v.DaemonSet, kept)
}

// cleanAll removes the copies, and says which it could not remove, and why.
func (o *disarmOptions) cleanAll(ctx context.Context, at *connection, v *rollout.View) string {
	if o.dryRun == dryClient {
		return ""
	}
	kept := ""
	for _, r := range copies(v) {
		if err := o.clean(ctx, at, v.DaemonSet, r); err != nil {
			kept += "; " + r.Name + ": " + at.explainRead(err).Error()
		}
	}
	return kept
}

// clean removes a copy. The controller may write a revision at any time: one
// that is not as it was is read again.
func (o *disarmOptions) clean(ctx context.Context, at *connection, ds *appsv1.DaemonSet, r *appsv1.ControllerRevision) error {
	for tries := 1; ; tries++ {
		_, err := at.writer.Do(ctx, ds, &rollout.CleanRevision{Name: r.Name, UID: r.UID, ResourceVersion: r.ResourceVersion})
		if err == nil || kube.AnswerOf(err) != kube.Conflict || tries == holdTries {
			return err
		}
		v, err := at.viewFrom(ctx, ds, nil)
		if err != nil {
			return err
		}
		left := copies(v)
		i := slices.IndexFunc(left, func(x *appsv1.ControllerRevision) bool { return x.UID == r.UID })
		if i < 0 {
			return nil
		}
		r = left[i]
	}
}

// finish reports. kept are the copies that could not be removed, and why.
func (o *disarmOptions) finish(at *connection, ds *appsv1.DaemonSet, kept string) error {
	armed, err := rollout.ArmedOf(ds)
	now := strategyNow(ds)
	if err == nil && armed != nil {
		now = armed.Original
	}
	if err := o.say("%s is disarmed: updateStrategy is %s%s", at.place(), present.Safe(now), o.dry()); err != nil {
		return err
	}
	if kept == "" {
		return nil
	}
	return cli.Exit(cli.Failed, errors.New(present.Safe("copies of the annotation are left"+kept)))
}
