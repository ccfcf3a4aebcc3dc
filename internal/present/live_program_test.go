package present

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// screenBuffer is a terminal's output that can be read while it is written.
type screenBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *screenBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *screenBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// startLive runs a view on pipes; keys are what a person types.
func startLive(t *testing.T) (l *Live, keys io.Writer, out *screenBuffer) {
	t.Helper()
	in, w := io.Pipe()
	t.Cleanup(func() { _ = w.Close() })
	out = &screenBuffer{}
	l = NewLive(LiveOptions{
		StreamOptions: streamOptions(), Input: in, Output: out, Environ: []string{"TERM=xterm-256color", "TERM_PROGRAM=Apple_Terminal"},
		Now: func() time.Time { return at("16:10:31") }, Width: 120, Height: 40,
	})
	l.Start()
	t.Cleanup(func() { _ = l.Close() })
	return l, w, out
}

func (b *screenBuffer) waitFor(t *testing.T, want string) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(b.String(), want) {
		select {
		case <-deadline:
			t.Fatalf("no %q in %q", want, b.String())
		case <-tick.C:
		}
	}
}

func TestLiveProgramDrawsTakesKeysAndLeavesTheTerminalClean(t *testing.T) {
	l, keys, out := startLive(t)
	for i := range 8 {
		l.Event(rollout.Event{Type: rollout.EventNodeDone, At: at("16:00:00"), Node: fmt.Sprintf("node-%d", i), Took: time.Minute})
	}
	l.Look(midRun(), rollout.Decision{})
	out.waitFor(t, "31 of 190")
	out.waitFor(t, "node-0") // the view keeps five: this one was printed above
	if _, err := io.WriteString(keys, "p"); err != nil {
		t.Fatal(err)
	}
	select {
	case c := <-l.Commands():
		if c != (Command{Verb: rollout.VerbPause}) {
			t.Errorf("command %v", c)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the key did not arrive")
	}
	last := midRun()
	last.Phase, last.Outcome, last.Flights, last.Done = rollout.Ended, rollout.OutcomeDone, nil, 190
	l.Look(last, rollout.Decision{})
	l.Event(rollout.Event{Type: rollout.EventDone, At: at("16:10:30"), Done: 190, Total: 190})
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil { // twice is once
		t.Fatal(err)
	}
	all := out.String()
	for _, want := range []string{"190 of 190", "node-7", "\x1b[?25h"} { // the cursor is shown again
		if !strings.Contains(all, want) {
			t.Errorf("no %q in %q", want, all)
		}
	}
	if strings.Contains(all, "\x1b[?1049h") {
		t.Error("the alternate screen takes the scrollback away")
	}
	l.Event(rollout.Event{Type: rollout.EventDone}) // nobody listens; nothing blocks
	l.Look(last, rollout.Decision{})
	if out.String() != all {
		t.Error("something was drawn after Close")
	}
}

func TestLiveNeverWaitsForWhoeverTakesCommands(t *testing.T) {
	c := commands{ch: make(chan Command, 2)}
	for i := range 5 {
		c.put(Command{Wave: i})
	}
	if a, b := <-c.ch, <-c.ch; a.Wave != 3 || b.Wave != 4 {
		t.Errorf("kept %v and %v, want the newest", a, b)
	}
}

func TestLiveClosesWithoutAStart(t *testing.T) {
	if err := NewLive(LiveOptions{StreamOptions: streamOptions(), Input: strings.NewReader(""), Output: io.Discard}).Close(); err != nil {
		t.Fatal(err)
	}
}
