package rollout

import (
	"errors"
	"runtime"
	"strings"
)

// commandWords makes words of a command as they are typed on this system.
func commandWords(s string) ([]string, error) {
	return splitWords(s, runtime.GOOS == "windows")
}

// splitWords makes words of a command as a shell would: at blanks, with
// quotes and backslashes. Nothing is expanded, and no shell ever sees it. On
// Windows a backslash parts the folders of a path, and quotes alone hold words
// together.
func splitWords(s string, windows bool) ([]string, error) {
	w := wordSplitter{literal: windows}
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
	literal bool // a backslash stands for itself
}

func (w *wordSplitter) take(r rune) {
	switch {
	case w.escaped:
		w.word.WriteRune(r)
		w.escaped = false
	case r == '\\' && w.quote != '\'' && !w.literal:
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
