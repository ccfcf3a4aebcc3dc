package rollout

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Decide returns the next step of a run. It is level-triggered: it looks at
// what there is, and never at what it decided before.
//
// The order of its questions is the order of its rules: is this still the
// object that the run is about; what do people ask; is the strategy still ours
// and the template still the target; what lands; what fails; and only then
// what is started.
func Decide(p *Policy, r *Run, v *View, o *Observed, now time.Time) Decision {
	d := newDecider(p, r, v, o, now)
	if dec := d.identity(); dec != nil {
		return *dec
	}
	if v.LeaseGone {
		if r.Phase == Ended {
			return Over(d.r)
		}
		return d.stop(StopLeaseGone, "by hand, or by another driver that has ended the run")
	}
	if v.Unread != "" {
		return d.wait(Cause{Code: WaitRead, Message: v.Unread})
	}
	if o.Epoch > r.Epoch {
		d.next().Epoch = o.Epoch
		return d.save("took over")
	}
	if dec := d.asked(); dec != nil {
		return *dec
	}
	switch r.Phase {
	case Arming:
		return d.arming()
	case Running, Undoing:
		return d.running()
	case Paused, Stopped:
		return d.resting()
	case Aborting, Finishing:
		return d.ending()
	default:
		return act(&DeleteLease{ResourceVersion: v.LeaseVersion})
	}
}

// decider is the work on one decision.
type decider struct {
	p        *Policy
	r        *Run
	v        *View
	o        *Observed
	now      time.Time
	minReady int32
	work     *Run // what is to be saved; nil while nothing is
	classes  []class
	drifted  bool // the template is not the target
}

func newDecider(p *Policy, r *Run, v *View, o *Observed, now time.Time) *decider {
	d := &decider{p: p, r: r, v: v, o: o, now: now}
	if v.DaemonSet != nil {
		d.minReady = v.DaemonSet.Spec.MinReadySeconds
		d.drifted = r.Target.Hash != "" && r.Target.Generation != v.templateGeneration()
	}
	return d
}

// next is a copy of the run to change and save.
func (d *decider) next() *Run {
	if d.work == nil {
		d.work = d.r.DeepCopy()
	}
	return d.work
}

// asked takes what people ask, before anything else is decided: whoever
// pauses a run must not see another pod deleted after it.
func (d *decider) asked() *Decision {
	if len(d.v.Intents) == 0 {
		return nil
	}
	if !d.next().take(d.v.Intents, d.v, d.now) {
		d.work = nil
		return nil
	}
	dec := d.save("took what was asked")
	return &dec
}

func (d *decider) save(why string) Decision {
	for i := range d.next().InFlight {
		d.noteStep(&d.work.InFlight[i])
	}
	return act(&SaveRun{Run: d.next(), Intents: d.openIntents(), ResourceVersion: d.v.LeaseVersion, Why: why})
}

// noteStep stores where a node in flight stands, for whoever reads the Lease
// without looking at the cluster. Nothing is decided by it.
func (d *decider) noteStep(f *Flight) {
	n := d.v.Node(f.Node)
	switch {
	case n == nil || d.v.DaemonSet == nil || n.Node.UID != f.NodeUID || !d.replaced(n, f):
	case d.proof(n, f) == nil:
		f.Step = StepReplace
	default:
		f.Step = StepProve
	}
}

// openIntents are those that the saved run has not taken.
func (d *decider) openIntents() []Intent {
	var out []Intent
	for _, in := range d.v.Intents {
		if !slices.Contains(d.work.Handled, in.ID) {
			out = append(out, in)
		}
	}
	return out
}

// rest saves that the run pauses or stops.
func (d *decider) rest(phase Phase, c Cause) Decision {
	at := metav1.NewTime(d.now.UTC().Truncate(time.Second))
	c.Since = &at
	n := d.next()
	n.Phase, n.Because = phase, &c
	return d.save(string(c.Code))
}

func (d *decider) wait(because ...Cause) Decision {
	return Decision{Wait: &Wait{Because: because}}
}

