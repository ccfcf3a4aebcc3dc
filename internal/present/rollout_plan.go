package present

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// PlanView is a plan with what stands around it on the screen.
type PlanView struct {
	Plan    *rollout.Plan
	Context string
	Server  string
	// Change is what is new, as rollout.TemplateDiff tells it.
	Change    []string
	ChangedBy string // who brought the template, where nobody asks for another
	ChangedAt time.Time
	Now       time.Time
	// Opens is when the next window of the policy opens; zero inside one.
	Opens time.Time
	// Limit is what the strategy allows now, as in "maxUnavailable 2%".
	Limit string
	// CommandFlags are repeated in printed commands, as in "--context prod".
	CommandFlags string
	// Asks is set where the same plan is shown before the question of start.
	Asks bool
}

// WritePlan writes what a run would do: head, checks, waves, and why it cannot
// start where it cannot.
func WritePlan(w io.Writer, v *PlanView, o Options) error {
	p, s := v.Plan, newSheet(o, 11)
	where := headOf(p.Namespace, p.Name, v.Context)
	if v.Server != "" {
		where += " (" + v.Server + ")"
	}
	promise := ". Nothing is written."
	if v.Asks {
		promise = ". Nothing is written yet."
	}
	s.says(strong, "Plan", " for "+where+promise)
	if o.Quiet {
		planVerdict(s, v)
		return s.writeTo(w)
	}
	s.blank()
	planFacts(s, v)
	if err := s.grid(checkGrid(v, o)); err != nil {
		return err
	}
	if len(p.Waves) > 0 {
		if err := s.grid(waveGrid(p, o)); err != nil {
			return err
		}
	}
	s.blank()
	planVerdict(s, v)
	return s.writeTo(w)
}

// planVerdict is the last line.
func planVerdict(s *sheet, v *PlanView) {
	p := v.Plan
	for _, c := range p.Checks {
		if c.Result == rollout.CheckRefuse {
			s.says(bad, "Cannot start", ": "+strings.Replace(c.Detail, "missing: ", "not allowed to ", 1)+wayOut(c.Fix, v.CommandFlags))
		}
	}
	switch {
	case p.Refused():
	case p.Idle():
		s.say("Nothing to do: no pod of another revision runs on a node that the policy selects.")
	case p.Places() == 0: // to act on a node that is down costs none
		s.say(fmt.Sprintf("Can start: %s, at most %d at a time. No place is free, so one that works waits until nodes that are down are mended.", plural(p.Updates, "pod"), p.AtOnce()))
	default:
		s.say(fmt.Sprintf("Can start: %s, at most %d at a time.", plural(p.Updates, "pod"), p.AtOnce()))
	}
}

// wayOut is the way out as the next sentence.
func wayOut(fix, flags string) string {
	if fix == "" {
		return ""
	}
	if strings.HasPrefix(fix, "print the role that grants it: ") {
		return ". The role that grants it: " + rollout.Command(flags, "kubectl", "ds-rollout", "rbac")
	}
	if strings.HasPrefix(fix, "--") {
		return ". Insist: " + fix
	}
	return ". " + strings.ToUpper(fix[:1]) + fix[1:]
}

func planFacts(s *sheet, v *PlanView) {
	p := v.Plan
	s.fact("change", changeText(v))
	s.fact("", strings.Join(inOneLine(v.Change), "; "))
	s.fact("strategy", strategyText(v))
	s.fact("ceiling", ceilingText(p, s.o))
	s.fact("time", timeText(p))
	s.fact("", slowerText(p))
	s.fact("window", windowText(v))
	s.fact("each node", eachNode(p))
	s.fact("untouched", leftAlone(p, s.o))
}
