package check

import "strings"

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
		down := c.lasts(c.down[name], true)
		if (down || c.stale(name)) && !c.h.Reported[name] {
			c.fail("named", "node %s has no available pod of the target, and the end does not name it", name)
		}
		if down && c.h.Clean {
			c.fail("named", "node %s has no available pod, and the end is a clean one", name)
		}
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
