package rollout

import (
	"strings"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/internal/gates"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// gates puts what gates run, which is never stored, back into the policy that
// is. They have to be the same as at the start; only the way back needs none.
func (o *goOnOptions) gates(run *rollout.Run) (*rollout.Policy, error) {
	out := run.Policy.DeepCopy()
	if o.verb == rollout.VerbAbort {
		out.Gates = nil // whoever leaves asks no gate any more
		return out, nil
	}
	if o.given == nil {
		var err error
		if o.given, err = o.policy.policy(o.app.streams.In); err != nil {
			return nil, err
		}
	}
	back := o.verb == rollout.VerbUndo || run.Undo != nil
	switch {
	case gates.Sum(o.given) == run.GatesSHA256:
	case run.GatesSHA256 == "" && !o.policy.givesGates():
		out.Gates = nil // it was started without any
		return out, nil
	case back && !o.policy.givesGates():
		out.Gates, _ = withBuiltin(out.Gates)
		return out, nil
	case !back && !o.changeGates:
		return nil, cli.Usagef("the run was started with other gates, and what gates run is not stored: give the same --gate flags or --policy again, or --change-gates to go on with those that are given")
	}
	out.Gates = o.given.WithDefaults(rollout.Context{}).Gates
	return out, nil
}

// noteGates says which gates of the run are not asked on the way back.
func (o *goOnOptions) noteGates(run *rollout.Run, p *rollout.Policy) error {
	_, custom := withBuiltin(run.Policy.Gates)
	if o.verb == rollout.VerbAbort || len(custom) == 0 || len(p.Gates) == 0 && o.policy.givesGates() {
		return nil
	}
	if _, asked := withBuiltin(p.Gates); len(asked) > 0 {
		return nil
	}
	return writeNotes(o.app.streams.ErrOut, []string{
		"the way back is driven with the built-in gates of the run alone, not with " + strings.Join(custom, ", ") + ": what they run is not stored; to ask them too, give the same gate flags or --policy again",
	})
}
