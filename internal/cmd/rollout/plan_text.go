package rollout

import (
	"io"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/kubectl-ds/kubectl-ds/internal/present"
)

// view is the plan for the screen.
func (p *planned) view(commandFlags string) *present.PlanView {
	server := p.Snapshot.Source.Server
	if p.Live == nil {
		server = "" // nobody was asked there
	}
	open, opens := p.Plan.Policy.Open(p.Now, zonesKnown(p.Plan.Policy))
	if open {
		opens = time.Time{}
	}
	return &present.PlanView{
		Opens: opens, Plan: p.Plan, Context: contextOf(p.Snapshot), Server: server,
		Change: p.Change.words, ChangedBy: p.ChangedBy, ChangedAt: p.ChangedAt, Now: p.Now,
		Limit: limitOf(&p.DaemonSet.Spec.UpdateStrategy), CommandFlags: commandFlags,
	}
}

// limitOf is what the strategy allows now.
func limitOf(s *appsv1.DaemonSetUpdateStrategy) string {
	u := s.RollingUpdate
	switch {
	case s.Type != appsv1.RollingUpdateDaemonSetStrategyType || u == nil:
		return ""
	case u.MaxSurge != nil && u.MaxSurge.String() != "0" && u.MaxSurge.String() != "0%":
		return "maxSurge " + u.MaxSurge.String()
	case u.MaxUnavailable != nil:
		return "maxUnavailable " + u.MaxUnavailable.String()
	}
	return ""
}

// writePlan writes the screen of a plan: with -o wide, a row a node after it.
func writePlan(w io.Writer, v *present.PlanView, o present.Options) error {
	if err := present.WritePlan(w, v, o); err != nil || !o.Wide || o.Quiet {
		return err
	}
	if _, err := io.WriteString(w, "\n"); err != nil {
		return err
	}
	return present.WritePlanNodes(w, v, o)
}
