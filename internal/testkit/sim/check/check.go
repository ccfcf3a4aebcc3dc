package check

import (
	"encoding/json"
	"fmt"
	"slices"
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
	at   int
	asof time.Time // when the write was decided
	out  []Violation
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
	}
}

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
		c.fail("F28", "pod %s deleted although the template is not the target", w.Name)
	}
	if c.longer(c.noReturn[n]) {
		c.fail("eligibility", "pod %s on %s would not come back", w.Name, n)
	}
	if c.longer(c.notReady[n]) && !c.h.AllowNotReady {
		c.fail("notReady", "pod %s deleted on %s, whose Ready is not True", w.Name, n)
	}
	c.waves(n)
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
		if _, did := c.deleted[m]; did && c.down[m] != nil && c.down[m].is {
			ours = true // we brought it down
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
}

type mark struct {
	Run   string `json:"run"`
	Epoch int64  `json:"epoch"`
	Prior bool   `json:"prior"`
}

func markOf(o *Object) *mark {
	raw, ok := o.Annotations[markKey]
	if !ok {
		return nil
	}
	var m mark
	if json.Unmarshal([]byte(raw), &m) != nil {
		return nil
	}
	return &m
}

// cordon is G3, G5 and the rule that a cordon and its mark are one write.
func (c *checker) cordon(w *Write) {
	pre, post := markOf(w.Pre), markOf(w.Post)
	was, is := w.Pre.Node.Unschedulable, w.Post.Node.Unschedulable
	if w.PreconditionRV == "" {
		c.fail("G3", "node %s patched without a resourceVersion", w.Name)
	}
	if _, seen := c.origCordon[w.Name]; !seen {
		c.origCordon[w.Name] = was
	}
	switch {
	case !was && is && post == nil:
		c.fail("G3", "node %s cordoned without a mark in the same write", w.Name)
	case pre == nil && post != nil && post.Prior != was:
		c.fail("G3", "the mark of node %s says prior=%v, and it was %v", w.Name, post.Prior, was)
	case was && !is && (pre == nil || c.rec == nil || pre.Run != c.rec.ID || pre.Prior):
		c.fail("G3", "node %s uncordoned, which was not cordoned by the run", w.Name)
	case was && !is && post != nil:
		c.fail("G3", "node %s uncordoned, and its mark stays", w.Name)
	case pre != nil && post == nil && is && !pre.Prior:
		c.fail("G3", "the mark of node %s removed, and it stays cordoned", w.Name)
	}
	if post != nil {
		if pre != nil && pre.Run != post.Run {
			c.fail("G5", "node %s marked by run %s while run %s holds it", w.Name, post.Run, pre.Run)
		}
		if post.Epoch < c.epochs[w.Name] {
			c.fail("G5", "node %s marked by epoch %d after %d", w.Name, post.Epoch, c.epochs[w.Name])
		}
		c.epochs[w.Name] = post.Epoch
	}
}

// strategy is G6.
func (c *checker) strategy(w *Write) {
	pre, post := w.Pre.DaemonSet, w.Post.DaemonSet
	_, armed := w.Post.Annotations[armKey]
	switch {
	case pre.Strategy != "OnDelete" && post.Strategy == "OnDelete" && !armed:
		c.fail("G6", "strategy taken over without a word of what it was")
	case pre.Strategy == "OnDelete" && post.Strategy != "OnDelete":
		if armed {
			c.fail("G6", "strategy given back, and the annotation stays")
		}
		if post.Strategy != c.h.Original {
			c.fail("G6", "strategy given back as %s, it was %s", post.Strategy, c.h.Original)
		}
		for name, p := range c.pods {
			if p.Pod.OwnerUID == w.Pre.UID && !p.Pod.Deleted && p.Labels[hashKey] != c.currentHash() && !c.h.AckHandBack {
				c.fail("G6", "strategy given back while %s on %s is of an old revision", name, p.Pod.Node)
			}
		}
	}
	if w.PreconditionRV == "" {
		c.fail("G6", "DaemonSet patched without a resourceVersion")
	}
}

// leaseHolder is the other half of G5: nobody takes a Lease whose holder is
// alive.
func (c *checker) leaseHolder(w *Write) {
	if w.Pre == nil || w.Post == nil || w.Pre.Lease == nil {
		return
	}
	pre, post := w.Pre.Lease, w.Post.Lease
	if pre.Holder == "" || pre.Holder == post.Holder || post.Holder == "" || post.Takeover {
		return
	}
	if idle := c.now.Sub(pre.Renewed); idle < c.h.LeaseDuration {
		c.fail("G5", "%s took the lease of %s, which renewed it %s ago", post.Holder, pre.Holder, idle)
	}
	if post.Epoch <= pre.Epoch {
		c.fail("G5", "%s took the lease and did not raise the epoch", post.Holder)
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
	c.seeTemplate()
	if was == nil {
		return
	}
	for _, f := range was.InFlight {
		if !rec.flying(f.Node) {
			if n := c.nodes[f.Node]; n != nil && n.UID == f.NodeUID { // a namesake is another node
				c.landed(f.Node, f.PodUID, rec)
			}
			delete(c.took, f.Node)
		}
	}
	for _, f := range rec.InFlight {
		if !was.flying(f.Node) {
			c.took[f.Node] = c.now
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
	for _, p := range c.onNode[node] {
		if p.UID == podUID && !p.Pod.Deleted && !p.Pod.Terminal {
			return // released: what was to be replaced still runs
		}
	}
	var proven time.Duration = -1
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
	if d := c.down[node]; proven < 0 && d != nil && d.is && c.asof.Sub(d.at) <= c.h.Slack {
		return // its pod ended a moment ago
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
	if c.ds == nil || c.h.Reported[""] {
		return
	}
	if c.armedByUs(c.ds) {
		c.fail("G4", "the DaemonSet stays armed")
	}
	for name, r := range c.revs {
		if _, armed := r.Annotations[armKey]; armed && r.Revision.OwnerUID == c.ds.UID {
			c.fail("G4", "revision %s keeps a copy of the annotation", name)
		}
	}
}

func (c *checker) armedByUs(o *Object) bool {
	var a struct {
		Run string `json:"run"`
	}
	raw, ok := o.Annotations[armKey]
	return ok && json.Unmarshal([]byte(raw), &a) == nil && c.rec != nil && a.Run == c.rec.ID
}
