package rollout

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// givesGates reports whether gates were asked for, and not only come by
// default.
func (f *policyFlags) givesGates() bool {
	given := false
	f.fs.Visit(func(flag *pflag.Flag) {
		given = given || flag.Name == "policy" || flag.Name == "gate" || strings.HasPrefix(flag.Name, "gate-")
	})
	return given
}

// addGates adds the flags that gates are given by again, where a run is gone
// on with: what gates run is never stored.
func (f *policyFlags) addGates(a *app, cmd *cobra.Command) {
	f.fs, f.now = cmd.Flags(), a.clock
	f.fs.StringVar(&f.file, "policy", "", "The policy file of the start, for its gates; or - for standard input. All else is as stored in the run.")
	f.gates.add(f.fs)
}