// stop ends without a word in the Lease: nothing that is stored could help.
func (d *decider) stop(code Code, message string) Decision {
	return Decision{Stop: &Stop{Because: Cause{Code: code, Message: message}, Exit: ExitStopped, Left: d.r.Left}}
}

// identity holds the run to the one DaemonSet that it is about. Where that is
// gone, nodes that were cordoned for it are given back, and nothing else is
// written.
func (d *decider) identity() *Decision {
	var out Decision
	src := &d.v.Snapshot.Source
	switch ds := d.v.DaemonSet; {
	case src.ClusterUID != "" && d.r.ClusterUID != "" && src.ClusterUID != d.r.ClusterUID:
		out = d.stop(StopCluster, "the run is of another cluster")
		return &out
	case d.o.Epoch < d.r.Epoch:
		out = d.stop(StopLockLost, "another driver has taken the run over")
		return &out
	case d.v.Unread != "":
		return nil
	case ds != nil && ds.UID == d.r.UID && ds.DeletionTimestamp == nil:
		return nil
	case d.r.Phase == Ended:
		return nil
	case ds != nil && ds.UID != d.r.UID:
		out = d.stop(StopRecreated, "this run knows nothing of the new one")
	default:
		out = d.stop(StopGone, "")
	}
	if a := d.uncordonAny(func(string) bool { return true }); a != nil {
		out = act(a)
	}
	return &out
}

// arming takes the strategy over and pins the target.
func (d *decider) arming() Decision {
	armed, err := ArmedOf(d.v.DaemonSet)
	if err != nil {
		return d.stop(StopFlip, err.Error())
	}
	mine := armed != nil && armed.Run == d.r.ID
	if !mine && (d.r.Change || !d.v.onDelete() || armed != nil) {
		// Whoever else armed it is gone: there is one Lease for a DaemonSet, and
		// this process holds it. What an ended run left armed is taken over.
		if d.r.Change && d.o.Template == nil {
			// The template is never stored, so nobody can bring it any more.
			return d.rest(Stopped, Cause{Code: StopChange, Message: "the process that was to bring the new template ended before it did: abort, and start again"})
		}
		if why := d.mayNotArm(); why != nil {
			return d.calledOff(*why)
		}
		return act(d.arm(armed, d.o.Template))
	}
	if !mine && d.stale() {
		return d.calledOff(d.changedSince())
	}
	if d.overtaken() {
		// Who resumes it has seen what is there, and that is the target then.
		d.next().Before = Planned{}
		return d.rest(Paused, Cause{Code: PauseTemplate, Message: "by " + d.lastWriter("f:spec", "f:template") + ", right after the run took over; resume rolls out what is there"})
	}
	cur := d.v.current()
	switch {
	case !d.v.settled():
		return d.wait(Cause{Code: WaitObserved})
	case cur == nil || cur.Labels[hashLabel] == "":
		return d.wait(Cause{Code: WaitRevision})
	}
	n := d.next()
	n.Target, n.Phase = d.v.pin(cur), Running
	return d.save("pinned the target")
}

// ArmedByHand stands for the run where the subcommand arm armed the DaemonSet.
const ArmedByHand = "arm"

func (d *decider) arm(was *Armed, template *templateSpec) *Arm {
	ds := d.v.DaemonSet
	a := &Arm{UID: ds.UID, ResourceVersion: ds.ResourceVersion, Template: template,
		Armed: Armed{Run: d.r.ID, Original: d.r.Original, Rearms: d.r.Rearms}}
	if was != nil {
		a.Armed.Original = was.Original
	}
	return a
}

// Over is what a run that has ended came to, as its driver tells it: Done, or
// Stop where it was called off before anything was changed.
func Over(r *Run) Decision {
	if r.Outcome == "" && r.Because != nil {
		return Decision{Stop: &Stop{Because: *r.Because, Exit: ExitStopped}}
	}
	done := &Done{Outcome: r.Outcome, Nodes: r.Nodes, Left: r.Left}
	undone := r.Outcome == OutcomeUndone && (r.Undo == nil || !r.Undo.Asked)
	if r.Outcome == OutcomeAborted || undone || slices.ContainsFunc(r.Left, Left.bad) {
		done.Exit = ExitStopped
	}
	return Decision{Done: done}
}
