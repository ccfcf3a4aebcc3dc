package rollout

import (
	"fmt"
	"io"

	"github.com/spf13/pflag"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/internal/present"
)

// viewFlags say how screens look.
type viewFlags struct {
	color string
	full  bool
	quiet bool
}

func (f *viewFlags) add(fs *pflag.FlagSet) {
	f.addTable(fs)
	fs.BoolVarP(&f.quiet, "quiet", "q", false, "Show only the context and the last line, which is the verdict.")
}

// addTable adds those of a screen without a verdict.
func (f *viewFlags) addTable(fs *pflag.FlagSet) {
	fs.StringVar(&f.color, "color", string(present.ColorAuto), "Colour: auto, always or never. auto heeds NO_COLOR, CLICOLOR_FORCE and FORCE_COLOR.")
	fs.BoolVar(&f.full, "full", false, "Show all node names. A pipe gets them in any case, except of a plan.")
}

// options reads the flags; out is what is written to.
func (f *viewFlags) options(out io.Writer, p *cli.PrintFlags) (present.Options, error) {
	mode, err := present.ParseColorMode(f.color)
	if err != nil {
		return present.Options{}, cli.Usagef("%w%s", err, cli.DidYouMean(f.color, present.ColorModes()))
	}
	return present.Options{
		Width: present.TerminalWidth(out), Color: mode.Enabled(out, nil), Full: f.full, Quiet: f.quiet, Wide: p.Wide(), NoHeaders: p.Headless(),
	}, nil
}

// screen is options without print flags.
func (f *viewFlags) screen(out io.Writer) (present.Options, error) {
	return f.options(out, cli.NewPrintFlags(namesOf))
}

// writeNotes writes lines beside a screen.
func writeNotes(w io.Writer, notes []string) error {
	for _, n := range notes {
		if _, err := fmt.Fprintf(w, "note: %s\n", present.Safe(n)); err != nil {
			return err
		}
	}
	return nil
}
