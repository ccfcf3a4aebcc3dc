package sim

import (
	"fmt"
	"strings"
	"time"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit/sim/check"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// History is what the checker judges.
func (s *Sim) History() *check.History {
	h := &check.History{
		Writes: s.journal, Namespace: Namespace, DaemonSet: Name, Original: s.armed, HoldersAreActors: true, LeaseDuration: leaseDuration,
		Slack: staleFor + time.Second, Reported: map[string]bool{},
	}
	if s.plan != nil {
		h.Budget, h.Planned = s.plan.Ceiling, s.planned
		if s.w.Change {
			h.Brings = "v2"
		}
		h.ByZone = s.policy.OneZoneAtATime != nil && *s.policy.OneZoneAtATime
		h.Soak = max(s.policy.Soak.Duration, time.Duration(s.w.MinReady)*time.Second)
		for _, g := range s.policy.Gates {
			switch g.When {
			case rollout.BeforeNode:
				h.GatesBefore = append(h.GatesBefore, g.Name)
			case rollout.AfterNode:
				h.GatesAfter = append(h.GatesAfter, g.Name)
			default:
			}
		}
	}
	if s.final != nil && s.final.done != nil {
		h.Ended, h.ByNode, h.Clean = string(s.final.done.Outcome), true, s.final.done.Exit == rollout.ExitDone
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
	if stop := s.final.stop; stop != nil && (stop.Because.Code == rollout.StopStale || stop.Because.Code == rollout.StopMisfit) {
		out = append(out, s.calledOff()...)
	}
	return out
}

// calledOff is a run that must not have changed anything.
func (s *Sim) calledOff() []string {
	var out []string
	if s.lease != nil {
		out = append(out, "G4: the lease of a run that was called off stays")
	}
	for i := range s.journal {
		if w := &s.journal[i]; w.Ours && w.Kind != "Lease" {
			out = append(out, fmt.Sprintf("G4: a run that was called off has written: %s %s %s", w.Verb, w.Kind, w.Name))
		}
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
