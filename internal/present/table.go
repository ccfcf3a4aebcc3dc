package present

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// cell is one field of a table: escaped text and what it means.
type cell struct {
	text string
	tone tone
}

func text(s string) cell          { return cell{text: s} }
func number(n int) cell           { return cell{text: fmt.Sprint(n)} }
func toned(t tone, s string) cell { return cell{s, t} }

// grid is a table before it is laid out.
type grid struct {
	headers []string // nil for none
	right   []bool   // columns of numbers, by index
	leaves  []leave  // how columns make room, by index
	rows    [][]cell
	indent  string
}

const gap = "   " // between columns, as kubectl does

// bigTable is where tablewriter, at about 45 microseconds a row and column
// set, begins to be felt. Nobody looks at colours there either.
const bigTable = 5000

// lines lays the table out: columns three blanks apart, nothing drawn, no
// trailing blanks.
func (g *grid) lines(p paint) ([]string, error) {
	if len(g.rows) == 0 && g.headers == nil {
		return nil, nil
	}
	var out []string
	var err error
	if len(g.rows) > bigTable {
		out, p = g.layoutBig(), paint{}
	} else if out, err = g.layout(); err != nil {
		return nil, err
	}
	heads := 0
	if g.headers != nil {
		heads = 1
	}
	if want := heads + len(g.rows); len(out) != want {
		return nil, fmt.Errorf("table has %d lines, want %d: a cell holds a line break", len(out), want)
	}
	for i, line := range out {
		line = strings.TrimRight(line, " ")
		if p.on {
			line = g.colour(p, line, i-heads)
		}
		if line != "" {
			line = g.indent + line
		}
		out[i] = line
	}
	return out, nil
}

// colour paints the cells of a line that is laid out already: widths never
// depend on escape sequences then. Between two cells there are only blanks,
// so that each is found where the one before it ends.
func (g *grid) colour(p paint, line string, row int) string {
	var cells []cell
	if row < 0 {
		for _, h := range g.headers {
			cells = append(cells, toned(strong, h))
		}
	} else {
		cells = g.rows[row]
	}
	var b strings.Builder
	at := 0
	for _, c := range cells {
		if c.text == "" {
			continue
		}
		i := strings.Index(line[at:], c.text)
		if i < 0 {
			continue
		}
		b.WriteString(line[at : at+i])
		b.WriteString(p.text(c.tone, c.text))
		at += i + len(c.text)
	}
	b.WriteString(line[at:])
	return b.String()
}

func (g *grid) layout() ([]string, error) {
	align := make([]tw.Align, g.columns())
	for i := range align {
		align[i] = tw.AlignLeft
		if i < len(g.right) && g.right[i] {
			align[i] = tw.AlignRight
		}
	}
	var buf bytes.Buffer
	t := tablewriter.NewTable(&buf,
		tablewriter.WithRenderer(renderer.NewBlueprint(tw.Rendition{
			Borders:  tw.BorderNone,
			Settings: tw.Settings{Separators: tw.SeparatorsNone, Lines: tw.LinesNone},
		})),
		tablewriter.WithHeaderAlignmentConfig(tw.CellAlignment{Global: tw.AlignLeft, PerColumn: align}),
		tablewriter.WithRowAlignmentConfig(tw.CellAlignment{Global: tw.AlignLeft, PerColumn: align}),
		tablewriter.WithHeaderAutoFormat(tw.Off),
		tablewriter.WithHeaderAutoWrap(tw.WrapNone),
		tablewriter.WithRowAutoWrap(tw.WrapNone),
		tablewriter.WithTrimSpace(tw.Off),
		tablewriter.WithEastAsian(tw.Off), // else widths depend on the reader's locale
		tablewriter.WithPadding(tw.Padding{Right: gap, Overwrite: true}),
	)
	if g.headers != nil {
		t.Header(g.headers)
	}
	for i, r := range g.rows {
		if len(r) != len(align) {
			return nil, fmt.Errorf("row %d has %d cells, want %d", i, len(r), len(align))
		}
		row := make([]string, len(r))
		for j, c := range r {
			row[j] = c.text
		}
		if err := t.Append(row); err != nil {
			return nil, err
		}
	}
	if err := t.Render(); err != nil {
		return nil, err
	}
	return splitLines(buf.String()), nil
}

// layoutBig gives the same lines with the standard library's writer, which is
// some thirty times faster and counts every character as one column: fine for
// the names of Kubernetes.
func (g *grid) layoutBig() []string {
	widths := make([]int, g.columns())
	for i, h := range g.headers {
		widths[i] = len(h)
	}
	for _, r := range g.rows {
		for i, c := range r {
			widths[i] = max(widths[i], len(c.text))
		}
	}
	var buf bytes.Buffer
	w := tabwriter.NewWriter(&buf, 0, 0, len(gap), ' ', 0)
	line := func(n int, at func(int) string) {
		for i := range n {
			if i > 0 {
				_, _ = io.WriteString(w, "\t")
			}
			s := at(i)
			if i < len(g.right) && g.right[i] {
				s = strings.Repeat(" ", widths[i]-len(s)) + s
			}
			_, _ = io.WriteString(w, s)
		}
		_, _ = io.WriteString(w, "\n")
	}
	if g.headers != nil {
		line(len(g.headers), func(i int) string { return g.headers[i] })
	}
	for _, r := range g.rows {
		line(len(r), func(i int) string { return r[i].text })
	}
	_ = w.Flush() // a bytes.Buffer never fails
	return splitLines(buf.String())
}

func (g *grid) columns() int {
	if g.headers != nil {
		return len(g.headers)
	}
	return len(g.rows[0])
}

func splitLines(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(s, "\n"), "\n")
}
