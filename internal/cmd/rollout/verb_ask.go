package rollout

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/internal/drive"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// askOptions write what a person asks of a run. Whoever drives it acts on it.
type askOptions struct {
	app    *app
	target string
	verb   rollout.Verb
	node   string
	wave   int
	of     string // the run that somebody said yes to; empty for the one that is there
}

// run stores the intent, and says who will act on it.
func (o *askOptions) run(ctx context.Context) error {
	at, err := o.app.connect(o.target, false)
	if err != nil {
		return err
	}
	id := o.app.identity(ctx, at)
	_, run, err := at.find(ctx)
	if err != nil {
		return err
	}
	if err := o.check(run); err != nil {
		return err
	}
	in := rollout.Intent{
		ID: strings.ToLower(rand.Text()[:12]), Run: cmp.Or(o.of, run.ID), Verb: o.verb, Node: o.node, Wave: o.wave,
		By: at.who(ctx), At: metav1.NewTime(o.app.clock()),
	}
	lease, run, err := drive.Intend(ctx, at.writer, at.Namespace, at.name, in)
	if err != nil {
		return at.runError(err)
	}
	taker := drive.Taker{Locker: at.writer, Identity: id}
	if taker.Alive(lease) {
		_, err = fmt.Fprintf(o.app.streams.Out, "Run %s of %s/%s: %s is asked for; %s drives it. Watch it: %s\n",
			run.ID, at.Namespace, at.name, o.words(), drive.DriverOf(lease.Holder).Who, at.command("status -w"))
		return err
	}
	_, err = fmt.Fprintf(o.app.streams.Out, "Run %s of %s/%s: %s is stored. Nobody drives the run; to go on: %s\n",
		run.ID, at.Namespace, at.name, o.words(), at.command("resume"))
	return err
}

func (o *askOptions) words() string {
	out := string(o.verb)
	if o.wave > 0 {
		out += fmt.Sprintf(" of wave %d", o.wave)
	}
	if o.node != "" {
		out += " of node " + o.node
	}
	return out
}

// check fills in the wave, and refuses a node that the run does not know.
func (o *askOptions) check(run *rollout.Run) error {
	if c := run.AwaitsApproval(); c != nil && o.verb == rollout.VerbApprove && o.wave == 0 {
		o.wave = c.Wave
		if o.node == "" {
			o.node = c.Node
		}
	}
	if o.verb == rollout.VerbApprove && o.wave > len(run.Waves) {
		return cli.Usagef("the run has %d waves, not %d", len(run.Waves), o.wave)
	}
	if o.node == "" {
		return nil
	}
	var names []string
	for _, m := range run.Members {
		if m.Node == o.node {
			return nil
		}
		names = append(names, m.Node)
	}
	return cli.Usagef("node %q is not one of the run's%s", o.node, cli.DidYouMean(o.node, names))
}

// askSpec is what differs between these commands.
type askSpec struct {
	verb         rollout.Verb
	short, long  string
	example      string
	needsNode    bool
	takesNumbers bool
}

var askSpecs = []askSpec{
	{
		verb: rollout.VerbPause, short: "Let the nodes in flight finish, and start no more",
		long:    "Let the nodes in flight finish, and start no more. It is not a freeze: a node that joins, or a pod that is evicted, starts on the new revision all the same.",
		example: "# Pause a run, from any terminal\nkubectl ds-rollout pause -n kube-system cilium",
	},
	{
		verb: rollout.VerbApprove, short: "Let a run go past its canary, or past a wave", takesNumbers: true,
		long:    "Let a run go past the wave that it waits at. An approval is bound to the run, its target revision and the wave, and is refused while the run waits for none: nobody can let pass what nobody has seen.",
		example: "# Approve the canary\nkubectl ds-rollout approve -n kube-system cilium",
	},
	{
		verb: rollout.VerbRetry, short: "Give a node that failed another time", needsNode: true,
		long:    "Give a node that failed another time on the same revision: its pod is proven again, not deleted. Restarts and events from before that do not count, and what gates saw well before the first try has to be well.",
		example: "# Try a node again\nkubectl ds-rollout retry -n kube-system cilium node-7",
	},
	{
		verb: rollout.VerbSkip, short: "Set a node aside for this run", needsNode: true,
		long:    "Set a node aside for this run: nothing more is done to it, and it is named at the end. Where it has no available pod then, the run ends with exit code 1. An undo takes it back all the same.",
		example: "# Leave a node as it is and go on\nkubectl ds-rollout skip -n kube-system cilium node-7",
	},
}

// newAskCommands make pause, approve, retry and skip.
func newAskCommands() []func(*app) (*cobra.Command, error) {
	var out []func(*app) (*cobra.Command, error)
	for _, s := range askSpecs {
		out = append(out, func(a *app) (*cobra.Command, error) { return s.command(a), nil })
	}
	return out
}

func (s *askSpec) command(a *app) *cobra.Command {
	o := &askOptions{app: a, verb: s.verb}
	use, args := string(s.verb)+" DAEMONSET", cli.ExactArgs("a DaemonSet")
	if s.needsNode {
		use, args = use+" NODE", cli.ExactArgs("a DaemonSet", "a node")
	}
	cmd := &cobra.Command{
		Use: use, Short: s.short, Long: s.long, Example: cli.Examples(s.example), Args: args,
		ValidArgsFunction: a.completeTarget(s.needsNode),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.target = args[0]
			if s.needsNode {
				o.node = args[1]
			}
			return o.run(cmd.Context())
		},
	}
	if s.takesNumbers {
		cmd.Flags().IntVar(&o.wave, "wave", 0, "The wave to approve, which must be the one that the run waits at; 0 is that one.")
		cmd.Flags().StringVar(&o.node, "node", "", "The node to approve, where the policy pauses after every node.")
	}
	return cmd
}
