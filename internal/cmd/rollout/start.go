package rollout

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/internal/drive"
	"github.com/kubectl-ds/kubectl-ds/internal/gates"
	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/internal/present"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// startFlags are what a user of start typed.
type startFlags struct {
	target targetFlags
	view   viewFlags
	output streamFlags
	yes    bool
	dryRun string
}

// newStartCommand makes the command that plans, asks and drives.
func newStartCommand(a *app) (*cobra.Command, error) {
	f := &startFlags{}
	cmd := &cobra.Command{
		Use:   "start DAEMONSET [change] [policy]",
		Short: "Bring a new version to the nodes, step by step, and watch over it",
		Long: templates.LongDesc(`
			Bring a new version of a DaemonSet to its nodes, step by step: plan, ask, and drive in the foreground.

			The change is an image, a restart, a manifest, an older revision, or none, where the template has changed
			already. The update strategy is OnDelete for the run and is given back when no old pod is left.

			A node's place is given on when the new pod has been available for the soak, without a break and without a
			restart, and the gates have passed. The first failure stops the run, and nothing more is deleted.

			An interrupt lets the nodes in flight finish and leaves a run that resume goes on with; a second one ends
			at once, with a run that can be resumed all the same.`),
		Example: cli.Examples(`
			# A new image, one node first, then the rest two at a time
			kubectl ds-rollout start -n logging vector --image vector=registry.example.com/vector:0.50.0 --waves 1,100% --max-unavailable 2

			# The template has changed already, under OnDelete: go through it, zone by zone
			kubectl ds-rollout start -n kube-system cilium --order zone,age --max-unavailable 4 --soak 2m

			# In a pipeline
			kubectl ds-rollout start -n kube-system cilium --policy cni.yaml --yes -o json`),
		Args:              cli.ExactArgs("a DaemonSet"),
		ValidArgsFunction: a.completeTarget(false),
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := f.options(a, args)
			if err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	if err := f.target.add(a, cmd); err != nil {
		return nil, err
	}
	fs := cmd.Flags()
	f.view.add(fs)
	fs.BoolVarP(&f.yes, "yes", "y", false, "Do not ask.")
	if err := addDryRun(cmd, &f.dryRun, "client plans and stops, server also sends the first writes for the server to check and not to store."); err != nil {
		return nil, err
	}
	return cmd, f.output.add(cmd)
}

type startOptions struct {
	app    *app
	plan   *planOptions
	view   present.Options
	output streamFlags
	yes    bool
	dryRun string
	ahead  *watching // nil for none
}

func (f *startFlags) options(a *app, args []string) (*startOptions, error) {
	if err := checkDryRun(f.dryRun); err != nil {
		return nil, err
	}
	if err := f.output.validate(); err != nil {
		return nil, err
	}
	if f.dryRun == dryNone {
		if err := a.mayAsk(f.yes); err != nil {
			return nil, err
		}
	}
	view, err := f.view.screen(a.streams.Out)
	if err != nil {
		return nil, err
	}
	p, err := f.target.options(a, args)
	if err != nil {
		return nil, err
	}
	return &startOptions{app: a, plan: p, view: view, output: f.output, yes: f.yes, dryRun: f.dryRun}, nil
}

func (o *startOptions) run(ctx context.Context) error {
	at, err := o.app.connect(o.plan.Name, o.dryRun == dryServer)
	if err != nil {
		return err
	}
	// Watches outlast an interrupt, as the driver does.
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	if o.dryRun == dryNone {
		o.watchAhead(watching, at)
	}
	made, err := o.plan.make(ctx)
	if err != nil {
		return err
	}
	if done, err := o.report(made); done || err != nil {
		return err
	}
	if o.dryRun == dryServer {
		return o.tryWrites(ctx, at, made)
	}
	if ok, err := o.agreed(ctx, at, made); err != nil || !ok {
		return err
	}
	s, err := o.begin(ctx, at, made)
	if err != nil {
		return err
	}
	if o.output.output == "" && !o.view.Quiet {
		_, err = fmt.Fprintf(o.app.streams.Out, "Run %s started. From any terminal, with status, pause, approve or abort: %s\n", s.run.ID, at.command("status"))
		if err != nil {
			return err
		}
	}
	return s.drive(ctx)
}

// agreed asks, unless nobody wants to be asked.
func (o *startOptions) agreed(ctx context.Context, at *connection, made *planned) (bool, error) {
	if o.yes {
		return true, nil
	}
	return o.app.confirm(ctx, at, fmt.Sprintf("This will delete %d pods of %s/%s, at most %d at a time, on %s.",
		made.Plan.Updates, at.Namespace, at.name, made.Plan.AtOnce(), contextWord(at)))
}

// watchAhead lets the watches list while permissions are asked about and a
// person reads. Their error comes again where it matters.
func (o *startOptions) watchAhead(ctx context.Context, at *connection) {
	o.plan.found = func(p *planned) { o.ahead, _ = at.watch(ctx, p.DaemonSet, p.Snapshot.Source.ClusterUID) }
}

// begin stores the run in a new Lease: from now on this process drives it.
func (o *startOptions) begin(ctx context.Context, at *connection, made *planned) (*session, error) {
	who := at.who(ctx)
	run, err := o.runOf(made, who)
	if err != nil {
		return nil, err
	}
	lease, err := o.leaseOf(ctx, at, made.DaemonSet, run)
	if err != nil {
		return nil, err
	}
	sent := time.Now()
	created, err := createLease(ctx, at.writer, lease, made.Live.overLease())
	switch {
	case err != nil && kube.AnswerOf(err) == kube.Conflict:
		// Somebody started between the plan and now.
		if _, _, err := at.find(ctx); err != nil {
			return nil, err
		}
		return nil, cli.Exit(cli.Locked, fmt.Errorf("somebody else has started a run of %s/%s meanwhile; see it: %s", at.Namespace, at.name, at.command("status")))
	case err != nil:
		return nil, at.explain(err)
	}
	return &session{
		app: o.app, at: at, ds: made.DaemonSet, cluster: made.Snapshot.Source.ClusterUID, policy: made.Plan.Policy,
		lease: created, taken: sent, ahead: o.ahead, run: run, template: made.Change.template, output: o.output, view: o.view, who: who,
	}, nil
}

func (o *startOptions) runOf(made *planned, who string) (*rollout.Run, error) {
	return made.Plan.Run(rollout.Identity{
		ClusterUID: made.Snapshot.Source.ClusterUID, Namespace: made.DaemonSet.Namespace, Name: made.DaemonSet.Name, UID: made.DaemonSet.UID,
		ID: strings.ToLower(rand.Text()[:4]), Epoch: 1, By: who, Started: metav1.NewTime(o.app.clock().UTC()),
	}, gates.Sum(made.Plan.Policy))
}

func (o *startOptions) leaseOf(ctx context.Context, at *connection, ds *appsv1.DaemonSet, run *rollout.Run) (*kube.Lease, error) {
	encoded, err := rollout.EncodeRun(run)
	if err != nil {
		return nil, err
	}
	id := o.app.identity(ctx, at)
	return &kube.Lease{
		Namespace: ds.Namespace, Name: rollout.LeaseName(ds.Name), Holder: id.Holder, Host: id.Host,
		Duration: drive.LeaseDuration, Renewed: o.app.clock(), Epoch: 1, Run: encoded,
		Owner: &metav1.OwnerReference{APIVersion: "apps/v1", Kind: "DaemonSet", Name: ds.Name, UID: ds.UID},
	}, nil
}

// tryWrites sends one write of each kind, none of which the server stores.
func (o *startOptions) tryWrites(ctx context.Context, at *connection, made *planned) error {
	run, err := o.runOf(made, at.who(ctx))
	if err != nil {
		return err
	}
	lease, err := o.leaseOf(ctx, at, made.DaemonSet, run)
	if err != nil {
		return err
	}
	said := []string{"create the Lease"}
	if over := made.Live.overLease(); over != nil {
		// There is no room for another one before it is deleted for good.
		said[0] = "delete the Lease of a run that is over"
		err = at.writer.DeleteLease(ctx, over)
	} else {
		_, err = at.writer.CreateLease(ctx, lease)
	}
	if err != nil {
		return at.explain(err)
	}
	for _, a := range made.firstWrites(run) {
		if _, err := at.writer.Do(ctx, made.DaemonSet, a.action); err != nil {
			return at.explain(err)
		}
		said = append(said, a.words)
	}
	return o.dryRan("dry run on the server: it would accept to " + strings.Join(said, ", ") + "; nothing was written")
}

type tried struct {
	action rollout.Action
	words  string
}

// firstWrites are the first write of each kind that the run would send.
func (p *planned) firstWrites(run *rollout.Run) []tried {
	var out []tried
	if p.Plan.Arms || p.Change.template != nil {
		out = append(out, tried{&rollout.Arm{
			UID: p.DaemonSet.UID, ResourceVersion: p.DaemonSet.ResourceVersion, Template: p.Change.template,
			Armed: rollout.Armed{Run: run.ID, Original: run.Original},
		}, "arm the DaemonSet and change its template"})
	}
	for i := range p.Snapshot.Pods {
		pod := &p.Snapshot.Pods[i]
		if pod.Owner != nil && pod.Owner.UID == p.DaemonSet.UID && pod.Deleted == 0 {
			return append(out, tried{&rollout.DeletePod{
				Namespace: pod.Namespace, Name: pod.Name, Node: pod.EffectiveNode(), UID: pod.UID, ResourceVersion: pod.ResourceVersion,
			}, "delete a pod"})
		}
	}
	return out
}
