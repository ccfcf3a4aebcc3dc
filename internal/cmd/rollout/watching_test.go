package rollout

import (
	"testing"
	"time"
)

// Watches that have waited for a person are not taken for lists of now.
func TestWatchesBegunAheadAreFreshOrEnded(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		name  string
		begun time.Time
		fresh bool
	}{
		{"of just now", now.Add(-time.Second), true},
		{"of ten minutes ago", now.Add(-10 * time.Minute), false},
	} {
		ended := false
		w := &watching{begun: c.begun, stop: func() { ended = true }}
		if got := w.ifFresh(now); (got == w) != c.fresh || ended == c.fresh {
			t.Errorf("%s: %v, ended %v", c.name, got, ended)
		}
	}
	if (*watching)(nil).ifFresh(now) != nil {
		t.Error("watches out of none")
	}
}
