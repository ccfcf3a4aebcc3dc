package present

import (
	"fmt"
	"strings"
)

// clause is text in pieces of their own tones.
type clause []cell

// flow writes clauses on one line. Where that is wider than limit, each begins
// a line of its own, and is broken at blanks: a terminal would break within a
// figure. 0 means no limit.
func flow(c paint, limit int, clauses ...clause) []string {
	var whole clause
	for i, p := range clauses {
		if i > 0 {
			whole = append(whole, text(" "))
		}
		whole = append(whole, p...)
	}
	if limit <= 0 || width(whole.plain()) <= limit {
		return whole.wrap(c, 0)
	}
	var out []string
	for _, p := range clauses {
		out = append(out, p.wrap(c, limit)...)
	}
	return out
}

// and goes on with a count, if there is any.
func (p clause) and(n int, t tone, word string) clause {
	if n == 0 {
		return p
	}
	return append(p, text(", "), toned(t, fmt.Sprintf("%d %s", n, word)))
}

func (p clause) plain() string {
	var b strings.Builder
	for _, piece := range p {
		b.WriteString(piece.text)
	}
	return b.String()
}

// wrap breaks a clause before it is coloured: colours have no width.
func (p clause) wrap(c paint, limit int) []string {
	var out []string
	rest := p
	for i, line := range wrap("", p.plain(), limit) {
		if i > 0 {
			_, rest = rest.cut(len(" "))
		}
		var head clause
		head, rest = rest.cut(len(line))
		var b strings.Builder
		for _, piece := range head {
			b.WriteString(c.text(piece.tone, piece.text))
		}
		out = append(out, b.String())
	}
	return out
}

// cut parts a clause after n bytes.
func (p clause) cut(n int) (head, rest clause) {
	for i, piece := range p {
		if n < len(piece.text) {
			head = append(head, cell{piece.text[:n], piece.tone})
			return head, append(clause{{piece.text[n:], piece.tone}}, p[i+1:]...)
		}
		head, n = append(head, piece), n-len(piece.text)
	}
	return head, nil
}
