package coverage

import (
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/internal/present"
)

// viewFlags say how tables and paragraphs look.
type viewFlags struct {
	color    string
	full     bool
	quiet    bool
	gapsOnly bool
	sortBy   string
}

func (f *viewFlags) add(fs *pflag.FlagSet) {
	f.addColor(fs)
	fs.BoolVar(&f.full, "full", false, "Show all node names and all rows. A pipe gets them in any case.")
	fs.BoolVarP(&f.quiet, "quiet", "q", false, "Show only the context and the last line, which is the verdict.")
	fs.BoolVar(&f.gapsOnly, "gaps-only", false, "Show only what is not well.")
	fs.StringVar(&f.sortBy, "sort-by", "", "Sort by a column of the table, as in gaps, or -gaps for descending order. The default is the worst first.")
}

func (f *viewFlags) addColor(fs *pflag.FlagSet) {
	fs.StringVar(&f.color, "color", string(present.ColorAuto), "Colour: auto, always or never. auto heeds NO_COLOR, CLICOLOR_FORCE and FORCE_COLOR.")
}

// options reads the flags; out is what is written to.
func (f *viewFlags) options(out io.Writer, p *cli.PrintFlags, t present.Table) (present.Options, error) {
	mode, err := present.ParseColorMode(f.color)
	if err != nil {
		return present.Options{}, cli.Usagef("%w%s", err, cli.DidYouMean(f.color, present.ColorModes()))
	}
	o := present.Options{
		Width: present.TerminalWidth(out), Color: mode.Enabled(out, nil),
		Wide: p.Wide(), NoHeaders: p.Headless(),
		Full: f.full, Quiet: f.quiet, GapsOnly: f.gapsOnly,
	}
	if o.SortBy, err = present.ParseSort(f.sortBy, t); err != nil {
		return o, cli.Usagef("--sort-by takes a column, with - before it for descending order, not %q%s; columns are %s",
			f.sortBy, cli.DidYouMean(strings.TrimPrefix(f.sortBy, "-"), present.ColumnNames(t)), joinComma(present.ColumnNames(t)))
	}
	return o, nil
}

// completeView completes what viewFlags take.
func completeView(cmd *cobra.Command, t present.Table) error {
	fs := map[string]cli.CompleteFunc{"color": cli.Words(present.ColorModes()...)}
	if cmd.Flags().Lookup("sort-by") != nil {
		words := present.ColumnNames(t)
		for _, name := range present.ColumnNames(t) {
			words = append(words, "-"+name)
		}
		fs["sort-by"] = cli.Words(words...)
	}
	return cli.RegisterFlags(cmd, fs)
}
