package main

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// style is how a terminal shows text.
type style struct {
	bold, faint bool
	color       int // as in SGR; 0 is the terminal's own
}

// span is text of one style with no column of blanks in it: its begin stands
// where it stands on the terminal, whatever the font.
type span struct {
	column, width int
	text          string
	style         style
}

// parse reads what was written for a terminal: text, colours and line ends. All
// else is an error, since it would be missing from the picture.
func parse(s string) ([][]span, error) {
	p := ansi.NewParser()
	c := &canvas{lines: [][]span{nil}}
	var state byte
	for rest := s; rest != ""; {
		seq, width, n, next := ansi.DecodeSequence(rest, state, p)
		rest, state = rest[n:], next
		switch {
		case width > 0:
			c.put(seq, width)
		case seq == "\n":
			c.lines, c.column = append(c.lines, nil), 0
		case ansi.Cmd(p.Command()).Final() == 'm' && strings.HasPrefix(seq, "\x1b["):
			if err := c.style.take(p.Params()); err != nil {
				return nil, err
			}
		default:
			return nil, fmt.Errorf("%q is not drawn", seq)
		}
	}
	for len(c.lines) > 0 && c.lines[len(c.lines)-1] == nil {
		c.lines = c.lines[:len(c.lines)-1]
	}
	return c.lines, nil
}

// take takes in the parameters of SGR.
func (s *style) take(params ansi.Params) error {
	if len(params) == 0 {
		*s = style{}
	}
	for _, param := range params {
		switch n := param.Param(0); {
		case n == 0:
			*s = style{}
		case n == 1:
			s.bold = true
		case n == 2:
			s.faint = true
		case n == 22:
			s.bold, s.faint = false, false
		case n == 39:
			s.color = 0
		case palette[n] != "":
			s.color = n
		default:
			return fmt.Errorf("style %d is not drawn", n)
		}
	}
	return nil
}

// canvas is a screen with a cursor.
type canvas struct {
	lines  [][]span
	column int
	style  style
}

// put writes a character. One blank may be within a span; more begin a new one.
func (c *canvas) put(char string, width int) {
	line := &c.lines[len(c.lines)-1]
	at := c.column
	c.column += width
	if char == " " {
		return
	}
	if n := len(*line) - 1; n >= 0 {
		last := &(*line)[n]
		blanks := at - last.column - last.width
		if last.style == c.style && blanks <= 1 {
			last.text += strings.Repeat(" ", blanks) + char
			last.width += blanks + width
			return
		}
	}
	*line = append(*line, span{column: at, width: width, text: char, style: c.style})
}
