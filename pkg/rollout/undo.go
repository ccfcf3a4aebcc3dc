package rollout

import (
	"slices"
	"strings"
)

// cannotUndo says why there is no way back; empty where there is one.
func (d *decider) cannotUndo() string {
	switch {
	case d.r.From.Hash == "" || d.r.From.Hash == d.r.Target.Hash && d.r.Undo == nil:
		return "there is no older revision to go back to"
	case d.v.revisionByHash(d.r.From.Hash) == nil:
		return "revision " + d.r.From.Name + " is gone from the history"
	case d.r.TemplateOwner != "" && !slices.Contains(d.p.AllowOwner, d.r.TemplateOwner):
		return d.r.TemplateOwner + " owns the template: revert it there first"
	}
	t, err := TemplateOf(d.v.revisionByHash(d.r.From.Hash))
	if err != nil {
		return err.Error()
	}
	if list := d.v.misfits(t); len(list) > 0 {
		return misfitWords("the template of revision "+numberOr(d.r.From), list) + "; label those nodes, or take the taint away, and undo again"
	}
	return ""
}

// templateBack makes the template that of the revision where the run came
// from. It reports whether it is that already and the controller has seen it.
func (d *decider) templateBack() (Decision, bool) {
	if !d.v.settled() {
		return d.wait(Cause{Code: WaitObserved}), false
	}
	if cur := d.v.current(); cur != nil && cur.Labels[hashLabel] == d.r.From.Hash {
		return Decision{}, true
	}
	if why := d.cannotUndo(); why != "" {
		return d.noWayBack(why), false
	}
	ds := d.v.DaemonSet
	from := d.v.revisionByHash(d.r.From.Hash)
	return act(&PutBack{
		UID: ds.UID, ResourceVersion: ds.ResourceVersion, Revision: d.r.From, Data: slices.Clone(from.Data.Raw),
	}), false
}

// noWayBack stops where the template cannot be put back. Nothing was changed,
// and the run strives for its target still: it can be gone on with, or be
// asked to undo again.
func (d *decider) noWayBack(why string) Decision {
	n := d.next()
	n.Skipped = slices.Concat(n.Undo.Aside, n.Skipped)
	n.Undo = nil
	c := Cause{Code: StopUndo, Message: why}
	if d.r.Phase == Stopped && d.r.Because != nil { // hold: why it stopped comes first
		c = *d.r.Because
		c.Message = strings.TrimPrefix(c.Message+"; the template stays: "+why, "; ")
	}
	return d.rest(Stopped, c)
}

// turnRound puts the template back and pins it as the target. Nodes in flight
// whose old pod still stands were not touched and are let go; the others stay
// in flight until they run what they ran before.
func (d *decider) turnRound() Decision {
	dec, ok := d.templateBack()
	if !ok {
		return dec
	}
	n := d.next()
	n.Target, n.Undo.Pinned = d.v.pin(d.v.current()), true
	n.Failed = nil
	d.r, d.drifted = n, false // judge by the new target
	d.adopt(n)
	for _, f := range slices.Clone(n.InFlight) {
		nv := d.v.Node(f.Node)
		if nv == nil || nv.Node.UID != f.NodeUID {
			n.land(f.Node)
			continue
		}
		if p := nv.podByUID(f.PodUID); p != nil && live(p) && d.isTarget(p) {
			continue // released by the next look, which gives the node back, too
		}
		at := n.flight(f.Node)
		at.Wave = len(n.Waves) + 1
		if old := d.old(nv); len(old) > 0 {
			at.Pod, at.PodUID = old[0].Name, old[0].UID
		}
	}
	return d.save("the template is back")
}

// adopt takes nodes into the scope that joined on the revision that is left:
// nobody else would bring them back, and while they are there the strategy
// could not be given back.
func (d *decider) adopt(n *Run) {
	for i := range d.v.Nodes {
		nv := &d.v.Nodes[i]
		if len(d.old(nv)) > 0 && nv.ShouldRun && !n.knows(nv.Node.Name) {
			n.Members = append(n.Members, Member{Node: nv.Node.Name, UID: ShortUID(nv.Node.UID)})
			n.Undo.Aside = append(n.Undo.Aside, nv.Node.Name)
		}
	}
}
