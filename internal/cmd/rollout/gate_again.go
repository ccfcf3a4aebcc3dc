package rollout

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kubectl-ds/kubectl-ds/internal/gates"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// changeGates is the flag that takes other gates than those of the start.
const changeGates = "change-gates"

// ofGates reports whether a flag is about gates, or may be.
func ofGates(name string) bool {
	return name == "policy" || name == "gate" || strings.HasPrefix(name, "gate-") || name == "prometheus-url"
}

// givesGates reports whether gates were asked for, and not only come by
// default.
func (f *policyFlags) givesGates() bool {
	given := false
	f.fs.Visit(func(flag *pflag.Flag) { given = given || ofGates(flag.Name) })
	return given
}

// addGates adds the flags that gates are given by again, where a run is gone
// on with: what gates run is never stored.
func (f *policyFlags) addGates(a *app, cmd *cobra.Command) {
	f.fs, f.now = cmd.Flags(), a.clock
	f.fs.StringVar(&f.file, "policy", "", "The policy file of the start, for its gates; or - for standard input. All else is as stored in the run.")
	f.gates.add(f.fs)
}

// gatesAgain are the flags that give the gates of this process again, to
// paste after resume; empty where resume asks the same ones without.
func (s *session) gatesAgain() string {
	fs := s.output.cmd.Flags()
	if !fs.Changed(changeGates) && (s.run.GatesSHA256 == "" || s.run.GatesSHA256 == s.app.defaultGates()) {
		return ""
	}
	var out []string
	fs.Visit(func(flag *pflag.Flag) {
		if ofGates(flag.Name) || flag.Name == changeGates {
			out = append(out, typedWords(flag)...)
		}
	})
	return quoteAll(out)
}

// defaultGates are the sum of those that come without a flag.
func (a *app) defaultGates() string {
	var f policyFlags
	f.addGates(a, &cobra.Command{})
	p, err := f.policy(nil)
	if err != nil {
		return ""
	}
	return gates.Sum(p)
}

// resumeCommand goes on with the run as this process would, to paste.
func (s *session) resumeCommand() string { return s.at.command("resume", s.gatesAgain()) }

// withBuiltin leaves of gates those that are stored whole: what others run is
// not.
func withBuiltin(list []rollout.Gate) (kept []rollout.Gate, dropped []string) {
	for _, g := range list {
		if g.Builtin == "" {
			dropped = append(dropped, g.Name)
			continue
		}
		kept = append(kept, g)
	}
	return kept, dropped
}

// missedGates are the names of the gates that a bare resume lacks: whoever
// reads that it goes on with one has to know.
func missedGates(run *rollout.Run) []string {
	var usual rollout.Policy // what resume has without a flag
	for _, w := range builtinGates {
		usual.Gates = append(usual.Gates, rollout.Gate{Name: w, When: rollout.AfterNode, Probe: rollout.Probe{Builtin: rollout.BuiltinGate(w)}})
	}
	if run.Undo != nil || run.GatesSHA256 == "" || run.GatesSHA256 == gates.Sum(&usual) {
		return nil
	}
	kept, missed := withBuiltin(run.Policy.Gates)
	if len(missed) == 0 { // of the built-in ones others
		for _, g := range kept {
			missed = append(missed, g.Name)
		}
	}
	return missed
}
