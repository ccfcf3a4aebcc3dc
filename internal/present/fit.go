package present

import (
	"slices"

	"github.com/clipperhouse/displaywidth"
)

// leave says how a column makes room on a terminal that is too narrow.
type leave struct {
	// order is when the column goes: those of 1 first. 0 stays: a row must
	// still say what it is about.
	order int
	// onlyIfSame lets it go only where all rows have the same in it.
	onlyIfSame bool
	// cut shortens its text, as long as enough is left to be worth reading,
	// before any column goes. Where that is not enough it is cut in the end.
	cut bool
}

// readable is to how many columns a text is cut and still worth reading.
const readable = 24

// fit makes the table no wider than a terminal, if what stays allows: names are
// never cut, since a cut name cannot be copied.
func (g *grid) fit(limit int) {
	if len(g.rows) == 0 {
		return
	}
	for {
		widths := g.widths()
		over := g.width(widths) - limit
		if over <= 0 {
			return
		}
		long := slices.IndexFunc(g.leaves, func(l leave) bool { return l.cut })
		if long >= 0 && widths[long]-over >= g.least(long) {
			g.cut(long, widths[long]-over)
			return
		}
		if i := g.next(); i >= 0 {
			g.remove(i)
			continue
		}
		if long >= 0 {
			g.cut(long, g.least(long))
		}
		return
	}
}

// least is to how many columns the text of one may be cut: below its heading
// nothing is won.
func (g *grid) least(column int) int {
	if g.headers == nil {
		return readable
	}
	return max(readable, width(g.headers[column]))
}

// width is how many columns of a terminal the table takes.
func (g *grid) width(widths []int) int {
	out := (len(widths)-1)*len(gap) + len(g.indent)
	for _, w := range widths {
		out += w
	}
	return out
}

func (g *grid) widths() []int {
	out := make([]int, g.columns())
	for i, h := range g.headers {
		out[i] = width(h)
	}
	for _, r := range g.rows {
		for i, c := range r {
			out[i] = max(out[i], width(c.text))
		}
	}
	return out
}

// next is the column that goes next, -1 for none.
func (g *grid) next() int {
	best := -1
	for i, l := range g.leaves {
		if l.order == 0 || l.onlyIfSame && !g.same(i) {
			continue
		}
		if best < 0 || l.order < g.leaves[best].order {
			best = i
		}
	}
	return best
}

func (g *grid) same(column int) bool {
	for _, r := range g.rows {
		if r[column].text != g.rows[0][column].text {
			return false
		}
	}
	return true
}

func (g *grid) cut(column, limit int) {
	for _, r := range g.rows {
		if c := &r[column]; width(c.text) > limit {
			c.text = displaywidth.TruncateString(c.text, limit, "...")
		}
	}
}

func (g *grid) remove(column int) {
	g.leaves = slices.Delete(g.leaves, column, column+1)
	g.right = slices.Delete(g.right, column, column+1)
	if g.headers != nil {
		g.headers = slices.Delete(g.headers, column, column+1)
	}
	for i := range g.rows {
		g.rows[i] = slices.Delete(g.rows[i], column, column+1)
	}
}
