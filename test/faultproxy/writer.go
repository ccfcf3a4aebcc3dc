package faultproxy

import (
	"context"
	"net/http"
	"time"
)

// deaf takes an answer and throws it away.
type deaf struct{ header http.Header }

func (d *deaf) Header() http.Header         { return d.header }
func (d *deaf) Write(p []byte) (int, error) { return len(p), nil }
func (d *deaf) WriteHeader(int)             {}
func (d *deaf) Flush()                      {}

// late waits before the first word of the answer.
type late struct {
	http.ResponseWriter
	ctx    context.Context
	by     time.Duration
	waited bool
}

func (l *late) WriteHeader(code int) {
	if !l.waited {
		l.waited = true
		if !pause(l.ctx, l.by) {
			panic(http.ErrAbortHandler)
		}
	}
	l.ResponseWriter.WriteHeader(code)
}

func (l *late) Unwrap() http.ResponseWriter { return l.ResponseWriter }

// counted lets so many bytes through.
type counted struct {
	http.ResponseWriter
	left    int
	limited bool
	full    func()
}

func (c *counted) Write(p []byte) (int, error) {
	if !c.limited {
		return c.ResponseWriter.Write(p)
	}
	n, err := c.ResponseWriter.Write(p[:min(len(p), c.left)])
	c.left -= n
	if err == nil && c.left == 0 {
		_ = http.NewResponseController(c.ResponseWriter).Flush()
		c.full()
		return n, errCut
	}
	return n, err
}

func (c *counted) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// lag passes everything on in order, later.
type lag struct {
	w     http.ResponseWriter
	ctx   context.Context
	by    time.Duration
	parts chan part
	done  chan struct{}
}

type part struct {
	due  time.Time
	data []byte
}

func newLag(ctx context.Context, w http.ResponseWriter, by time.Duration) *lag {
	l := &lag{w: w, ctx: ctx, by: by, parts: make(chan part, 4096), done: make(chan struct{})}
	go l.run()
	return l
}

func (l *lag) run() {
	defer close(l.done)
	for p := range l.parts {
		if !pause(l.ctx, time.Until(p.due)) {
			continue // hung up: drain
		}
		if _, err := l.w.Write(p.data); err == nil {
			_ = http.NewResponseController(l.w).Flush()
		}
	}
}

func (l *lag) Header() http.Header { return l.w.Header() }

func (l *lag) WriteHeader(code int) {
	l.w.WriteHeader(code)
	_ = http.NewResponseController(l.w).Flush()
}

func (l *lag) Write(p []byte) (int, error) {
	select {
	case l.parts <- part{time.Now().Add(l.by), append([]byte(nil), p...)}:
		return len(p), nil
	case <-l.ctx.Done():
		return 0, context.Cause(l.ctx)
	}
}

func (l *lag) Flush() {}

func (l *lag) close() {
	close(l.parts)
	<-l.done
}
