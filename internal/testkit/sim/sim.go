package sim

import (
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// Sim is one simulated run.
type Sim struct {
	*Cluster
	w       *World
	drivers int
	running int // of them
	gen     int // of intents
	ends    []end
	final   *end // the run is over
	rests   int
	armed   string // strategy before
	begun   time.Time
	policy  *rollout.Policy
	plan    *rollout.Plan
	planned string // the template that it was made from
	noise   bool   // faults of transport are on
}

// limit is how long a run may take, virtually, after the world has gone quiet.
const limit = 6 * time.Hour

// quietAfter is when faults stop.
const quietAfter = 40 * time.Minute

// Run plays the world to its end.
func Run(w *World) (*Sim, error) {
	s := &Sim{Cluster: build(w), w: w, noise: true}
	s.armed = "RollingUpdate"
	if w.OnDelete {
		s.armed = "OnDelete"
	}
	if err := s.begin(); err != nil {
		return s, err
	}
	for _, ch := range w.Chaos {
		s.after(ch.at, func() {
			if s.final == nil {
				ch.do(s)
			}
		})
	}
	if w.Rival {
		s.rival()
	}
	s.after(quietAfter, func() { s.noise = false })
	end := s.now.Add(limit)
	for s.final == nil && s.step(end) {
	}
	// What was on its way still arrives.
	end = s.now.Add(2 * leaseDuration)
	for s.final != nil && s.step(end) {
	}
	return s, nil
}

// begin plans, stores the run and starts the first driver.
func (s *Sim) begin() error {
	v := rollout.NewView(s.Snapshot(), Namespace, Name)
	in := rollout.PlanInput{Now: s.now}
	if s.w.Change {
		in.Template = s.templates["v2"]
	}
	plan, err := rollout.MakePlan(v, s.w.Policy, in)
	if err != nil {
		return err
	}
	s.plan, s.policy, s.planned = plan, plan.Policy, templateID(&s.ds.Spec.Template)
	if plan.Refused() {
		return s.refused(plan)
	}
	run, err := plan.Run(rollout.Identity{
		ClusterUID: "c1", Namespace: Namespace, Name: Name, UID: s.ds.UID, ID: "r1", Epoch: 1, Started: metav1.NewTime(s.now),
	}, "")
	if err != nil {
		return err
	}
	s.begun = s.now
	s.lastRun = run
	s.putLease(who{actor: "driver-1", ours: true, verb: "create"}, &lease{
		uid: string(s.uid()), holder: "driver-1", epoch: 1, renewed: s.now, seen: s.now, run: encode(run),
	})
	s.spawn(1, s.w.CrashAt)
	return nil
}

// refused ends a run that cannot start, where the world is to blame for it.
func (s *Sim) refused(plan *rollout.Plan) error {
	for _, c := range plan.Checks {
		if c.Result == rollout.CheckRefuse && (!s.w.Narrow.on || !slices.Contains([]string{"eligibility", "undo", "baseline"}, c.Name)) {
			return fmt.Errorf("the plan is refused: %+v", plan.Checks)
		}
	}
	s.final = &end{why: "refused", stop: &rollout.Stop{Because: rollout.Cause{Code: "PlanRefused"}}}
	return nil
}

// spawn starts a process that holds the Lease at an epoch.
func (s *Sim) spawn(epoch int64, crashAt int) {
	s.drivers++
	s.running++
	d := &driver{
		c: s.Cluster, id: fmt.Sprintf("driver-%d", s.drivers), policy: s.policy, skew: s.w.Skew, epoch: epoch,
		gate: s.gate, ended: s.over, crashAt: crashAt, talks: s.w.Seed%4 == 0,
	}
	if s.noise {
		d.faults = s.w.Faults
	}
	if s.drivers == 1 && s.w.Change {
		d.template = s.templates["v2"]
	}
	d.start()
}

func (s *Sim) gate(key rollout.GateKey, attempt int) rollout.GateOutcome {
	if s.w.Gate == nil {
		return rollout.GatePass
	}
	return s.w.Gate(key, attempt)
}

// over hears how a process ended.
func (s *Sim) over(d *driver, e end) {
	s.ends = append(s.ends, e)
	s.running--
	switch e.why {
	case "done":
		s.final = &e
	case "stopped":
		if !e.stop.Resumable {
			if c := e.stop.Because.Code; c == rollout.StopLockLost || c == rollout.StopLeaseGone {
				s.after(time.Second, s.leftAlone) // the other one goes on, or has ended it
				return
			}
			s.final = &e
			return
		}
		s.rested(e)
	case "rests":
		s.rested(e)
	case "crashed", "lost":
		s.after(s.between(time.Second, 20*time.Second), s.take)
	}
}

// rested lets a person act on a run that rests, and ends it by abort where
// there is none or patience is over.
func (s *Sim) rested(e end) {
	s.rests++
	s.after(s.between(time.Second, time.Minute), func() {
		switch {
		case s.final != nil:
			return
		case s.lease == nil:
			s.nothingLeft()
			return
		case s.w.Person == nil || s.rests > 6:
			s.ask(rollout.Intent{Verb: rollout.VerbAbort})
		default:
			s.w.Person(s, e)
		}
		s.take()
	})
}

// ask writes an intent, as another terminal does.
func (s *Sim) ask(in rollout.Intent) {
	if s.lease == nil {
		return
	}
	s.gen++
	in.ID, in.Run, in.At = fmt.Sprintf("i%d", s.gen), "r1", metav1.NewTime(s.now)
	if in.Verb == rollout.VerbApprove {
		in.Target = s.lastRun.Target.Hash
	}
	list, err := rollout.DecodeIntents([]byte(s.lease.intents))
	if err != nil {
		panic(err)
	}
	b, err := rollout.EncodeIntents(append(list, in))
	if err != nil {
		panic(err)
	}
	_ = s.saveLease(who{actor: "person"}, s.lease.rv, func(l *lease) { l.intents = string(b) })
}

// take is a process that wants to drive: at once where the Lease is free,
// else when it has seen no change for as long as the Lease lasts, by its own
// clock.
func (s *Sim) take() {
	l := s.lease
	if s.final != nil {
		return
	}
	if l == nil {
		s.nothingLeft()
		return
	}
	if l.holder == "" {
		s.takeNow(l)
		return
	}
	seen, since := l.renewed, s.now
	var watch func()
	watch = func() {
		l := s.lease
		switch {
		case s.final != nil:
		case l == nil:
			s.nothingLeft()
		case l.holder == "":
			s.takeNow(l)
		case !l.renewed.Equal(seen):
			if s.living(l.holder) {
				return // it is driven; nothing to do
			}
			seen, since = l.renewed, s.now
			s.after(time.Second, watch)
		case s.now.Sub(since) > leaseDuration:
			s.takeNow(l)
		default:
			s.after(time.Second, watch)
		}
	}
	s.after(time.Second, watch)
}

// nothingLeft is what a process finds that wants to drive and sees no Lease:
// the run has ended, or went with its DaemonSet.
func (s *Sim) nothingLeft() {
	if s.alive() {
		return
	}
	if r := s.lastRun; r.Phase == rollout.Ended {
		dec := rollout.Decide(s.policy, r, s.goneView(), rollout.NewObserved(s.now, r.Epoch), s.now)
		s.final = &end{why: "done", done: dec.Done, stop: dec.Stop}
		return
	}
	s.final = &end{why: "stopped", stop: &rollout.Stop{Because: rollout.Cause{Code: rollout.StopGone}}}
}

// leftAlone ends the run where the other one has ended meanwhile, and left nothing
// to go on with.
func (s *Sim) leftAlone() {
	if s.final == nil && s.lease == nil {
		s.nothingLeft()
	}
}

func (s *Sim) alive() bool { return s.running > 0 }

func (s *Sim) goneView() *rollout.View {
	v := rollout.NewView(s.Snapshot(), Namespace, Name)
	v.LeaseGone = true
	return v
}

func (s *Sim) living(holder string) bool { return holder == fmt.Sprintf("driver-%d", s.drivers) }

func (s *Sim) takeNow(l *lease) {
	epoch := l.epoch + 1
	id := fmt.Sprintf("driver-%d", s.drivers+1)
	err := s.saveLease(who{actor: id, ours: true}, l.rv, func(l *lease) { l.holder, l.epoch, l.renewed = id, epoch, s.now.Add(s.w.Skew) })
	if err == nil {
		s.spawn(epoch, 0)
	}
}

// rival is somebody who starts a second driver again and again, and rightly
// gets nowhere while the first one lives.
func (s *Sim) rival() {
	s.after(s.between(20*time.Second, 2*time.Minute), func() {
		if s.final != nil {
			return
		}
		s.take()
		s.rival()
	})
}
