package present

import (
	"bytes"
	"io"
	"time"

	"golang.org/x/term"
	"k8s.io/cli-runtime/pkg/printers"
)

// Options of all screens.
type Options struct {
	// Width is that of the terminal; 0 means that there is none, and then
	// nothing is cut, wrapped or left out.
	Width     int
	Color     bool
	Wide      bool // more columns
	Full      bool // all node names, all rows
	Quiet     bool // only the context and the verdict
	GapsOnly  bool // only what is not well
	NoHeaders bool
	SortBy    SortKey
	// Now is the time that ages are counted to.
	Now time.Time
	// Took is how long the reading took; 0 for a capture.
	Took  time.Duration
	Grace time.Duration
}

// narrow is below how many columns of a terminal the short table is shown.
const narrow = 100

// whole reports whether all names and rows are shown.
func (o Options) whole() bool { return o.Full || o.Width == 0 }

// fits reports whether tables are made as narrow as the terminal. Who asks for
// more columns, or for all of everything, takes lines that the terminal wraps.
func (o Options) fits() bool { return !o.whole() && !o.Wide }

func (o Options) paint() paint { return paint{o.Color} }

// TerminalWidth is the number of columns of the terminal behind w, 0 where
// there is none. A terminal that does not tell is taken for one of 80. A writer
// may tell by itself, as tests of what a person would see do.
func TerminalWidth(w io.Writer) int {
	if t, ok := w.(interface{ Columns() int }); ok {
		return t.Columns()
	}
	if !printers.IsTerminal(w) {
		return 0
	}
	f, ok := w.(interface{ Fd() uintptr })
	if !ok {
		return 0
	}
	if n, _, err := term.GetSize(int(f.Fd())); err == nil && n > 0 {
		return n
	}
	return 80
}

// page gathers a screen, which is then written at once: a write that fails
// leaves no half of a report that looks whole without its error.
type page struct{ buf bytes.Buffer }

func (p *page) line(s string) {
	p.buf.WriteString(s)
	p.buf.WriteByte('\n')
}

func (p *page) lines(ss []string) {
	for _, s := range ss {
		p.line(s)
	}
}

func (p *page) table(g *grid, c paint) error {
	ls, err := g.lines(c)
	p.lines(ls)
	return err
}

func (p *page) writeTo(w io.Writer) error {
	_, err := w.Write(p.buf.Bytes())
	return err
}
