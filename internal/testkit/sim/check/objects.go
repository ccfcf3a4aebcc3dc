package check

import "encoding/json"

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
	}
	if was && !is || pre != nil && post == nil {
		c.uncordon(w, pre, post)
	}
	if post != nil {
		c.mark(w, pre, post)
	}
}

// uncordon judges a node that is given back.
func (c *checker) uncordon(w *Write, pre, post *mark) {
	was, is := w.Pre.Node.Unschedulable, w.Post.Node.Unschedulable
	switch {
	case was && !is && (pre == nil || c.rec == nil || pre.Run != c.rec.ID || pre.Prior):
		c.fail("G3", "node %s uncordoned, which was not cordoned by the run", w.Name)
	case was && !is && post != nil:
		c.fail("G3", "node %s uncordoned, and its mark stays", w.Name)
	case pre != nil && post == nil && is && !pre.Prior:
		c.fail("G3", "the mark of node %s removed, and it stays cordoned", w.Name)
	}
}

// mark is G5 on one node: one run at a time, and never an older driver.
func (c *checker) mark(w *Write, pre, post *mark) {
	if pre != nil && pre.Run != post.Run {
		c.fail("G5", "node %s marked by run %s while run %s holds it", w.Name, post.Run, pre.Run)
	}
	if post.Epoch < c.epochs[w.Name] {
		c.fail("G5", "node %s marked by epoch %d after %d", w.Name, post.Epoch, c.epochs[w.Name])
	}
	c.epochs[w.Name] = post.Epoch
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

func (c *checker) armedByUs(o *Object) bool {
	var a struct {
		Run string `json:"run"`
	}
	raw, ok := o.Annotations[armKey]
	return ok && json.Unmarshal([]byte(raw), &a) == nil && c.rec != nil && a.Run == c.rec.ID
}
