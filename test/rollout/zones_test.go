package rollout

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit/sim/check"
)

func TestWavesGoZoneByZone(t *testing.T) {
	t.Parallel()
	for order, zones := range map[string]string{"zone": "abc", "-zone": "cba"} {
		t.Run(order, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 9, worldOptions{})
			// Four at a time, and three nodes in a zone: nothing but the rule
			// keeps the zones apart.
			w.run(t, 0, "start", fast(newImage, "--order", order, "--max-unavailable", "4")...)
			w.all(t, newImage, 9)
			h := w.judge(t, verdict{budget: 4, soak: 2 * time.Second})
			w.nothingLeft(t)
			zoneOf := map[string]string{}
			for i := range 9 {
				zoneOf[w.node(i)] = string(rune('a' + i%3))
			}
			var seen strings.Builder
			for _, n := range deleted(h) {
				seen.WriteString(zoneOf[n])
			}
			want := strings.Repeat(zones[:1], 3) + strings.Repeat(zones[1:2], 3) + strings.Repeat(zones[2:], 3)
			if seen.String() != want {
				t.Fatalf("pods were deleted in zones %s, want %s", &seen, want)
			}
			provenBefore(t, h, zoneOf)
		})
	}
}

// provenBefore demands that at the first delete in a zone every node of the
// zones before it had been ready with its new pod for the soak.
func provenBefore(t *testing.T, h *check.History, zoneOf map[string]string) {
	t.Helper()
	replaced := map[string]bool{}   // node: its old pod was deleted
	since := map[string]time.Time{} // node: its new pod is ready
	var finished []string           // zones, in order
	for i := range h.Writes {
		x := &h.Writes[i]
		if x.Kind != "Pod" {
			continue
		}
		if x.Ours && x.Verb == "delete" {
			node := x.Pre.Pod.Node
			if z := zoneOf[node]; !slices.Contains(finished, z) {
				for n, other := range zoneOf {
					if !slices.Contains(append(finished, z), other) || other == z {
						continue
					}
					if at, ok := since[n]; !ok || x.At.Sub(at) < h.Soak {
						t.Errorf("zone %s begins at %s although %s of zone %s is ready since %s", z, x.At, n, other, at)
					}
				}
				finished = append(finished, z)
			}
			replaced[node] = true
			continue
		}
		if p := x.Post; p != nil && replaced[p.Pod.Node] && p.Pod.Ready && !p.Pod.Deleted {
			if _, ok := since[p.Pod.Node]; !ok {
				since[p.Pod.Node] = x.At
			}
		}
	}
	if len(finished) != 3 {
		t.Errorf("%d zones had a beginning: %v", len(finished), finished)
	}
}
