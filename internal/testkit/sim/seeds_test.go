package sim

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"testing"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "play only this seed, and print its journal")
	seedsFlag = flag.Int("seeds", 2000, "how many seeds to play; the environment variable SIM_SEEDS wins")
)

func seeds(t *testing.T) int {
	if v := os.Getenv("SIM_SEEDS"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil {
			t.Fatalf("SIM_SEEDS: %v", err)
		}
		return n
	}
	return *seedsFlag
}

// play runs one seed, and makes words of a panic, so that the seed is named.
func play(seed uint64) (s *Sim, bad []string) {
	defer func() {
		if p := recover(); p != nil {
			bad = append(bad, fmt.Sprintf("panic: %v", p))
		}
	}()
	s, err := Run(Random(seed))
	if err != nil {
		return s, []string{err.Error()}
	}
	return s, s.Violations()
}

func TestRandomWorldsKeepTheInvariants(t *testing.T) {
	if *seedFlag != 0 {
		s, bad := play(*seedFlag)
		t.Logf("chaos %v\n%s", names(s), s.Tail(-1, 100000))
		for _, v := range bad {
			t.Error(v)
		}
		return
	}
	ends := map[string]int{}
	failed := 0
	for seed := uint64(1); seed <= uint64(seeds(t)); seed++ {
		s, bad := play(seed)
		if len(bad) > 0 {
			failed++
			t.Errorf("seed %d (chaos %v): %s\nreplay: go test ./internal/testkit/sim -run TestRandomWorlds -v -seed %d", seed, names(s), bad[0], seed)
			if failed >= 10 {
				t.Fatal("ten seeds are enough")
			}
			continue
		}
		if s.final.done != nil {
			ends[string(s.final.done.Outcome)]++
		} else {
			ends[string(s.final.stop.Because.Code)]++
		}
	}
	t.Logf("ends: %v", ends)
}

func names(s *Sim) []string {
	if s == nil {
		return nil
	}
	var out []string
	for _, c := range s.w.Chaos {
		out = append(out, fmt.Sprintf("%s@%s", c.name, c.at))
	}
	return out
}
