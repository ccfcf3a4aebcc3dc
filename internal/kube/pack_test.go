package kube

import (
	"fmt"
	"testing"
)

func BenchmarkPackRun(b *testing.B) {
	var run []byte
	for i := range 200 {
		run = fmt.Appendf(run, `{"node":"ip-10-0-%d-%d"},`, i/16, i)
	}
	b.ReportAllocs()
	for b.Loop() {
		packed, err := PackRun(run)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := UnpackRun(packed); err != nil {
			b.Fatal(err)
		}
	}
}

// Storing a run again and again does not allocate a packer each time.
func TestAPackerIsKept(t *testing.T) {
	run := []byte("{}")
	got := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := PackRun(run); err != nil {
				b.Fatal(err)
			}
		}
	})
	if n := got.AllocedBytesPerOp(); n > 400_000 { // one is 814,000; the race detector lets a quarter go
		t.Errorf("%d bytes to pack 2", n)
	}
}
