package rollout

import (
	"testing"
	"time"
)

// One look at 5,000 nodes with 50 in flight: what a driver does at every
// change.
func BenchmarkLook(b *testing.B) {
	w := newWorld(5000)
	w.pol.MaxUnavailable = intOr(50)
	for i := range 50 {
		w.fly(i)
		w.replace(i, time.Second)
	}
	w.s.Sort()
	b.Run("view", func(b *testing.B) {
		for b.Loop() {
			NewView(w.s, "kube-system", "agent")
		}
	})
	v := NewView(w.s, "kube-system", "agent")
	b.Run("observe", func(b *testing.B) {
		for b.Loop() {
			Observe(w.obs, w.pol, w.run, v, t0)
		}
	})
	b.Run("decide", func(b *testing.B) {
		for b.Loop() {
			Decide(w.pol, w.run, v, w.obs, t0)
		}
	})
	b.Run("encode", func(b *testing.B) {
		for b.Loop() {
			if _, err := EncodeRun(w.run); err != nil {
				b.Fatal(err)
			}
		}
	})
}
