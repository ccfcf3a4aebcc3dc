package rollout

import (
	"slices"
	"time"

	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// without among the words of --until and --window takes what is stored away.
const without = "none"

// retimeFlags change when nodes of a run may be started from now on.
type retimeFlags struct {
	fs      *pflag.FlagSet
	until   string
	windows []string
	timeout time.Duration
}

func (f *retimeFlags) add(fs *pflag.FlagSet) {
	f.fs = fs
	fs.StringVar(&f.until, "until", "", "From now on no node is started after this time, written as for start; none takes the limit away. Where the time of the run is past, it goes on with a new one or with none.")
	fs.StringArrayVar(&f.windows, "window", nil, "From now on nodes are started in this weekly window only, written as for start; may be repeated; none takes the windows away.")
	fs.DurationVar(&f.timeout, "timeout", 0, "How long the run may take from now on, in place of what the start has said. 0 means for ever.")
}

// retimed is the policy of a run with what the flags change; the same one
// where they change nothing.
func (f *retimeFlags) retimed(p *rollout.Policy, now time.Time) (*rollout.Policy, error) {
	if f.fs == nil || !f.fs.Changed("until") && !f.fs.Changed("window") && !f.fs.Changed("timeout") {
		return p, nil
	}
	if f.timeout < 0 {
		return nil, cli.Usagef("--timeout takes a time as in 2h, not %s", f.timeout)
	}
	out := p.DeepCopy()
	if f.fs.Changed("until") {
		out.Until = nil
		if f.until != without {
			t, err := parseUntil(f.until, now)
			if err != nil {
				return nil, err
			}
			out.Until = &metav1.Time{Time: t}
		}
	}
	if f.fs.Changed("window") {
		out.Windows = nil
		if slices.Contains(f.windows, without) {
			if len(f.windows) > 1 {
				return nil, cli.Usagef("--window none goes with no other window")
			}
		} else {
			out.Windows = slices.Clone(f.windows)
		}
	}
	if f.fs.Changed("timeout") {
		if out.Timeout = nil; f.timeout > 0 {
			out.Timeout = &metav1.Duration{Duration: f.timeout}
		}
	}
	return out, checkZones(out)
}

// retime gives a run the times that are asked for. A run whose --until is past
// would rest again at once, unless it only has to land or to clean up.
func (o *goOnOptions) retime(at *connection, run *rollout.Run) error {
	p, err := o.times.retimed(run.Policy, o.app.clock())
	if err != nil {
		return err
	}
	run.Policy = p
	goesOn := o.verb == rollout.VerbResume || o.verb == rollout.VerbTakeover
	if goesOn && len(run.InFlight) == 0 && rollout.RestsByUntil(run, o.app.clock()) {
		return cli.Usagef("no node is started: the --until of run %s, %s, is past; go on without it: %s; or with a later time in place of none",
			run.ID, clockOf(p.Until.Time), at.command(string(o.verb), rollout.UntilNone...))
	}
	return nil
}

func clockOf(t time.Time) string { return t.UTC().Format("2006-01-02 15:04Z") }
