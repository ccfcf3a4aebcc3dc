package rollout

import (
	"context"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/internal/drive"
	"github.com/kubectl-ds/kubectl-ds/internal/present"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// statusFlags are what a user of status typed.
type statusFlags struct {
	watch   bool
	timeout time.Duration
	from    string
	view    viewFlags
	print   *cli.PrintFlags
}

// newStatusCommand makes status.
func newStatusCommand(a *app) (*cobra.Command, error) {
	f := &statusFlags{print: cli.NewPrintFlags(namesOf, "table")}
	cmd := &cobra.Command{
		Use:   "status DAEMONSET [-w]",
		Short: "Show where an update stands, who holds its places, and what would free them",
		Long: templates.LongDesc(`
			Show where an update stands: a run of this plugin, or what the controller does by itself, RollingUpdate and
			OnDelete alike. For a native update it names the nodes that hold a place of maxUnavailable, why, and what
			each remedy would free.

			With --watch it ends when the update is done; 1 where a run has ended and not every node is up to date, or
			where it was called off or turned round by itself; 4 or 1 where a run rests with nobody to drive it; 6 out
			of time.`),
		Example: cli.Examples(`
			# Why does it not go on
			kubectl ds-rollout status -n logging vector

			# Wait until it is done, for ten minutes at most
			kubectl ds-rollout status -n logging vector -w --timeout 10m`),
		Args: cli.ExactArgs("a DaemonSet"), ValidArgsFunction: a.completeTarget(false),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd.Context(), a, args[0]) },
	}
	fs := cmd.Flags()
	fs.BoolVarP(&f.watch, "watch", "w", false, "Go on until the update is done, and print what happens.")
	fs.DurationVar(&f.timeout, "timeout", 0, "How long to watch; 0 is for ever.")
	fs.StringVar(&f.from, "from", "", "Read a capture instead of a cluster.")
	f.view.add(fs)
	f.print.Add(cmd)
	return cmd, cli.RegisterFlags(cmd, map[string]cli.CompleteFunc{"output": cli.Words(f.print.Formats()...)})
}

func (f *statusFlags) run(ctx context.Context, a *app, target string) error {
	if f.watch && f.from != "" {
		return cli.Usagef("--watch waits for what happens, and in a capture nothing does")
	}
	if out := f.print.Output(); f.watch && out != "" && out != "json" {
		return cli.Usagef("--watch prints lines, or with -o json one object a line; not -o %s", out)
	}
	printer, err := f.print.Printer()
	if err != nil {
		return err
	}
	view, err := f.view.options(a.streams.Out, f.print)
	if err != nil {
		return err
	}
	r, err := a.read(ctx, target, f.from)
	if err != nil {
		return err
	}
	view.Now = r.now
	switch {
	case f.watch:
		return a.watchStatus(ctx, r, f.timeout, printer != nil, view)
	case printer != nil:
		return printer.PrintObj(r.statusObject(a), a.streams.Out)
	case r.run != nil:
		return r.writeStatus(a, view)
	}
	return present.WriteNative(a.streams.Out, &present.NativeView{
		Context: r.context(), Native: rollout.NativeOf(r.view, a.kube.CommandFlags(), r.now), Driver: r.captured(),
	}, view)
}

// captured is who drove the run that armed the DaemonSet when a capture was
// taken, which holds the Lease and not what is stored in it. A cluster was
// asked itself, and there is no run.
func (r *reading) captured() (d present.NativeDriver) {
	armed, err := rollout.ArmedOf(r.view.DaemonSet)
	if r.at != nil || err == nil && (armed == nil || armed.Run == rollout.ArmedByHand) {
		return d
	}
	l, known := r.snap.RolloutLease(r.view.DaemonSet.Namespace, r.view.DaemonSet.Name)
	if d.Unknown = !known; l.Holder != "" && snapshot.TimeOf(&metav1.Time{Time: r.snap.Source.TakenAt})-l.Renewed <= snapshot.Time(max(l.Duration, drive.LeaseDuration)/time.Second) {
		by := drive.DriverOf(l.Holder)
		d.Name = by.Who + " on " + by.Host
	}
	return d
}

func (r *reading) status() *rollout.Status {
	o := rollout.Outside(r.run.Policy, r.run, r.view, r.now)
	o.Zones = zonesKnown(r.run.Policy)
	return rollout.StatusOf(r.run.Policy, r.run, r.view, o, r.now)
}

func (r *reading) writeStatus(a *app, o present.Options) error {
	return present.WriteStatus(a.streams.Out, &present.StatusView{
		Context: r.context(), Status: r.status(), Counts: rollout.CountRevisions(r.view, r.now), Lock: r.lock(),
		Started: r.run.Started.Time, CommandFlags: a.kube.CommandFlags(), MissedGates: missedGates(r.run),
	}, o)
}

// lock says who drives, as far as its Lease tells.
func (r *reading) lock() present.Lock {
	l := present.Lock{Renewed: r.lease.Renewed, Free: r.lease.Holder == ""}
	if l.Free {
		return l
	}
	d := drive.DriverOf(r.lease.Holder)
	l.Holder = d.Who + " on " + d.Host
	l.FreeIn = max(0, r.lease.Duration-r.now.Sub(r.lease.Renewed))
	l.Free, l.Dead = l.FreeIn == 0, drive.DeadHere(r.lease)
	return l
}

// statusObject is what status -o json prints: a run, or a native update.
type statusObject struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Driver            string          `json:"driver,omitempty"`
	Run               *rollout.Status `json:"run,omitempty"`
	Native            *rollout.Native `json:"native,omitempty"`
}

func (s *statusObject) about() metav1.ObjectMeta { return s.ObjectMeta }

// DeepCopyObject implements runtime.Object.
func (s *statusObject) DeepCopyObject() runtime.Object { return copyObject(s, &statusObject{}) }

func (r *reading) statusObject(a *app) *statusObject {
	out := &statusObject{
		TypeMeta: metav1.TypeMeta{APIVersion: snapshot.APIVersion, Kind: "RolloutStatus"}, ObjectMeta: r.meta(),
	}
	if r.run == nil {
		out.Native, out.Driver = rollout.NativeOf(r.view, a.kube.CommandFlags(), r.now), r.captured().Name
		return out
	}
	out.Run = r.status()
	if l := r.lock(); !l.Free && !l.Dead {
		out.Driver = l.Holder
	}
	return out
}
