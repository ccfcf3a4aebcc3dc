package gates

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// maxReason bounds the words of an answer: they are stored with the run.
const maxReason = 512

// maxNames is how many pods, events and samples an answer names.
const maxNames = 3

func pass(format string, args ...any) Answer {
	return Answer{rollout.GatePass, fmt.Sprintf(format, args...)}
}

func hold(format string, args ...any) Answer {
	return Answer{rollout.GateHold, fmt.Sprintf(format, args...)}
}

func fail(format string, args ...any) Answer {
	return Answer{rollout.GateFail, fmt.Sprintf(format, args...)}
}

// cannot is the answer of a gate that could not look.
func cannot(format string, args ...any) Answer {
	return Answer{rollout.GateError, fmt.Sprintf(format, args...)}
}

// unread is the answer where something could not be read. Where ctx ended, Ask
// has better words than the error.
func unread(ctx context.Context, err error) Answer {
	if ctx.Err() != nil {
		return cannot("")
	}
	// A URL may carry a token.
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return cannot("cannot look: %v", err)
}

func noNode() Answer { return cannot("there is no node to look at") }

// tidy makes the reason one short line.
func (a Answer) tidy() Answer {
	a.Reason = short(clean(a.Reason), maxReason)
	return a
}

// clean makes controls and format characters blanks, and runs of blanks one.
func clean(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return r == utf8.RuneError || unicode.IsControl(r) || unicode.IsSpace(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)
	}), " ")
}

// short cuts between characters.
func short(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	s = s[:limit-len("...")]
	for len(s) > 0 {
		if r, size := utf8.DecodeLastRuneInString(s); r != utf8.RuneError || size != 1 {
			break
		}
		s = s[:len(s)-1]
	}
	return s + "..."
}

// some names the first of many.
func some(names []string) string {
	if len(names) <= maxNames {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s +%d", strings.Join(names[:maxNames], ", "), len(names)-maxNames)
}

func count(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
