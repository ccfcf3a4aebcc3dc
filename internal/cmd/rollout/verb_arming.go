package rollout

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/internal/present"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// armOptions hold a DaemonSet before somebody else brings a change.
type armOptions struct {
	holdOptions
	allowOwner []string
	acceptGap  bool
}

func newArmCommand(a *app) (*cobra.Command, error) {
	o := &armOptions{}
	cmd := &cobra.Command{
		Use:   "arm DAEMONSET",
		Short: "Hold a DaemonSet, so that a change that comes by Helm or kubectl apply replaces nothing yet",
		Long: templates.LongDesc(`
			Hold a DaemonSet before a change comes to it by other means, such as helm upgrade or kubectl apply: its update
			strategy becomes OnDelete, and an annotation keeps what it was, in one write. Then bring the change, and roll
			it out with start, or give the strategy back with disarm.

			It refuses where somebody sets updateStrategy in the same write that brings the change, since that would
			replace pods immediately: a GitOps tool, Helm, an operator, or the manifest that kubectl apply last sent.

			It is not a freeze: a node that joins, or a pod that is evicted, starts on the new template.`),
		Example: cli.Examples(`
			# Hold, bring a change, and roll it out
			kubectl ds-rollout arm -n logging vector
			helm upgrade -n logging vector vector/vector --version 0.49.0
			kubectl ds-rollout start -n logging vector

			# Only say whether it would hold
			kubectl ds-rollout arm -n logging vector --dry-run=server`),
		Args: cli.ExactArgs("a DaemonSet"), ValidArgsFunction: a.completeTarget(false),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.target = args[0]
			return o.run(cmd.Context())
		},
	}
	cmd.Flags().StringSliceVar(&o.allowOwner, "allow-owner", nil, "Go on although this owner, as the refusal names it, may set the strategy back.")
	cmd.Flags().BoolVar(&o.acceptGap, "accept-gap", false, "Go on although maxSurge is set: nodes will be without a pod for a while.")
	if err := cli.RegisterFlags(cmd, map[string]cli.CompleteFunc{"allow-owner": completeOwners}); err != nil {
		return nil, err
	}
	return cmd, o.add(a, cmd)
}

func (o *armOptions) run(ctx context.Context) error {
	at, err := o.connect()
	if err != nil {
		return err
	}
	asked := false
	for tries := 1; ; tries++ {
		ds, plan, err := o.plan(ctx, at)
		if err != nil {
			return err
		}
		if plan.Already != "" {
			return o.already(at, ds, plan, tries > 1)
		}
		if !asked {
			ok, err := o.ask(ctx, at, ds, plan)
			if err != nil || !ok {
				return err
			}
			asked = true
		}
		if o.dryRun == dryClient {
			return o.done(at, ds)
		}
		_, failed := at.writer.Do(ctx, ds, plan.Action)
		if failed == nil {
			return o.done(at, ds)
		}
		if err := o.again(ctx, at, tries, failed); err != nil {
			return err
		}
	}
}

// plan looks at the DaemonSet before the Lease: a run that armed it has made
// its Lease before.
func (o *armOptions) plan(ctx context.Context, at *connection) (*appsv1.DaemonSet, *rollout.ArmPlan, error) {
	ds, err := at.reader.WholeDaemonSet(ctx, at.Namespace, at.name)
	if err != nil {
		return nil, nil, at.explainRead(err)
	}
	held, err := at.runThere(ctx, ds)
	if err != nil {
		return nil, nil, err
	}
	plan := rollout.PlanArm(ds, rollout.ArmInput{HeldBy: held, AllowOwner: o.allowOwner, AcceptGap: o.acceptGap})
	return ds, plan, at.refusal(plan.Refused())
}

// refusal is one line for all checks that refuse.
func (c *connection) refusal(checks []rollout.Check) error {
	if len(checks) == 0 {
		return nil
	}
	var out []string
	for _, k := range checks {
		words := k.Detail
		if k.Fix != "" {
			words += "; " + k.Fix
		}
		out = append(out, words)
	}
	return cli.Exit(cli.Failed, errors.New(present.Safe(c.Namespace+"/"+c.name+" is not armed: "+strings.Join(out, ". Also: "))))
}

func (o *armOptions) ask(ctx context.Context, at *connection, ds *appsv1.DaemonSet, plan *rollout.ArmPlan) (bool, error) {
	for _, c := range plan.Checks {
		if err := fact(o.app.streams.ErrOut, "note", c.Detail); err != nil {
			return false, err
		}
	}
	return o.agreed(ctx, at, at.place()+": updateStrategy becomes OnDelete, it is "+present.Safe(strategyNow(ds))+"; nothing is replaced by itself until it is given back.")
}

// strategyNow is the update strategy in words.
func strategyNow(ds *appsv1.DaemonSet) string {
	u := &ds.Spec.UpdateStrategy
	out := string(u.Type)
	if r := u.RollingUpdate; r != nil && r.MaxUnavailable != nil && r.MaxUnavailable.String() != "0" {
		out += " with maxUnavailable " + r.MaxUnavailable.String()
	} else if r != nil && r.MaxSurge != nil {
		out += " with maxSurge " + r.MaxSurge.String()
	}
	return out
}

// already ends where there is nothing to do. After a write whose answer was
// lost it is that write that is seen.
func (o *armOptions) already(at *connection, ds *appsv1.DaemonSet, plan *rollout.ArmPlan, wrote bool) error {
	armed, err := rollout.ArmedOf(ds)
	if err == nil && armed != nil && wrote {
		return o.done(at, ds)
	}
	if err := o.say("%s: %s", at.place(), present.Safe(plan.Already)); err != nil || armed == nil {
		return err
	}
	return o.next(at)
}

func (o *armOptions) done(at *connection, ds *appsv1.DaemonSet) error {
	was := ""
	if ds.Spec.UpdateStrategy.Type != appsv1.OnDeleteDaemonSetStrategyType {
		was = ", it was " + present.Safe(strategyNow(ds))
	}
	if err := o.say("%s is armed: updateStrategy is OnDelete%s%s", at.place(), was, o.dry()); err != nil {
		return err
	}
	return o.next(at)
}

// next says what comes after.
func (o *armOptions) next(at *connection) error {
	out := o.app.streams.Out
	return errors.Join(
		fact(out, "now", "bring the change: helm upgrade, kubectl apply. Nothing is replaced; nodes that join and pods that are evicted start on the new template"),
		fact(out, "then", at.command("start")),
		fact(out, "or", at.command("disarm")),
	)
}
