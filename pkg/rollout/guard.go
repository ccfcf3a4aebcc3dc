package rollout

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
)

// guard holds the strategy and the template: nothing is deleted under a
// strategy that is not ours, or towards a template that is not the target.
// nil means that both are as they should be.
func (d *decider) guard() *Decision {
	if d.r.Target.Hash == "" {
		// Nothing was armed yet: what arms is what brings the change.
		return nil
	}
	if dec := d.strategy(); dec != nil {
		return dec
	}
	return d.template()
}

// strategy arms again, once, where somebody took the strategy back: the
// built-in update deletes pods at this moment. How often that happened stands
// in the annotation that the same patch writes, so that it is counted also
// where the driver dies right after it.
func (d *decider) strategy() *Decision {
	armed, err := ArmedOf(d.v.DaemonSet)
	if err != nil {
		dec := d.rest(Stopped, Cause{Code: StopFlip, Message: err.Error()})
		return &dec
	}
	rearms := d.r.Rearms
	if armed != nil && armed.Run == d.r.ID {
		rearms = max(rearms, armed.Rearms)
	}
	var dec Decision
	switch resting := d.r.Phase == Paused || d.r.Phase == Stopped; {
	case d.v.onDelete() && rearms > d.r.Rearms:
		d.next().Rearms = rearms
		if resting {
			dec = d.save("armed again")
			return &dec
		}
		dec = d.rest(Paused, Cause{Code: PauseFlip, Message: "updateStrategy was set back by " + cmp.Or(armed.By, "somebody")})
	case d.v.onDelete():
		return nil
	case rearms == 0:
		a := d.arm(armed, nil)
		a.Armed.Rearms, a.Armed.By, a.Again = 1, d.writer(), true
		dec = act(a)
	case d.r.Phase == Stopped:
		return nil
	default:
		dec = d.rest(Stopped, Cause{Code: StopFlip, Message: "updateStrategy was set back a second time, by " + d.writer() + ": the built-in update is replacing pods now"})
	}
	return &dec
}

// writer names who last set the update strategy, by the managed fields.
func (d *decider) writer() string { return d.lastWriter("f:spec", "f:updateStrategy") }

// lastWriter names who last set a field, or something in it. Times are in whole
// seconds: where two did so in the same one, both are named.
func (d *decider) lastWriter(path ...string) string {
	var last time.Time
	var names []string
	for i := range d.v.DaemonSet.ManagedFields {
		e := &d.v.DaemonSet.ManagedFields[i]
		var at time.Time
		if e.Time != nil {
			at = e.Time.Time
		}
		if !owns(e, path...) || at.Before(last) {
			continue
		}
		if at.After(last) {
			last, names = at, nil
		}
		names = append(names, cmp.Or(e.Manager, "an unnamed manager"))
	}
	if len(names) == 0 {
		return "somebody (no managed fields tell)"
	}
	return strings.Join(names, " or ")
}

// template pauses where the template is no longer the target. A template that
// went away and came back is pinned again.
func (d *decider) template() *Decision {
	if !d.drifted || d.r.Undo != nil && !d.r.Undo.Pinned {
		return nil
	}
	var dec Decision
	cur := d.v.current()
	resting := d.r.Phase == Paused || d.r.Phase == Stopped
	switch {
	case cur == nil:
		dec = d.wait(Cause{Code: WaitObserved, Message: "the template was changed"})
	case cur.Labels[hashLabel] == d.r.Target.Hash:
		n := d.next()
		n.Target = d.v.pin(cur)
		if n.Undo != nil && !n.Undo.TouchPods {
			n.Undo = nil // somebody brought it again: what hold took back is the target
		}
		dec = d.save("the template is the target again")
	case resting:
		return nil
	case d.holds():
		dec = d.rest(Stopped, Cause{Code: StopHeld})
	default:
		dec = d.rest(Paused, Cause{Code: PauseTemplate, Message: fmt.Sprintf("the template is revision %d now, not %d", cur.Revision, d.r.Target.Number)})
	}
	return &dec
}

// holds reports whether the template is the one that hold put back.
func (d *decider) holds() bool {
	cur := d.v.current()
	return d.drifted && d.r.Undo != nil && !d.r.Undo.TouchPods && cur != nil && cur.Labels[hashLabel] == d.r.From.Hash
}

// revisionByHash finds a revision that the DaemonSet owns.
func (v *View) revisionByHash(hash string) *appsv1.ControllerRevision {
	for _, r := range v.Revisions {
		if hash != "" && r.Labels[hashLabel] == hash {
			return r
		}
	}
	return nil
}
