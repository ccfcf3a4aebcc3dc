package kube

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxWords is how much of a server's message is kept: enough for the longest
// RBAC refusal, too little for a page of HTML.
const maxWords = 400

// clean makes a string of the server fit for one line of an error: controls
// and format characters (escape codes, line breaks, bidirectional overrides)
// become blanks, runs of blanks one, and the end is cut.
func clean(s string, limit int) string {
	// Bounded before the work: the server decides how long s is.
	cut := len(s) > limit*utf8.UTFMax
	if cut {
		s = s[:limit*utf8.UTFMax]
	}
	var b strings.Builder
	n, blank := 0, false
	for _, r := range s {
		if r == utf8.RuneError || unicode.IsControl(r) || unicode.IsSpace(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
			blank = n > 0
			continue
		}
		if n >= limit {
			cut = true
			break
		}
		if blank {
			b.WriteByte(' ')
			n++
			blank = false
		}
		b.WriteRune(r)
		n++
	}
	if cut {
		b.WriteString("...")
	}
	return b.String()
}
