package present

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// level says which tables a column belongs to.
type level uint8

const (
	always level = iota // also in the short table of a narrow terminal
	normal
	wide
)

// column is one column of a table of R: how a row shows in it, and how two
// rows compare by it.
type column[R any] struct {
	name    string
	level   level
	right   bool // numbers
	leave   leave
	cell    func(*R) cell
	compare func(a, b *R) int
}

// SortKey is a column to sort by.
type SortKey struct {
	Column     string // as ColumnNames gives it; empty for the order of the screen
	Descending bool
}

// Table names a screen that has a table of rows.
type Table int

// Tables.
const (
	DaemonSetTable Table = iota
	FlatTable
	NodeTable
)

// ColumnNames lists what --sort-by takes for a table.
func ColumnNames(t Table) []string {
	switch t {
	case FlatTable:
		return columnNames(flatColumns("", Options{}))
	case NodeTable:
		return columnNames(nodeColumns("", Options{}))
	default:
		return columnNames(daemonSetColumns(Options{}))
	}
}

// ParseSort reads --sort-by: a column's name in any case, blanks as dashes,
// with - before it for descending order.
func ParseSort(s string, t Table) (SortKey, error) {
	if s == "" {
		return SortKey{}, nil
	}
	name, descending := strings.CutPrefix(s, "-")
	names := ColumnNames(t)
	if want := keyOf(name); slices.Contains(names, want) {
		return SortKey{Column: want, Descending: descending}, nil
	}
	return SortKey{}, fmt.Errorf("no column %q; columns are %s", name, strings.Join(names, ", "))
}

func keyOf(name string) string { return strings.ReplaceAll(strings.ToLower(name), " ", "-") }

func columnNames[R any](cols []column[R]) []string {
	var out []string
	for _, c := range cols {
		out = append(out, keyOf(c.name))
	}
	return out
}

// sortRows sorts by a column; rows that compare equal keep their order.
func sortRows[R any](rows []R, cols []column[R], by SortKey) {
	for _, c := range cols {
		if by.Column != keyOf(c.name) {
			continue
		}
		slices.SortStableFunc(rows, func(a, b R) int {
			if by.Descending {
				return c.compare(&b, &a)
			}
			return c.compare(&a, &b)
		})
	}
}

// gridOf lays rows out in the columns that the options ask for.
func gridOf[R any](rows []R, cols []column[R], o Options) *grid {
	g := &grid{}
	var shown []column[R]
	for _, c := range cols {
		sorted := o.SortBy.Column == keyOf(c.name) // an order that nobody sees confuses
		if c.level == wide && !o.Wide && !sorted || c.level == normal && !o.Wide && !sorted && o.Width > 0 && o.Width < narrow {
			continue
		}
		if sorted {
			c.leave = leave{}
		}
		g.leaves = append(g.leaves, c.leave)
		shown = append(shown, c)
		g.right = append(g.right, c.right)
		if !o.NoHeaders {
			g.headers = append(g.headers, c.name)
		}
	}
	for i := range rows {
		r := make([]cell, len(shown))
		for j, c := range shown {
			r[j] = c.cell(&rows[i])
		}
		g.rows = append(g.rows, r)
	}
	if o.fits() {
		g.fit(o.Width)
	}
	return g
}

// by makes a comparison of rows from a value of theirs.
func by[R any, K cmp.Ordered](key func(*R) K) func(a, b *R) int {
	return func(a, b *R) int { return cmp.Compare(key(a), key(b)) }
}
