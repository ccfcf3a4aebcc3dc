package present

import (
	"strings"

	"github.com/clipperhouse/displaywidth"
)

// width is how many columns of a terminal a string takes.
func width(s string) int { return displaywidth.String(s) }

// wrap breaks text at blanks so that no line is wider than limit, with the
// first line after head and the others under it. 0 means no limit. A word
// that is wider than a line stays whole: a cut name cannot be copied.
func wrap(head, s string, limit int) []string { return fill(head, strings.Split(s, " "), limit) }

// wrapCommand wraps like wrap, and keeps each command to paste on one line: a
// command in two lines would run as two.
func wrapCommand(head, s string, limit int) []string { return fill(head, commandWords(s), limit) }

func fill(head string, words []string, limit int) []string {
	hang := strings.Repeat(" ", width(head))
	var out []string
	line, used := head, width(head)
	for i, word := range words {
		n := width(word)
		switch {
		case i == 0:
			line, used = line+word, used+n
		case limit <= 0 || used+1+n <= limit:
			line, used = line+" "+word, used+1+n
		default:
			out = append(out, line)
			line, used = hang+word, len(hang)+n
		}
	}
	return append(out, line)
}

// commandWords splits at blanks, but takes a command of kubectl as one word:
// up to the end, or to where the sentence goes on.
func commandWords(s string) []string {
	var out []string
	inside := false
	for _, w := range strings.Split(s, " ") {
		switch {
		case inside:
			out[len(out)-1] += " " + w
		default:
			out = append(out, w)
			inside = w == "kubectl"
		}
		if inside && strings.HasSuffix(w, ";") && strings.Count(out[len(out)-1], "'")%2 == 0 {
			inside = false
		}
	}
	return out
}
