package check

import (
	"slices"
	"strings"
)

// named holds the end of a run to the world: it names every node of its scope
// that should have an available pod of the target and has not, and does not
// call an end without one a clean one.
func (c *checker) named() {
	if !c.h.ByNode || c.h.Ended != "Done" && c.h.Ended != "Undone" {
		return
	}
	for _, name := range c.rec.members {
		n := c.nodes[name]
		if n == nil || !strings.HasPrefix(n.UID, c.rec.uids[name]) || !c.lasts(c.noReturn[name], false) {
			continue
		}
		if c.h.Ended == "Undone" {
			c.undone(name)
		}
		down := c.lasts(c.down[name], true)
		if (down || c.stale(name)) && !c.h.Reported[name] {
			c.fail("named", "node %s has no available pod of the target, and the end does not name it", name)
		}
		if down && c.h.Clean {
			c.fail("named", "node %s has no available pod, and the end is a clean one", name)
		}
	}
}

// skips follows which nodes were skipped before the way back began, and not
// again since. One that is set aside as well, in the write with which it begins,
// was skipped anew by what a person asked for after it.
func (c *checker) skips(rec *record) {
	if rec.Undo == nil || !rec.Undo.TouchPods {
		c.there = rec.Skipped
		return
	}
	c.there = slices.DeleteFunc(slices.Clone(c.there), func(n string) bool {
		return !slices.Contains(rec.Skipped, n) || slices.Contains(rec.Undo.Aside, n)
	})
}

// undone is about a node at the end of the way back: what could be brought back
// was, skipped on the way there or not.
func (c *checker) undone(name string) {
	n := c.nodes[name]
	again := slices.Contains(c.rec.Skipped, name) && !slices.Contains(c.there, name)
	if again || c.rec.failed(name) || !c.stale(name) || !c.lasts(c.notReady[name], false) {
		return
	}
	if m := markOf(n); m == nil || m.Run == c.rec.ID {
		c.fail("undo", "node %s runs a pod of the revision that was undone", name)
	}
}

// lasts reports whether something has been so for longer than a driver can
// plead not to know.
func (c *checker) lasts(s *since, is bool) bool {
	return s != nil && s.is == is && c.asof.Sub(s.at) > c.h.Slack
}

// stale reports whether a node runs a pod of another revision than the target.
func (c *checker) stale(node string) bool {
	for _, p := range c.onNode[node] {
		if p.Pod.OwnerUID == c.ds.UID && !p.Pod.Deleted && !p.Pod.Terminal && p.Labels[hashKey] != c.rec.Target.Hash &&
			c.asof.Sub(c.seen[p.UID]) > c.h.Slack {
			return true
		}
	}
	return false
}
