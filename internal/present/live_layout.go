package present

import (
	"strings"
	"time"

	"github.com/clipperhouse/displaywidth"
)

// cut shortens text to a number of columns.
func cut(s string, limit int) string {
	if width(s) <= limit {
		return s
	}
	if limit < 1 {
		return ""
	}
	return displaywidth.TruncateString(s, limit, "…")
}

// pad fills text up with blanks.
func pad(s string, to int) string { return s + strings.Repeat(" ", max(to-width(s), 0)) }

func shortClock(t time.Time) string { return t.UTC().Format("15:04:05Z") }

// canvas gathers lines none of which is wider than the terminal: one that
// wraps would break the redraw.
type canvas struct {
	width int
	paint paint
	lines []string
}

// line adds pieces of text side by side, cut where the terminal ends. Text is
// escaped already.
func (c *canvas) line(cells ...cell) {
	var b strings.Builder
	room := c.width
	for _, x := range cells {
		t := cut(x.text, room)
		room -= width(t)
		b.WriteString(c.paint.text(x.tone, t))
		if t != x.text {
			break
		}
	}
	c.lines = append(c.lines, strings.TrimRight(b.String(), " "))
}

// labelled adds a label and text, which takes as many lines as it needs, up to
// two.
func (c *canvas) labelled(t tone, label, s string) {
	const room = 9
	lines := wrap(pad(label, room), s, c.width)
	if len(lines) > 2 {
		rest := strings.Join(strings.Fields(strings.Join(lines[1:], " ")), " ")
		lines = append(lines[:1], strings.Repeat(" ", room)+rest)
	}
	for i, l := range lines {
		if i == 0 {
			c.line(toned(t, label), text(l[len(label):]))
			continue
		}
		c.line(text(l))
	}
}

func (c *canvas) blank() {
	if n := len(c.lines); n > 0 && c.lines[n-1] != "" {
		c.lines = append(c.lines, "")
	}
}

// table adds rows in columns, three blanks apart. Where they are too wide, the
// column flex gives way; floor is the least width of that column where there
// is room, so that what is right of it does not jump about.
func (c *canvas) table(rows [][]cell, flex, floor int) {
	if len(rows) == 0 {
		return
	}
	widths := make([]int, len(rows[0]))
	sum := len(gap) * (len(widths) - 1)
	for i := range widths {
		for _, r := range rows {
			widths[i] = max(widths[i], width(r[i].text))
		}
		sum += widths[i]
	}
	if grow := floor - widths[flex]; grow > 0 && sum+grow <= c.width {
		widths[flex] += grow
	} else if sum > c.width {
		widths[flex] = max(widths[flex]-(sum-c.width), 6)
	}
	for _, r := range rows {
		cells := make([]cell, 0, 2*len(r))
		for i, x := range r {
			t := cut(x.text, widths[i])
			cells = append(cells, toned(x.tone, t))
			if i < len(r)-1 {
				cells = append(cells, text(strings.Repeat(" ", widths[i]-width(t))+gap))
			}
		}
		c.line(cells...)
	}
}
