package sim

import (
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit/sim/check"
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
	noise   bool // faults of transport are on
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
	s.plan, s.policy = plan, plan.Policy
	if plan.Refused() {
		return fmt.Errorf("the plan is refused: %+v", plan.Checks)
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
			if e.stop.Because.Code == rollout.StopLockLost {
				return // the other one goes on
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
		done := rollout.Decide(s.policy, r, s.goneView(), rollout.NewObserved(s.now, r.Epoch), s.now).Done
		s.final = &end{why: "done", done: done}
		return
	}
	s.final = &end{why: "stopped", stop: &rollout.Stop{Because: rollout.Cause{Code: rollout.StopGone}}}
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

// History is what the checker judges.
func (s *Sim) History() *check.History {
	h := &check.History{
		Writes: s.journal, Namespace: Namespace, DaemonSet: Name, Original: s.armed, LeaseDuration: leaseDuration,
		Slack: staleFor + time.Second, Reported: map[string]bool{},
	}
	if s.plan != nil {
		h.Budget = s.plan.Ceiling
		h.Soak = max(s.policy.Soak.Duration, time.Duration(s.w.MinReady)*time.Second)
		for _, g := range s.policy.Gates {
			switch g.When {
			case rollout.BeforeNode:
				h.GatesBefore = append(h.GatesBefore, g.Name)
			case rollout.AfterNode:
				h.GatesAfter = append(h.GatesAfter, g.Name)
			}
		}
	}
	if s.final != nil && s.final.done != nil {
		h.Ended = string(s.final.done.Outcome)
		for _, l := range s.final.done.Left {
			h.Reported[l.Node] = h.Reported[l.Node] || l.What != rollout.LeftStrategy
			if l.What == rollout.LeftStrategy {
				h.Reported[""] = true
			}
		}
	}
	return h
}

// Violations are those of the invariants, and those of liveness: a run ends,
// and one in a calm world ends well.
func (s *Sim) Violations() []string {
	var out []string
	for _, v := range check.Check(s.History()) {
		out = append(out, v.String())
	}
	if s.final == nil {
		out = append(out, "G9: the run has not ended: "+s.where())
		return out
	}
	if s.w.Calm {
		out = append(out, s.calm()...)
	}
	return out
}

func (s *Sim) calm() []string {
	if s.final.done == nil || s.final.done.Exit != rollout.ExitDone {
		return []string{fmt.Sprintf("G9: a calm run ended in %s %+v", s.final.why, s.final)}
	}
	var out []string
	for _, p := range s.pods {
		if p.Owner.Kind == "DaemonSet" && p.Labels["controller-revision-hash"] != "h-v2" {
			out = append(out, "G8: pod "+p.Name+" on "+p.EffectiveNode()+" is not of the target at the end")
		}
	}
	if got := string(s.ds.Spec.UpdateStrategy.Type); got != s.armed {
		out = append(out, "G6: the strategy is "+got+" at the end, it was "+s.armed)
	}
	for _, n := range s.nodes {
		if n.Spec.Unschedulable {
			out = append(out, "G4: node "+n.Name+" is cordoned at the end")
		}
	}
	return out
}

// where says what the run last did.
func (s *Sim) where() string {
	var b strings.Builder
	if s.lastRun != nil {
		fmt.Fprintf(&b, "phase %s because %+v, in flight %d", s.lastRun.Phase, s.lastRun.Because, len(s.lastRun.InFlight))
	}
	fmt.Fprintf(&b, ", %d processes, %d rests, %d writes", s.drivers, s.rests, len(s.journal))
	return b.String()
}

// Tail prints the last writes, for a failing seed.
func (s *Sim) Tail(around, n int) string {
	var b strings.Builder
	to := len(s.journal)
	if around >= 0 {
		to = min(to, around+3)
	}
	for i := max(0, to-n); i < to; i++ {
		w := &s.journal[i]
		fmt.Fprintf(&b, "%5d %9s %-22s %-7s %s/%s", i, w.At.Sub(s.begun).Truncate(10*time.Millisecond), w.Actor, w.Verb, w.Kind, w.Name)
		if w.Kind == "Pod" && w.Post != nil {
			fmt.Fprintf(&b, " on %s %s ready=%v deleted=%v restarts=%d", w.Post.Pod.Node, w.Post.Labels["controller-revision-hash"], w.Post.Pod.Ready, w.Post.Pod.Deleted, w.Post.Pod.Restarts)
		}
		if w.Kind == "Node" && w.Post != nil {
			fmt.Fprintf(&b, " cordoned=%v ready=%s mark=%s taints=%v", w.Post.Node.Unschedulable, w.Post.Node.Ready, w.Post.Annotations[rollout.MarkAnnotation], w.Post.Node.Taints)
		}
		if w.Kind == "DaemonSet" && w.Post != nil {
			fmt.Fprintf(&b, " %s %s arm=%s", w.Post.DaemonSet.Strategy, w.Post.DaemonSet.Template, w.Post.Annotations[rollout.ArmAnnotation])
		}
		if w.Kind == "Lease" && w.Post != nil && (w.Pre == nil || w.Pre.Lease.Run != w.Post.Lease.Run) {
			fmt.Fprintf(&b, " epoch=%d %s", w.Post.Lease.Epoch, shorten(w.Post.Lease.Run))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// shorten keeps what changes of a stored run.
func shorten(run string) string {
	i := strings.Index(run, `"waves":`)
	if j := strings.Index(run, `"phase":`); j > 0 {
		i = j
	}
	return run[max(0, i):]
}
