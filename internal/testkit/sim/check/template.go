package check

import (
	"reflect"
	"slices"
)

// template judges a write of ours that changes the template: the controller
// ends the pods of nodes that it does not fit at once, under no ceiling, and
// what somebody has changed since the plan is not ours to take back.
func (c *checker) template(w *Write) {
	pre, post := w.Pre.DaemonSet, w.Post.DaemonSet
	if pre.Template == post.Template {
		return
	}
	for name, n := range c.nodes {
		if !stays(pre, n) || stays(post, n) || c.asof.Sub(c.placed[name]) <= c.h.Looked {
			continue
		}
		for _, p := range c.onNode[name] {
			if p.Pod.OwnerUID == w.Pre.UID && !p.Pod.Deleted && !p.Pod.Terminal {
				c.fail("fit", "the new template costs the pod of %s", name)
			}
		}
	}
	if c.h.Planned != "" && c.rec != nil && c.rec.Phase == "Arming" && pre.Template != c.h.Planned {
		c.fail("plan", "the template %s is taken back, which came after the plan was made", pre.Template)
	}
}

// pinned judges what a run sets out for: what was planned, or what is there
// after a person had to look.
func (c *checker) pinned(was *record) {
	if c.rec.Target.Hash == "" && (c.rec.Phase == "Paused" || c.rec.Phase == "Stopped") {
		c.looked = true
	}
	if c.h.Planned == "" || c.looked || was == nil || was.Target.Hash != "" || c.rec.Target.Hash == "" {
		return
	}
	want := c.h.Brings
	if want == "" {
		want = c.h.Planned
	}
	for _, r := range c.revs {
		if r.Revision.Hash == c.rec.Target.Hash && r.Revision.Template != want {
			c.fail("plan", "the run sets out for %s, and was planned for %s", r.Revision.Template, want)
		}
	}
}

// seePlace notes when it last changed where pods may be.
func (s *state) seePlace(w *Write) {
	old := s.nodes[w.Name]
	if w.Post != nil && (old == nil || !reflect.DeepEqual(old.Labels, w.Post.Labels) || !slices.Equal(old.Node.Taints, w.Post.Node.Taints)) {
		s.placed[w.Name] = w.At
	}
}
