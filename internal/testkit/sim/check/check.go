package check

import (
	"fmt"
	"time"
)

// Check replays a history and returns every violation.
func Check(h *History) []Violation {
	c := &checker{state: newState(h)}
	for i := range h.Writes {
		w := &h.Writes[i]
		c.at, c.now, c.asof = i, w.At, w.At
		if !w.Sent.IsZero() {
			c.asof = w.Sent // a process may sleep between decision and request
		}
		if w.DryRun {
			continue
		}
		if w.Ours {
			c.judge(w)
		}
		if w.Kind == "Lease" {
			c.leaseHolder(w)
		}
		c.apply(w)
		if w.Kind == "Lease" {
			c.read(w)
		}
	}
	c.at = -1
	c.residue()
	return c.out
}

type checker struct {
	*state
	at     int
	asof   time.Time // when the write was decided
	looked bool      // the run rested before its target was known
	there  []string  // nodes that a person skipped, and not again on the way back
	out    []Violation
}

func (c *checker) fail(rule, format string, args ...any) {
	c.out = append(c.out, Violation{Rule: rule, Write: c.at, Text: fmt.Sprintf(format, args...)})
}

// longer reports whether something has been so for longer than a driver can
// plead not to know.
func (c *checker) longer(s *since) bool {
	return s != nil && s.is && c.asof.Sub(s.at) > c.h.Slack
}

func (c *checker) judge(w *Write) {
	c.holds(w)
	switch {
	case w.Kind == "Pod" && (w.Verb == "delete" || w.Verb == "evict"):
		if w.Pre == nil {
			return
		}
		if c.ds != nil && w.Pre.Pod.OwnerUID == c.ds.UID {
			c.victim(w)
			c.budget(w)
			c.deleted[w.Pre.Pod.Node] = w.At
		} else {
			c.bystander(w)
		}
	case w.Kind == "Node" && w.Pre != nil && w.Post != nil:
		c.cordon(w)
	case w.Kind == "DaemonSet" && w.Pre != nil && w.Post != nil:
		c.strategy(w)
		c.template(w)
	}
}

// read takes in what the Lease says now, and judges nodes that landed.
func (c *checker) read(w *Write) {
	if w.Post == nil || w.Post.Lease.Run == "" {
		return
	}
	if w.Pre != nil && w.Pre.Lease.Run == w.Post.Lease.Run {
		return
	}
	rec, err := parseRecord(w.Post.Lease.Run)
	if err != nil {
		c.fail("state", "the stored run cannot be read: %v", err)
		return
	}
	was := c.rec
	c.rec = rec
	c.skips(rec)
	if rec.Phase == "Ended" && (was == nil || was.Phase != rec.Phase) {
		c.named()
	}
	c.seeTemplate()
	c.pinned(was)
	if was == nil {
		return
	}
	c.moves(was, rec)
}

// moves follows which nodes are put in flight, land or fail.
func (c *checker) moves(was, rec *record) {
	for _, f := range was.InFlight {
		if !rec.flying(f.Node) {
			if n := c.nodes[f.Node]; n != nil && n.UID == f.NodeUID { // a namesake is another node
				c.landed(f.Node, f.PodUID, rec)
			}
			delete(c.took, f.Node)
		}
	}
	for _, f := range rec.InFlight {
		if was.flying(f.Node) {
			continue
		}
		c.took[f.Node] = c.now
		if !was.failed(f.Node) { // else it is tried again
			down := c.down[f.Node]
			c.before[f.Node] = down != nil && (down.is || c.asof.Sub(down.at) <= c.h.Slack)
		}
	}
	for _, f := range rec.Failed {
		if !was.failed(f.Node) {
			c.failed[f.Node] = c.now
		}
	}
}

// landed judges a node that gives its place back: soak and gates.
func (c *checker) landed(node, podUID string, rec *record) {
	n := c.nodes[node]
	del, did := c.deleted[node]
	switch {
	case n == nil || rec.aside(node) || rec.failed(node) || !did || del.Before(c.took[node]):
		return
	case rec.Phase == "Aborting" || rec.Phase == "Ended":
		return
	case rec.Undo != nil && !rec.Undo.Pinned, c.drift.is:
		return // judged by the next landing, or the target is not the template
	}
	proven, judged := c.provenFor(node, podUID, rec)
	if !judged {
		return
	}
	if proven < c.h.Soak {
		c.fail("G7", "node %s done after %s of %s soak", node, proven, c.h.Soak)
	}
	for _, g := range c.h.GatesAfter {
		if got := c.gates[g+"/"+node]; got != "pass" {
			c.fail("G7", "node %s done while gate %s said %q", node, g, got)
		}
	}
}

