package cli

import (
	"bytes"
	"testing"
	"time"
)

func TestProgressShowsLateAndLeavesNothing(t *testing.T) {
	now := time.Date(2026, 11, 23, 8, 12, 4, 0, time.UTC)
	var buf bytes.Buffer
	p := NewProgress(&buf, func() time.Time { return now })
	p.on = true
	p.Say("pods: 500")
	if buf.Len() > 0 {
		t.Errorf("written at once: %q", buf.String())
	}
	now = now.Add(1200 * time.Millisecond)
	p.Say("pods: 12500")
	p.Say("pods: 13000") // too soon after
	now = now.Add(time.Second)
	p.Say("evil\x1b[2J: 1234567")
	p.Done()
	want := "\r\x1b[Kreading pods: 12,500" + "\r\x1b[Kreading evil\\x1b[2J: 1,234,567" + "\r\x1b[K"
	if buf.String() != want {
		t.Errorf("got %q, want %q", buf.String(), want)
	}
	buf.Reset()
	p.on = false
	now = now.Add(time.Hour)
	p.Say("pods: 1")
	p.Done()
	if buf.Len() > 0 {
		t.Errorf("written where there is no terminal: %q", buf.String())
	}
}
