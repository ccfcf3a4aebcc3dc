package present

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestWhatIsTooWideIsBrokenBetweenItsClausesFirst(t *testing.T) {
	counts, figures := clause{toned(bad, "32 gaps"), text(", "), toned(warn, "1 outdated"), text(".")}, clause{text("Coverage 98.6% (2257/2289).")}
	for limit, want := range map[int][]string{
		0:  {"32 gaps, 1 outdated. Coverage 98.6% (2257/2289)."},
		48: {"32 gaps, 1 outdated. Coverage 98.6% (2257/2289)."},
		47: {"32 gaps, 1 outdated.", "Coverage 98.6% (2257/2289)."},
		20: {"32 gaps, 1 outdated.", "Coverage 98.6%", "(2257/2289)."},
		10: {"32 gaps, 1", "outdated.", "Coverage", "98.6%", "(2257/2289)."},
	} {
		if got := flow(paint{}, limit, counts, figures); !slices.Equal(got, want) {
			t.Errorf("%d columns: %q, want %q", limit, got, want)
		}
	}
	on := paint{on: true}
	want := []string{on.text(bad, "32 gaps") + ", " + on.text(warn, "1"), on.text(warn, "outdated") + "."}
	if got := flow(on, 10, counts); !slices.Equal(got, want) {
		t.Errorf("in colour: %q, want %q", got, want)
	}
}

// Whatever is broken, no word is lost, none is cut, and no line is wider than
// the terminal but by a word.
func TestBrokenClausesKeepTheirWords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.StringMatching(`[a-zä]{0,6}( [a-z漢]{1,6}){0,4}`)
		var clauses []clause
		var all []string
		for range rapid.IntRange(1, 3).Draw(t, "clauses") {
			var p clause
			for range rapid.IntRange(1, 4).Draw(t, "pieces") {
				p = append(p, toned(rapid.SampledFrom([]tone{strong, bad, plain}).Draw(t, "tone"), words.Draw(t, "text")))
			}
			clauses, all = append(clauses, p), append(all, p.plain())
		}
		limit := rapid.IntRange(0, 30).Draw(t, "limit")
		lines := flow(paint{}, limit, clauses...)
		if got, want := strings.Join(lines, " "), strings.Join(all, " "); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
		for _, l := range lines {
			if limit > 0 && width(l) > limit && strings.Contains(strings.TrimSpace(l), " ") {
				t.Fatalf("%q is wider than %d", l, limit)
			}
		}
	})
}
