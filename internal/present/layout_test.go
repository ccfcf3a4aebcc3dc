package present

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestPercentIsCutNeverRoundedUp(t *testing.T) {
	for _, c := range []struct {
		part, whole int64
		want        string
	}{
		{2257, 2289, "98.6%"}, {2257, 2446, "92.2%"}, {190, 191, "99.4%"}, {36, 191, "18.8%"},
		{99999, 100000, "99.9%"}, {5000, 5000, "100%"}, {1, 3, "33.3%"}, {985, 1000, "98.5%"}, {1, 2, "50.0%"},
		{0, 7, "0%"}, {1, 100000, "0.0%"}, {0, 0, "-"},
	} {
		if got := percent(c.part, c.whole); got != c.want {
			t.Errorf("percent(%d, %d) = %s, want %s", c.part, c.whole, got, c.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		whole := rapid.Int64Range(1, 1e6).Draw(t, "whole")
		part := rapid.Int64Range(0, whole).Draw(t, "part")
		if got := percent(part, whole); (got == "100%") != (part == whole) {
			t.Fatalf("percent(%d, %d) = %s", part, whole, got)
		}
	})
}

func TestDomainsThatAllShare(t *testing.T) {
	for _, c := range []struct {
		names []string
		want  string
	}{
		{[]string{"ip-10-0-1-7.eu.compute.internal", "ip-10-0-1-8.eu.compute.internal"}, ".eu.compute.internal"},
		{[]string{"a.eu.internal", "b.us.internal"}, ".internal"},
		{[]string{"10.0.0.1", "10.0.1.1"}, ""},
		{[]string{"a.1.internal", "b.1.internal"}, ".internal"},
		{[]string{"a", "b"}, ""},
		{[]string{"a.internal", "b"}, ""},
		{[]string{"only.internal"}, ""},
		{[]string{"a.b.internal", ".b.internal"}, ".internal"},
	} {
		if got := commonDomain(c.names); got != c.want {
			t.Errorf("commonDomain(%v) = %q, want %q", c.names, got, c.want)
		}
	}
}

func TestWrappedLinesLoseNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.StringMatching(`[a-z0-9./=-]{1,30}|kubectl|x;`), 1, 40).Draw(t, "words")
		limit := rapid.IntRange(0, 120).Draw(t, "limit")
		head := "    note    "
		for name, f := range map[string]func(string, string, int) []string{"wrap": wrap, "wrapCommand": wrapCommand} {
			lines := f(head, strings.Join(words, " "), limit)
			if !strings.HasPrefix(lines[0], head) {
				t.Fatalf("%s: first line %q", name, lines[0])
			}
			var got []string
			for i, line := range lines {
				rest := line[len(head):]
				if i > 0 && strings.TrimSpace(line[:len(head)]) != "" {
					t.Fatalf("%s: line %d does not hang: %q", name, i, line)
				}
				got = append(got, strings.Split(rest, " ")...)
				if limit > 0 && len(line) > limit && strings.Contains(rest, " ") && name == "wrap" {
					t.Fatalf("%s: %q is wider than %d", name, line, limit)
				}
			}
			if diff := cmp.Diff(words, got); diff != "" {
				t.Fatalf("%s: %s", name, diff)
			}
		}
	})
}

func TestBothLayoutsAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cols := rapid.IntRange(1, 6).Draw(t, "columns")
		g := &grid{right: make([]bool, cols)}
		for i := range cols {
			g.headers = append(g.headers, rapid.StringMatching(`[A-Z][A-Z -]{0,8}[A-Z]`).Draw(t, "header"))
			g.right[i] = rapid.Bool().Draw(t, "right")
		}
		if rapid.Bool().Draw(t, "no headers") {
			g.headers = nil
		}
		for range rapid.IntRange(1, 12).Draw(t, "rows") {
			row := make([]cell, cols)
			for i := range row {
				row[i] = text(rapid.StringMatching(`|-|[ -~]{1,24}[!-~]`).Draw(t, "cell"))
			}
			g.rows = append(g.rows, row)
		}
		small, err := g.layout()
		if err != nil {
			t.Fatal(err)
		}
		big := g.layoutBig()
		for _, ls := range [][]string{small, big} {
			for i := range ls {
				ls[i] = strings.TrimRight(ls[i], " ")
			}
		}
		if diff := cmp.Diff(small, big); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestColourFlagAndEnvironment(t *testing.T) {
	for _, c := range []struct {
		name string
		mode ColorMode
		env  string
		want bool
	}{
		{"not a terminal", ColorAuto, "", false},
		{"the flag wins over NO_COLOR", ColorAlways, "NO_COLOR=1", true},
		{"the flag wins over CLICOLOR_FORCE", ColorNever, "CLICOLOR_FORCE=1", false},
		{"forced", ColorAuto, "CLICOLOR_FORCE=1", true},
		{"forced by the other name", ColorAuto, "FORCE_COLOR=true", true},
		{"not forced by 0", ColorAuto, "FORCE_COLOR=0", false},
		{"NO_COLOR wins over force", ColorAuto, "NO_COLOR= FORCE_COLOR=1", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			env := map[string]string{}
			for _, kv := range strings.Fields(c.env) {
				k, v, _ := strings.Cut(kv, "=")
				env[k] = v
			}
			got := c.mode.Enabled(io.Discard, func(k string) (string, bool) { v, ok := env[k]; return v, ok })
			if got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestSortColumns(t *testing.T) {
	for _, table := range []Table{DaemonSetTable, FlatTable, NodeTable} {
		for _, name := range ColumnNames(table) {
			for _, s := range []string{name, "-" + name, strings.ToUpper(name)} {
				key, err := ParseSort(s, table)
				if err != nil || key.Column != name || key.Descending != strings.HasPrefix(s, "-") {
					t.Errorf("ParseSort(%q) = %+v, %v", s, key, err)
				}
			}
		}
		if _, err := ParseSort("nope", table); err == nil || !strings.Contains(err.Error(), ColumnNames(table)[0]) {
			t.Errorf("an unknown column must list the known ones, got %v", err)
		}
	}
}

func BenchmarkTables(b *testing.B) {
	for _, n := range []int{100, bigTable, bigTable + 1, 100000} {
		g := &grid{headers: strings.Fields("NAMESPACE DAEMONSET NODE STATE REASON POD REVISION SINCE MESSAGE"), right: make([]bool, 9)}
		for i := range n {
			row := make([]cell, 9)
			for j := range row {
				row[j] = text(fmt.Sprintf("some-cell-%d", i*j))
			}
			g.rows = append(g.rows, row)
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				if _, err := g.lines(paint{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
