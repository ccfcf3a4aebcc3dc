package rollout

import (
	"errors"
	"strings"
)

// splitWords makes words of a command as a shell would: at blanks, with
// quotes and backslashes. Nothing is expanded, and no shell ever sees it.
func splitWords(s string) ([]string, error) {
	var w wordSplitter
	for _, r := range s {
		w.take(r)
	}
	if w.quote != 0 || w.escaped {
		return nil, errors.New("a quote or backslash is not closed")
	}
	w.end()
	if len(w.out) == 0 {
		return nil, errors.New("it is empty")
	}
	return w.out, nil
}

type wordSplitter struct {
	out     []string
	word    strings.Builder
	open    bool // a word has begun, be it an empty one in quotes
	quote   rune // 0 for none
	escaped bool
}

func (w *wordSplitter) take(r rune) {
	switch {
	case w.escaped:
		w.word.WriteRune(r)
		w.escaped = false
	case r == '\\' && w.quote != '\'':
		w.open, w.escaped = true, true
	case w.quote == 0 && strings.ContainsRune(" \t\n", r):
		w.end()
	case w.quote == 0 && strings.ContainsRune(`'"`, r):
		w.open, w.quote = true, r
	case r == w.quote:
		w.quote = 0
	default:
		w.open = true
		w.word.WriteRune(r)
	}
}

func (w *wordSplitter) end() {
	if w.open {
		w.out = append(w.out, w.word.String())
	}
	w.open = false
	w.word.Reset()
}
