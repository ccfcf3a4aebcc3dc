package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// Near returns the candidates that a mistyped word may have meant, the nearest
// first, at most three.
func Near(word string, candidates []string) []string {
	type match struct {
		name string
		far  int
	}
	word = strings.ToLower(word)
	var found []match
	for _, c := range candidates {
		name := strings.ToLower(c)
		if i := strings.LastIndexByte(name, '/'); i >= 0 && !strings.Contains(word, "/") {
			name = name[i+1:] // namespace/name is near if its name is
		}
		far := levenshtein.ComputeDistance(word, name)
		switch {
		case far <= max(1, len(word)/3):
		case swapped(word, name):
			far = 1
		case len(word) >= 3 && (strings.HasPrefix(name, word) || strings.Contains(name, word)):
			far = len(word)/3 + 1 // a part of the name, after all misspellings
		default:
			continue
		}
		found = append(found, match{c, far})
	}
	slices.SortStableFunc(found, func(a, b match) int {
		return cmp.Or(cmp.Compare(a.far, b.far), strings.Compare(a.name, b.name))
	})
	var out []string
	for _, m := range found {
		if !slices.Contains(out, m.name) && len(out) < 3 {
			out = append(out, m.name)
		}
	}
	return out
}

// swapped reports whether two neighbours changed places, as in undo and udno:
// the slip of quick hands, which counts as two changes otherwise.
func swapped(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) - 1 {
		if a[i] != b[i] {
			return a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
		}
	}
	return false
}

// DidYouMean is a clause to append to an error, empty where nothing is near.
func DidYouMean(word string, candidates []string) string {
	near := Near(word, candidates)
	switch len(near) {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf(" (did you mean %q?)", near[0])
	}
	for i, n := range near {
		near[i] = fmt.Sprintf("%q", n)
	}
	return " (did you mean " + strings.Join(near[:len(near)-1], ", ") + " or " + near[len(near)-1] + "?)"
}
