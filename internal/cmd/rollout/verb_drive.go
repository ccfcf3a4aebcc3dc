package rollout

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/internal/drive"
	"github.com/kubectl-ds/kubectl-ds/internal/gates"
	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/internal/present"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// goOnOptions take a run that exists and drive it.
type goOnOptions struct {
	app         *app
	target      string
	verb        rollout.Verb // resume, takeover, abort, undo
	yes         bool
	changeGates bool
	times       retimeFlags
	policy      policyFlags
	given       *rollout.Policy // by its flags, once they were read
	output      streamFlags
	view        viewFlags
}

// run asks, takes the Lease of the run that was shown, and drives. Where a
// living driver holds it, abort and undo are left to that one.
func (o *goOnOptions) run(ctx context.Context) error {
	if err := o.output.validate(); err != nil {
		return err
	}
	if err := o.app.mayAsk(o.yes); err != nil {
		return err
	}
	at, err := o.app.connect(o.target, false)
	if err != nil {
		return err
	}
	id := o.app.identity(ctx, at)
	lease, run, err := at.find(ctx)
	if err != nil {
		return err
	}
	taker := drive.Taker{Locker: at.writer, Identity: id, Override: o.verb == rollout.VerbTakeover, Tell: o.tell}
	if (o.verb == rollout.VerbAbort || o.verb == rollout.VerbUndo) && taker.Alive(lease) {
		return o.leaveTo(ctx, at, drive.DriverOf(lease.Holder), run)
	}
	if err := o.allowed(run); err != nil {
		return err
	}
	s, err := o.session(ctx, at, run)
	if err != nil {
		return err
	}
	if err := o.wayBack(s, run); err != nil {
		return err
	}
	if !o.yes {
		ok, err := o.confirm(ctx, s, lease, run, taker.Alive(lease))
		if err != nil || !ok {
			return err
		}
	}
	taker.Before = func(now *rollout.Run) error { return o.takes(s, run, now) }
	if s.lease, s.run, err = taker.Take(ctx, at.Namespace, at.name); err != nil {
		return at.runError(err)
	}
	return s.drive(ctx)
}

// wayBack refuses an undo that the run could not begin with, before anything is
// taken or asked.
func (o *goOnOptions) wayBack(s *session, run *rollout.Run) error {
	if o.verb != rollout.VerbUndo {
		return nil
	}
	if why := refusedChoice(rollout.Choices(run, s.seen, o.app.clock()), o.verb); why != "" {
		return cli.Exit(cli.Failed, errors.New(present.Safe("cannot undo: "+why+". Nothing was changed")))
	}
	return nil
}

// takes is asked about the run that is there when the Lease is about to be
// taken, and changes of it what flags ask for.
func (o *goOnOptions) takes(s *session, shown, now *rollout.Run) error {
	moving := shown.Phase != rollout.Paused && shown.Phase != rollout.Stopped
	if o.verb == rollout.VerbTakeover && moving {
		// A living driver goes on while somebody reads. Where the run rests by
		// now, it is not resumed: nobody has seen why.
		seen := *shown
		seen.Phase = now.Phase
		shown = &seen
	}
	if err := s.at.stillShown(shown, now); err != nil {
		return err
	}
	return o.prepare(s, now)
}

// prepare makes the policy that a run is driven with, from what is stored in
// it and from flags.
func (o *goOnOptions) prepare(s *session, run *rollout.Run) (err error) {
	if err = o.retime(s.at, run); err != nil {
		return err
	}
	s.policy, err = o.gates(run)
	return err
}

// session is all that goes on with a run but its Lease.
func (o *goOnOptions) session(ctx context.Context, at *connection, run *rollout.Run) (*session, error) {
	s := &session{app: o.app, at: at, resumed: true, output: o.output, asks: o.asks(run), who: at.who(ctx)}
	var err error
	if s.view, err = o.view.screen(o.app.streams.Out); err != nil {
		return nil, err
	}
	if err = o.prepare(s, run.DeepCopy()); err != nil {
		return nil, err
	}
	if err = o.noteGates(run, s.policy); err != nil {
		return nil, err
	}
	// Gates that cannot be asked are found before the Lease is taken.
	if _, err := gates.New(s.policy, at.reader, gates.Options{Env: o.app.environ()}); err != nil {
		return nil, cli.Usagef("%w", err)
	}
	return s, s.look(ctx, run)
}

func (o *goOnOptions) tell(d drive.Driver, wait time.Duration) {
	_, _ = fmt.Fprintf(o.app.streams.ErrOut, "%s on %s has not been heard of for a while; making sure for %s\n", d.Who, d.Host, wait)
}

