package coverage

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
	"time"

	"k8s.io/cli-runtime/pkg/printers"

	"github.com/kubectl-ds/kubectl-ds/internal/present"
)

// progress tells on a terminal what is being read, once that takes longer than
// a moment, and takes it back when it is done.
type progress struct {
	w     io.Writer
	on    bool
	clock func() time.Time

	mu    sync.Mutex
	start time.Time
	last  time.Time
	shown bool
}

const (
	progressAfter = time.Second
	progressEvery = 100 * time.Millisecond
	eraseLine     = "\r\x1b[K"
)

func newProgress(w io.Writer, clock func() time.Time) *progress {
	return &progress{w: w, on: printers.IsTerminal(w), clock: clock, start: clock()}
}

func (p *progress) say(what string) {
	if !p.on {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock()
	if now.Sub(p.start) < progressAfter || p.shown && now.Sub(p.last) < progressEvery {
		return
	}
	p.last, p.shown = now, true
	_, _ = fmt.Fprint(p.w, eraseLine+"reading "+thousands(present.Safe(what)))
}

// done erases the line: what follows starts on a clean one.
func (p *progress) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		_, _ = fmt.Fprint(p.w, eraseLine)
	}
	p.shown, p.start = false, p.clock()
}

var counted = regexp.MustCompile(`: \d{4,}$`)

// thousands writes the count at the end as people read it.
func thousands(s string) string {
	return counted.ReplaceAllStringFunc(s, func(m string) string {
		digits := strings.TrimPrefix(m, ": ")
		var b strings.Builder
		for i, d := range digits {
			if i > 0 && (len(digits)-i)%3 == 0 {
				b.WriteByte(',')
			}
			b.WriteRune(d)
		}
		return ": " + b.String()
	})
}
