package cli

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

// Progress tells on a terminal what is being read, once that takes longer than
// a moment, and takes it back when it is done.
type Progress struct {
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

// NewProgress makes one that writes to w, if that is a terminal.
func NewProgress(w io.Writer, clock func() time.Time) *Progress {
	return &Progress{w: w, on: printers.IsTerminal(w), clock: clock, start: clock()}
}

// Say tells what is being read.
func (p *Progress) Say(what string) {
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

// Done erases the line: what follows starts on a clean one.
func (p *Progress) Done() {
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
