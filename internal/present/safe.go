package present

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Safe makes a string that came from a cluster fit for one line of a
// terminal: what could move the cursor, change colours, ring, break the line
// or reverse the reading order becomes a visible escape. Printable text of any
// script stays as it is.
func Safe(s string) string {
	if harmless(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case !hostile(r):
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
		i += size
	}
	return b.String()
}

// harmless is the fast path: almost every string is printable ASCII.
func harmless(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= 0x7f {
			return false
		}
	}
	return true
}

// hostile reports whether a character acts instead of showing: controls (C0,
// DEL, C1), line and paragraph separators, and the format characters, which
// hold the bidirectional overrides, isolates and marks, the zero-width ones
// and the byte order mark.
func hostile(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Cs) ||
		invisible(r)
}

// invisible are letters and marks that show nothing, and let two different
// names look the same.
func invisible(r rune) bool {
	switch r {
	case 0x034f, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x180b, 0x180c, 0x180d, 0x180f, 0x3164, 0xffa0:
		return true
	}
	return unicode.Is(unicode.Variation_Selector, r)
}
