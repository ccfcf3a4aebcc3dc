package check

import "slices"

// victim is G2, G7, G10, and the rule that no pod is deleted that would not
// come back.
func (c *checker) victim(w *Write) {
	n, p := w.Pre.Pod.Node, w.Pre
	if w.PreconditionUID != p.UID || p.UID == "" {
		c.fail("G2", "pod %s deleted without its uid as a precondition (%q, is %q)", w.Name, w.PreconditionUID, p.UID)
	}
	if c.rec == nil {
		c.fail("G2", "pod %s deleted before a run was stored", w.Name)
		return
	}
	if !c.rec.flying(n) {
		c.fail("G2", "pod %s on %s deleted while the node is not in flight", w.Name, n)
	}
	if h := p.Labels[hashKey]; h == c.rec.Target.Hash {
		c.fail("G2", "pod %s on %s is of the target revision already", w.Name, n)
	}
	if !slices.Contains([]string{"Running", "Undoing"}, c.rec.Phase) {
		c.fail("G10", "pod %s deleted in phase %s", w.Name, c.rec.Phase)
	}
	if c.longer(&c.foreign) {
		c.fail("G6", "pod %s deleted while the strategy is not OnDelete", w.Name)
	}
	if c.longer(&c.drift) {
		c.fail("drift", "pod %s deleted although the template is not the target", w.Name)
	}
	if c.longer(c.noReturn[n]) {
		c.fail("eligibility", "pod %s on %s would not come back", w.Name, n)
	}
	if c.longer(c.notReady[n]) && !c.h.AllowNotReady {
		c.fail("notReady", "pod %s deleted on %s, whose Ready is not True", w.Name, n)
	}
	if other := c.other(n, func(p *Pod) bool { return p.Job }); other != "" {
		c.fail("jobs", "pod %s on %s deleted while %s runs there", w.Name, n, other)
	}
	c.waves(n)
	c.tried(n)
	c.zones(n)
	for _, g := range c.h.GatesBefore {
		if c.rec.Undo == nil && c.gates[g+"/"+n] != "pass" {
			c.fail("G7", "node %s begun while gate %s said %q", n, g, c.gates[g+"/"+n])
		}
	}
}

// waves is G7: every node of an earlier wave that we touched has landed or is
// known to have failed.
func (c *checker) waves(node string) {
	wave := 0
	for _, f := range c.rec.InFlight {
		if f.Node == node {
			wave = f.Wave
		}
	}
	for _, f := range c.rec.InFlight {
		if f.Wave < wave && !c.rec.aside(f.Node) && c.nodes[f.Node] != nil {
			c.fail("G7", "node %s of wave %d begun while %s of wave %d is not proven", node, wave, f.Node, f.Wave)
		}
	}
}

// tried is G7 for the first wave: no later one is begun before the target was
// seen on a node of it, or a person has decided without. It was seen where our
// delete made room for it, and where it runs by now; a failure was told.
func (c *checker) tried(node string) {
	if c.rec.Undo != nil || len(c.rec.Waves) < 2 {
		return
	}
	for _, f := range c.rec.InFlight {
		if f.Node == node && f.Wave < 2 {
			return
		}
	}
	for _, a := range c.rec.Approvals {
		if a.Wave == 1 && a.Node == "" {
			return
		}
	}
	first := c.rec.members[:c.rec.Waves[0]]
	for _, m := range first {
		_, replaced := c.deleted[m]
		if replaced || c.rec.aside(m) || c.rec.failed(m) || c.runsTarget(m) {
			return
		}
	}
	if len(first) > 0 {
		c.fail("G7", "node %s of a later wave begun while no node of the first, %v, has shown the target", node, first)
	}
}

func (c *checker) runsTarget(node string) bool {
	for _, p := range c.onNode[node] {
		if p.Pod.OwnerUID == c.ds.UID && p.Labels[hashKey] == c.rec.Target.Hash {
			return true
		}
	}
	return false
}

// zones holds a run that finishes one zone before the next begins to that: no
// pod that serves is deleted in a second zone beside a node that failed and is
// down, unless it was so already when it was begun. What was in flight when it
// failed may still be begun.
func (c *checker) zones(node string) {
	if !c.h.ByZone || c.rec.Undo != nil || c.nodes[node] == nil || !c.lasts(c.down[node], false) {
		return
	}
	zone := c.nodes[node].Labels[zoneKey]
	for _, m := range c.counted() {
		if c.rec.failed(m) && c.longer(c.down[m]) && !c.before[m] && c.took[node].After(c.failed[m]) && c.nodes[m].Labels[zoneKey] != zone {
			c.fail("zone", "node %s of zone %s begun beside %s, which failed in another", node, zone, m)
		}
	}
}

// budget is G1 on the true state: nodes that have been down for longer than a
// driver can plead not to know, and nodes in flight, whatever their pods say.
func (c *checker) budget(w *Write) {
	n := w.Pre.Pod.Node
	if c.rec == nil {
		return
	}
	if d := c.down[n]; d != nil && (d.is || c.asof.Sub(d.at) <= c.h.Slack) {
		return // it was down already, or was a moment ago
	}
	var others []string
	for _, m := range c.counted() {
		ours := c.rec.flying(m)
		if del, did := c.deleted[m]; did && c.down[m] != nil && c.down[m].is && !c.down[m].at.After(del) {
			ours = true // we brought it down, and it never came back
		}
		if m != n && (ours || c.longer(c.down[m])) {
			others = append(others, m)
		}
	}
	if len(others)+1 > c.h.Budget {
		c.fail("G1", "deleting on %s makes %d of %d: %v hold a place", n, len(others)+1, c.h.Budget, others)
	}
}

// bystander is an eviction for a drain.
func (c *checker) bystander(w *Write) {
	n := w.Pre.Pod.Node
	if w.Verb != "evict" {
		c.fail("G2", "pod %s is not of the DaemonSet and was deleted, not evicted", w.Name)
	}
	if w.PreconditionUID != w.Pre.UID {
		c.fail("G2", "pod %s evicted without its uid as a precondition", w.Name)
	}
	if o := c.nodes[n]; o != nil {
		if m := markOf(o); m == nil || c.rec == nil || m.Run != c.rec.ID {
			c.fail("G2", "pod %s evicted from %s, which carries no mark of the run", w.Name, n)
		}
	}
	if c.rec != nil && !c.rec.flying(n) {
		c.fail("G2", "pod %s evicted from %s, which is not in flight", w.Name, n)
	}
	if other := c.other(n, func(p *Pod) bool { return p.Stays }); other != "" {
		c.fail("drain", "pod %s evicted from %s, which %s keeps from being drained", w.Name, n, other)
	}
}

// other names a pod of a node that has been so since before a driver can plead
// not to know; empty for none.
func (c *checker) other(node string, so func(*Pod) bool) string {
	for key, p := range c.onNode[node] {
		if so(p.Pod) && !p.Pod.Deleted && !p.Pod.Terminal && c.asof.Sub(c.seen[p.UID]) > c.h.Slack {
			return key
		}
	}
	return ""
}