// holds is the part of G5 about a driver that lost the Lease: what it decided
// before it could know may still arrive, and nothing else.
func (c *checker) holds(w *Write) {
	if !c.h.HoldersAreActors || c.lease == nil || w.Kind == "Gate" || w.Kind == "Lease" {
		return
	}
	if l := c.lease.Lease; l.Holder != "" && l.Holder != w.Actor && c.asof.Sub(c.taken) > c.h.Slack {
		c.fail("G5", "%s writes %s %s although %s has held the lease since %s", w.Actor, w.Kind, w.Name, l.Holder, c.taken.Format(time.TimeOnly))
	}
}

// residue is G4 and the end of G6.
func (c *checker) residue() {
	if c.h.Ended == "" {
		return
	}
	for name, n := range c.nodes {
		if m := markOf(n); m != nil && c.rec != nil && m.Run == c.rec.ID && !c.h.Reported[name] {
			c.fail("G4", "the mark of the run stays on node %s", name)
		}
	}
	if c.lease != nil {
		c.fail("G4", "the lease stays")
	}
	if c.ds != nil && !c.h.Reported[""] {
		c.strategyAtEnd()
	}
}

func (c *checker) strategyAtEnd() {
	if c.armedByUs(c.ds) {
		c.fail("G4", "the DaemonSet stays armed")
	}
	if _, armed := c.ds.Annotations[armKey]; !armed && c.h.Original != "" && c.ds.DaemonSet.Strategy != c.h.Original {
		c.fail("G6", "the strategy ends as %s, it was %s, and nobody says so", c.ds.DaemonSet.Strategy, c.h.Original)
	}
	for name, r := range c.revs {
		if _, armed := r.Annotations[armKey]; armed && r.Revision.OwnerUID == c.ds.UID {
			c.fail("G4", "revision %s keeps a copy of the annotation", name)
		}
	}
}

// provenFor is how long the node's pod of the target had been available when
// the write was decided; judged is false where the node was released instead,
// or broke a moment ago.
func (c *checker) provenFor(node, podUID string, rec *record) (proven time.Duration, judged bool) {
	if c.released(node, rec) {
		return 0, false
	}
	proven = c.provenPods(node, podUID, rec)
	// A process may have slept since it decided: what counts is what was there.
	if last := c.lastOn[node]; last.hash == rec.Target.Hash && last.holds(c.asof) {
		proven = max(proven, c.asof.Sub(last.from))
	}
	if d := c.down[node]; proven < 0 && d != nil && d.is && c.asof.Sub(d.at) <= c.h.Slack {
		return 0, false // its pod ended a moment ago
	}
	return proven, true
}

// released reports whether what is to be replaced on the node still runs.
func (c *checker) released(node string, rec *record) bool {
	for _, p := range c.onNode[node] {
		if p.Pod.OwnerUID == c.ds.UID && !p.Pod.Deleted && !p.Pod.Terminal && p.Labels[hashKey] != rec.Target.Hash {
			return true
		}
	}
	return false
}

// provenPods is that of the pods that are there; negative where none is.
func (c *checker) provenPods(node, podUID string, rec *record) time.Duration {
	proven := time.Duration(-1)
	for _, p := range c.onNode[node] {
		if p.Pod.OwnerUID != c.ds.UID {
			continue
		}
		if p.UID == podUID {
			c.fail("G7", "node %s done while its old pod is still there", node)
		}
		if from, ok := c.availFrom[p.UID]; ok && p.Labels[hashKey] == rec.Target.Hash {
			proven = max(proven, c.asof.Sub(from))
		}
		// A break within the slack may not have been read yet.
		if last, ok := c.lastSpell[p.UID]; ok && c.asof.Sub(last.to) <= c.h.Slack && p.Labels[hashKey] == rec.Target.Hash {
			proven = max(proven, last.to.Sub(last.from))
		}
	}
	return proven
}
