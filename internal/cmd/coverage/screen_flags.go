package coverage

import (
	"context"
	"io"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/printers"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/internal/present"
)

// screenFlags are what every command has that reads and shows: what to read,
// how it looks, in which format.
type screenFlags struct {
	source sourceFlags
	view   viewFlags
	print  *cli.PrintFlags
}

func newScreenFlags(a *app, formats ...string) screenFlags {
	return screenFlags{source: sourceFlags{kube: a.kube}, print: cli.NewPrintFlags(namesOf, formats...)}
}

// asked is what the flags mean.
type asked struct {
	Source  source
	View    present.Options
	Printer printers.ResourcePrinter // nil for a screen
}

// options reads the flags; names are those of DaemonSets, out is written to. It
// asks no cluster.
func (f *screenFlags) options(names []string, out io.Writer, t present.Table) (asked, error) {
	var s asked
	var err error
	if s.Printer, err = f.print.Printer(); err != nil {
		return s, err
	}
	if s.Source, err = f.source.options(names); err != nil {
		return s, err
	}
	if s.View, err = f.view.options(out, f.print, t); err != nil {
		return s, err
	}
	s.View.Grace = s.Source.Grace
	return s, nil
}

// runE makes of reading options and running them what cobra calls; runF, if not
// nil, takes the place of running.
func runE[O interface{ run(context.Context) error }](options func(args []string) (O, error), runF func(context.Context, O) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		o, err := options(args)
		if err != nil {
			return err
		}
		if runF != nil {
			return runF(cmd.Context(), o)
		}
		return o.run(cmd.Context())
	}
}
