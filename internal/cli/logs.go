package cli

import (
	"flag"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"k8s.io/klog/v2"
)

// addLogFlags adds -v alone of klog's flags, as kubectl does for people: the
// rest is about log files. Without -v libraries log nothing: what they have to
// say about an error is in the error, and stderr holds one line then.
func addLogFlags(cmd *cobra.Command) {
	var fs flag.FlagSet
	klog.InitFlags(&fs)
	v := fs.Lookup("v")
	cmd.PersistentFlags().AddGoFlag(&flag.Flag{
		Name: v.Name, Value: v.Value, DefValue: v.DefValue,
		Usage: "Number for the log level verbosity; logs go to stderr.",
	})
	cmd.PersistentFlags().Lookup("v").Shorthand = "v"
	cmd.PersistentPreRun = func(cmd *cobra.Command, _ []string) {
		if cmd.Flags().Changed("v") {
			klog.ClearLogger()
		} else {
			silenceLogs()
		}
	}
}

// silenceLogs drops logs of libraries. They would also stand between the words
// that a shell completes.
func silenceLogs() {
	klog.SetLogger(logr.Discard())
}
