package coverage

import "testing"

// What is asked beyond the size of the node may be asked only as far as others
// leave room, and nothing can be asked of what the node does not have.
func TestNeverFitsFixes(t *testing.T) {
	cpu := func(free int64) ResourceRoom {
		return ResourceRoom{Name: "cpu", Asks: 3000, Allocatable: 2000, Free: free, Short: true}
	}
	for name, tt := range map[string]struct {
		room *Room
		want string
	}{
		"an empty node":    {&Room{Resources: []ResourceRoom{cpu(2000)}}, "request at most cpu 2000m, or keep the DaemonSet off such nodes"},
		"others hold most": {&Room{Resources: []ResourceRoom{cpu(200)}}, "request at most cpu 200m, or keep the DaemonSet off such nodes"},
		"others hold all":  {&Room{Resources: []ResourceRoom{cpu(0)}}, "request at most cpu 2000m and move pods off the node, or keep the DaemonSet off such nodes"},
		"not all nodes examined": {&Room{Resources: []ResourceRoom{cpu(200)}, partial: true},
			"request at most cpu 200m, the least that is free on a node examined, or keep the DaemonSet off such nodes"},
		"another resource is short": {&Room{Resources: []ResourceRoom{cpu(200), {Name: "memory", Asks: 2 << 30, Allocatable: 4 << 30, Free: 1 << 30, Short: true}}},
			"request at most cpu 200m, memory 1024Mi, or keep the DaemonSet off such nodes"},
		"a device that the node does not offer": {&Room{Resources: []ResourceRoom{{Name: "example.com/gpu", Asks: 1, Short: true}}},
			"find why the node offers no example.com/gpu, or keep the DaemonSet off such nodes"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := neverFitsFixes(tt.room); len(got) != 1 || got[0] != tt.want {
				t.Errorf("%q\nwant %q", got, tt.want)
			}
		})
	}
	if got := neverFitsFixes(&Room{NotExamined: true}); got != nil {
		t.Errorf("of a node that was not examined: %q", got)
	}
}
