package rollout

import "github.com/spf13/cobra"

// addGates adds the flags that gates are given by again, where a run is gone
// on with: what gates run is never stored.
func (f *policyFlags) addGates(a *app, cmd *cobra.Command) {
	f.fs, f.now = cmd.Flags(), a.clock
	f.fs.StringVar(&f.file, "policy", "", "The policy file of the start, for its gates; or - for standard input. All else is as stored in the run.")
	f.gates.add(f.fs)
}
