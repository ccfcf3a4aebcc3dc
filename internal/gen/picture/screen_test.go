package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParsePutsTextWhereATerminalPutsIt(t *testing.T) {
	red, bold := style{bold: true, color: 31}, style{bold: true}
	for _, c := range []struct {
		name, text string
		want       [][]span
	}{
		{"columns begin anew", "a b  c\n\n", [][]span{{{0, 3, "a b", style{}}, {5, 1, "c", style{}}}}},
		{"an empty line", "a\n\nb", [][]span{{{0, 1, "a", style{}}}, nil, {{0, 1, "b", style{}}}}},
		{"a style and its end", "a \x1b[1;31mbad\x1b[0m.", [][]span{{{0, 1, "a", style{}}, {2, 3, "bad", red}, {5, 1, ".", style{}}}}},
		{"one attribute after the other", "\x1b[1mA\x1b[31mB\x1b[39mC\x1b[22mD\x1b[2mE\x1b[mF", [][]span{{
			{0, 1, "A", bold}, {1, 1, "B", red}, {2, 1, "C", bold}, {3, 1, "D", style{}}, {4, 1, "E", style{faint: true}}, {5, 1, "F", style{}}}}},
		{"wide characters", "世界 x", [][]span{{{0, 6, "世界 x", style{}}}}},
		{"a style goes on at the next line", "\x1b[1ma\nb", [][]span{{{0, 1, "a", bold}}, {{0, 1, "b", bold}}}},
	} {
		got, err := parse(c.text)
		if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(span{}, style{})); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", c.name, err, diff)
		}
	}
}

func TestParseRefusesWhatItDoesNotDraw(t *testing.T) {
	for _, text := range []string{"\x1b[2Ja", "a\tb", "a\rb", "\x1b[4munder", "\x1b[38;5;9mx", "\x1b]0;title\x07", "\x1b[?25l"} {
		if lines, err := parse(text); err == nil {
			t.Errorf("%q is drawn as %v", text, lines)
		}
	}
}

func TestTextIsEscapedAndFits(t *testing.T) {
	got, err := svg("a <b>", `"says" & means`, [][]span{{{column: 2, width: 5, text: "<&>\"'"}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<title id=\"title\">a &lt;b&gt;</title>", "&#34;says&#34; &amp; means", `x="32" y="59" textLength="40">&lt;&amp;&gt;&#34;&#39;</text>`} {
		if !strings.Contains(string(got), want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	if _, err := svg("t", "s", [][]span{{{column: columns - 1, width: 2, text: "ab"}}}); err == nil {
		t.Error("text beyond the window is drawn")
	}
}

// TestColoursCanBeRead asks for the contrast of WCAG 2 for text, AA.
func TestColoursCanBeRead(t *testing.T) {
	colors := map[string]string{"foreground": foreground, "faint": faint}
	for n, c := range palette {
		colors[fmt.Sprint(n)] = c
	}
	for _, on := range []string{background, bar} {
		for name, c := range colors {
			if r := (luminance(t, c) + 0.05) / (luminance(t, on) + 0.05); r < 4.5 {
				t.Errorf("%s on %s has a contrast of %.1f", name, on, r)
			}
		}
	}
}

func luminance(t *testing.T, color string) float64 {
	t.Helper()
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(color[1+2*i:3+2*i], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}