func (o *goOnOptions) allowed(run *rollout.Run) error {
	verb := o.verb
	if verb == rollout.VerbResume || verb == rollout.VerbTakeover {
		return nil // a run that is not resting is gone on with
	}
	if !rollout.Allowed(run.Phase, verb) {
		return cli.Usagef("%w", &drive.NotNowError{Verb: verb, Phase: run.Phase})
	}
	return nil
}

// asks is the intent that the new driver begins with.
func (o *goOnOptions) asks(run *rollout.Run) []rollout.Intent {
	switch {
	case o.verb == rollout.VerbAbort || o.verb == rollout.VerbUndo:
		return []rollout.Intent{{Verb: o.verb}}
	case rollout.Allowed(run.Phase, rollout.VerbResume):
		return []rollout.Intent{{Verb: rollout.VerbResume}}
	}
	return nil
}

func (o *goOnOptions) confirm(ctx context.Context, s *session, lease *kube.Lease, run *rollout.Run, alive bool) (bool, error) {
	if err := o.printResume(s, lease, run, alive); err != nil {
		return false, err
	}
	return o.app.confirm(ctx, s.at, o.question(run, s.numberOf(run.From)))
}

// question is what abort and undo do; from is the number of the revision that
// the run came from.
func (o *goOnOptions) question(run *rollout.Run, from int64) string {
	switch o.verb {
	case rollout.VerbAbort:
		return "The run ends; the template is kept, and pods that were replaced stay on it."
	case rollout.VerbUndo:
		return fmt.Sprintf("The template goes back to revision %d, and with it the nodes that were touched: %d.", from, len(run.Touched))
	default:
		return ""
	}
}

// numberOf is the number of a revision now: it is raised where the template
// goes back to it.
func (s *session) numberOf(r rollout.Revision) int64 {
	for _, row := range rollout.HistoryOf(s.seen, nil, s.app.clock()) {
		if row.Hash == r.Hash && row.Revision != 0 {
			return row.Revision
		}
	}
	return r.Number
}

type goOnSpec struct {
	verb    rollout.Verb
	short   string
	long    string
	example string
}

var goOnSpecs = []goOnSpec{
	{
		verb: rollout.VerbResume, short: "Go on with a run that nobody drives",
		long:    "Go on with a run that was paused, stopped or left, from any host. It refuses where somebody drives it. What gates run is never stored: give the same gates again.\n\nA run that was paused by --until goes on with a new --until, or with --until none; one whose --timeout is over has as long again, or what a new --timeout says.",
		example: "# Go on where it stopped\nkubectl ds-rollout resume -n kube-system cilium",
	},
	{
		verb: rollout.VerbTakeover, short: "Take a run from the driver that holds it",
		long:    "Take a run from the driver that holds it, alive or not, and go on with it. The other one stops before it does anything more.",
		example: "# Drive from here now\nkubectl ds-rollout takeover -n kube-system cilium",
	},
	{
		verb: rollout.VerbAbort, short: "End a run, keep the template, clean up",
		long:    "End a run: what is in flight lands, cordons and the lock are taken back, and the update strategy is given back where no old pod is left. The template is kept. It also cleans up after a driver that died.",
		example: "# End a run\nkubectl ds-rollout abort -n kube-system cilium",
	},
}

// newGoOnCommands make resume, takeover and abort.
func newGoOnCommands() []func(*app) (*cobra.Command, error) {
	var out []func(*app) (*cobra.Command, error)
	for _, s := range goOnSpecs {
		out = append(out, func(a *app) (*cobra.Command, error) { return s.command(a) })
	}
	return out
}

func (s *goOnSpec) command(a *app) (*cobra.Command, error) {
	return s.commandOf(&goOnOptions{app: a, verb: s.verb})
}

func (s *goOnSpec) commandOf(o *goOnOptions) (*cobra.Command, error) {
	a := o.app
	cmd := &cobra.Command{
		Use: string(s.verb) + " DAEMONSET", Short: s.short, Long: s.long, Example: cli.Examples(s.example),
		Args: cli.ExactArgs("a DaemonSet"), ValidArgsFunction: a.completeTarget(false),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.target = args[0]
			return o.run(cmd.Context())
		},
	}
	cmd.Flags().BoolVarP(&o.yes, "yes", "y", false, "Do not ask.")
	if s.verb != rollout.VerbAbort {
		o.times.add(cmd.Flags())
		cmd.Flags().BoolVar(&o.changeGates, changeGates, false, "Go on with the gates that are given, although they are not those of the start.")
		o.policy.addGates(a, cmd)
	}
	o.view.add(cmd.Flags())
	return cmd, o.output.add(cmd)
}
