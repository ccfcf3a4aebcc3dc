package rollout

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// mayNotArm says why the run must not take the DaemonSet over as it is now: it
// was planned for another template, or the one that it brings does not fit
// nodes as they are now. nil where it may.
func (d *decider) mayNotArm() *Cause {
	if d.stale() {
		c := d.changedSince()
		return &c
	}
	if d.o.Template == nil {
		return nil
	}
	if list := d.v.misfits(d.o.Template); len(list) > 0 {
		return &Cause{Code: StopMisfit, Message: misfitWords("it", list) + "; " + mendMisfits}
	}
	return nil
}

// stale reports whether the template is not the one that the plan was made
// from: a run that brings one would take back what somebody has changed since,
// and one that brings none would roll out what nobody has seen.
func (d *decider) stale() bool {
	return d.r.Before.Sum != "" && d.r.Before.Sum != TemplateSum(&d.v.DaemonSet.Spec.Template)
}

func (d *decider) changedSince() Cause {
	return Cause{Code: StopStale, Message: "by " + d.lastWriter("f:spec", "f:template") + ": plan again, and start"}
}

// calledOff ends a run that has changed nothing: only its Lease goes.
func (d *decider) calledOff(why Cause) Decision {
	at := metav1.NewTime(d.now.UTC().Truncate(time.Second))
	why.Since = &at
	n := d.next()
	n.Phase, n.Because = Ended, &why
	return d.save(string(why.Code))
}

// overtaken reports whether somebody changed the template after the run was
// armed and before its target was pinned. The template that a run brings cannot
// be told by its sum, since the server adds defaults to it, but its write
// raises the generation by one.
func (d *decider) overtaken() bool {
	before := d.r.Before
	if !d.r.Change {
		return d.stale()
	}
	return before.Generation > 0 && d.v.templateGeneration() > before.Generation+1
}
