package rollout

import (
	"context"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/printers"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/internal/present"
)

type planFlags struct {
	target targetFlags
	view   viewFlags
	print  *cli.PrintFlags
}

// planCommand is what running plan needs.
type planCommand struct {
	*planOptions
	View    present.Options
	Printer printers.ResourcePrinter
}

func newPlanCommand(a *app) (*cobra.Command, error) { return makePlanCommand(a, nil) }

// makePlanCommand makes plan; runF, if not nil, takes the place of running.
func makePlanCommand(a *app, runF func(context.Context, *planCommand) error) (*cobra.Command, error) {
	f := &planFlags{print: cli.NewPrintFlags(namesOf, "table", "wide")}
	cmd := &cobra.Command{
		Use:   "plan DAEMONSET [change] [policy]",
		Short: "Show what a rollout would do, node by node; nothing is written",
		Long: templates.LongDesc(`
			Show what a rollout would do: its checks, its waves and the order of the nodes, how many may be down at a
			time, what is down already, who owns the fields that it would change, and how long it would take. Nothing
			is written.

			The change is one of --image, --restart, --filename and --to-revision; without one, the template that is
			there is brought to the nodes that do not run it yet. The policy is made of flags, of a file, or both.

			The exit code is 1 when start would refuse, and 3 when that cannot be told.`),
		Example: cli.Examples(`
			# The template has changed already: what would bringing it to all nodes look like
			kubectl ds-rollout plan -n kube-system cilium

			# A new image, canaries first, then zone by zone, at most 4 nodes at a time
			kubectl ds-rollout plan -n kube-system cilium --image cilium-agent=quay.io/cilium/cilium:v1.19.2 \
			  --waves 3,5%,25%,100% --order zone,age --max-unavailable 4 --soak 2m --pause-after canary

			# A verdict for every node
			kubectl ds-rollout plan -n kube-system cilium --restart -o wide

			# From a capture, with a policy from a file
			kubectl ds-rollout plan -n logging vector --from capture.json --policy agents.yaml`),
		Args:              cli.ExactArgs("DAEMONSET"),
		ValidArgsFunction: cli.Position(a.names.Names("daemonset")),
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := f.options(a, args)
			if err != nil {
				return err
			}
			if runF != nil {
				return runF(cmd.Context(), o)
			}
			return o.run(cmd.Context())
		},
	}
	if err := f.target.add(a, cmd); err != nil {
		return nil, err
	}
	f.target.addFrom(cmd)
	f.view.add(cmd.Flags())
	f.print.Add(cmd)
	return cmd, cli.RegisterFlags(cmd, map[string]cli.CompleteFunc{
		"output": cli.Words(f.print.Formats()...), "color": cli.Words(present.ColorModes()...),
	})
}

func (f *planFlags) options(a *app, args []string) (*planCommand, error) {
	o := &planCommand{}
	var err error
	if o.Printer, err = f.print.Printer(); err != nil {
		return nil, err
	}
	if o.View, err = f.view.options(a.streams.Out, f.print); err != nil {
		return nil, err
	}
	o.planOptions, err = f.target.options(a, args)
	return o, err
}

func (o *planCommand) run(ctx context.Context) error {
	p, err := o.make(ctx)
	if err != nil {
		return err
	}
	if o.Printer != nil {
		err = o.Printer.PrintObj(p.object(), o.app.streams.Out)
	} else {
		err = o.show(p)
	}
	if err == nil && p.Plan.Refused() {
		return cli.Exit(cli.Failed, nil)
	}
	return err
}

// show prints the screen; notes are beside it.
func (o *planCommand) show(p *planned) error {
	v := o.View
	v.Now = p.Now
	if err := writePlan(o.app.streams.Out, p.view(o.app.kube.CommandFlags()), v); err != nil {
		return err
	}
	return writeNotes(o.app.streams.ErrOut, p.Change.notes)
}
