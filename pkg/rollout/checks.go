package rollout

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/kubectl-ds/kubectl-ds/pkg/coverage"
)

// CheckResult is the outcome of one check of a plan.
type CheckResult string

// Outcomes.
const (
	CheckOK     CheckResult = "ok"
	CheckWarn   CheckResult = "warn"
	CheckRefuse CheckResult = "refuse" // start would refuse
)

// Check is one line of a plan.
type Check struct {
	Name   string      `json:"check"`
	Result CheckResult `json:"result"`
	Detail string      `json:"detail"`
	Fix    string      `json:"fix,omitempty"`
	Nodes  []string    `json:"nodes,omitempty"`
}

// Refused reports whether start would refuse.
func (pl *Plan) Refused() bool {
	return slices.ContainsFunc(pl.Checks, func(c Check) bool { return c.Result == CheckRefuse })
}

func (pl *planner) checks(p *Policy) {
	for _, c := range []Check{
		pl.permissions(), pl.lock(), pl.owner(p), pl.eligibility(), pl.disruption(p), pl.baseline(), pl.surge(p), pl.way(p), pl.others(p), pl.work(),
	} {
		if c.Name != "" {
			pl.out.Checks = append(pl.out.Checks, c)
		}
	}
}

func (pl *planner) permissions() Check {
	if len(pl.in.Denied) == 0 {
		return Check{Name: "permissions", Result: CheckOK, Detail: "none is missing"}
	}
	return Check{Name: "permissions", Result: CheckRefuse, Detail: "missing: " + names(pl.in.Denied), Fix: "print the role that grants it: kubectl ds-rollout rbac"}
}

func (pl *planner) lock() Check {
	if pl.in.HeldBy == "" {
		return Check{}
	}
	return Check{Name: "lock", Result: CheckRefuse, Detail: "a run is there already: " + pl.in.HeldBy, Fix: cmp.Or(pl.in.HeldFix, "resume it, or abort it")}
}

// eligibility is about the template as it will be.
func (pl *planner) eligibility() Check {
	if list := pl.misfits; len(list) > 0 {
		c := Check{Name: "eligibility", Result: CheckRefuse, Detail: misfitWords("the new template", list), Fix: mendMisfits}
		for _, m := range list {
			c.Nodes = append(c.Nodes, m.node)
		}
		return c
	}
	var gone []string
	total := 0
	for i := range pl.out.Nodes {
		n := &pl.out.Nodes[i]
		if n.Verdict == WillUpdate || n.Verdict == WouldNotComeBack {
			total++
		}
		if n.Verdict == WouldNotComeBack {
			gone = append(gone, n.Node)
		}
	}
	if len(gone) == 0 {
		return Check{Name: "eligibility", Result: CheckOK, Detail: fmt.Sprintf("%d of %d pods would come back", total, total)}
	}
	c := Check{Name: "eligibility", Result: CheckWarn, Nodes: gone, Fix: "tolerate the taint or restore the label, or accept that they stay on the old revision",
		Detail: fmt.Sprintf("%d of %d pods would not come back and are left alone: %s", len(gone), total, names(gone))}
	if pl.out.Arms {
		c.Detail += "; the strategy then stays OnDelete"
	}
	return c
}

// baseline is about nodes that were down before. One whose pod is on its way,
// as in a rolling update that is taken over, is waited for, and not refused.
func (pl *planner) baseline() Check {
	c := Check{Name: "baseline", Result: CheckOK, Detail: "every node of the scope has an available pod"}
	if len(pl.out.Fenced) > 0 {
		return Check{Name: "baseline", Result: CheckWarn, Nodes: pl.out.Fenced,
			Detail: names(pl.out.Fenced) + " down before, and set aside: not counted until the run touches them"}
	}
	if len(pl.out.Down) == 0 {
		return c
	}
	var broken []string
	reason := ""
	for _, n := range pl.out.Down {
		// What crashes is broken from the first crash on, however young it is.
		if v := pl.v.verdict(n, pl.in.Now); v == nil || !passing(v) && (!v.Settling || v.State != coverage.Missing) {
			broken = append(broken, n)
			if v != nil {
				reason = " (" + string(v.Reason) + ")"
			}
		}
	}
	if len(broken) != 1 {
		reason = ""
	}
	c.Result, c.Nodes = CheckWarn, pl.out.Down
	switch {
	case len(broken) == 0:
		c.Detail = names(pl.out.Down) + ": between pods now, counted until one is available"
	case len(broken) >= pl.out.Ceiling:
		c.Result, c.Nodes = CheckRefuse, broken
		c.Detail = fmt.Sprintf("%d of %d is taken by %s%s", min(len(broken), pl.out.Ceiling), pl.out.Ceiling, names(broken), reason)
		c.Fix = "raise --max-unavailable, or set " + them(len(broken)) + " aside: --fence-broken"
	default:
		c.Detail = names(broken) + reason + " is down and counts"
		if len(broken) > 1 {
			c.Detail = names(broken) + " are down and count"
		}
		c.Fix = "--fence-broken leaves " + them(len(broken)) + " out of the ceiling"
	}
	return c
}

func them(n int) string {
	if n == 1 {
		return "it"
	}
	return "them"
}

// surge: OnDelete replaces with a gap where maxSurge promised none, and the
// flip kills surging pods (rollout.md e-6).
func (pl *planner) surge(p *Policy) Check {
	u := pl.ds.Spec.UpdateStrategy.RollingUpdate
	if !pl.out.Arms || u == nil || u.MaxSurge == nil || scaled(*u.MaxSurge, 100) == 0 {
		return Check{}
	}
	c := Check{Name: "surge", Result: CheckRefuse, Fix: "--accept-gap",
		Detail: "maxSurge " + u.MaxSurge.String() + " is set: under OnDelete each node is without a pod for a while, and pods that surge now are deleted"}
	if p.AcceptGap {
		c.Result, c.Fix = CheckWarn, ""
	}
	return c
}

// way is about the way back.
func (pl *planner) way(p *Policy) Check {
	if p.OnFailure != FailUndo && p.OnFailure != FailHold {
		return pl.farther()
	}
	if pl.out.From.Hash == "" {
		return Check{Name: "undo", Result: CheckRefuse, Detail: "no older revision runs anywhere that onFailure " + string(p.OnFailure) + " could go back to", Fix: "--on-failure pause"}
	}
	if l := pl.ds.Spec.RevisionHistoryLimit; l != nil && *l == 0 {
		return Check{Name: "undo", Result: CheckRefuse, Detail: "revisionHistoryLimit is 0: the older revision goes with its last pod", Fix: "raise spec.revisionHistoryLimit"}
	}
	if t, err := TemplateOf(pl.v.revisionByHash(pl.out.From.Hash)); err == nil {
		if list := pl.v.misfits(t); len(list) > 0 {
			return Check{Name: "undo", Result: CheckRefuse, Fix: "--on-failure pause", Detail: misfitWords("the template of revision "+numberOr(pl.out.From), list)}
		}
	}
	return Check{Name: "undo", Result: CheckOK, Detail: fmt.Sprintf("back to revision %d", pl.out.From.Number)}
}

// farther tells of a way back that is longer than one might think: after an
// update that was left half way most pods run an older template than that which
// is there.
func (pl *planner) farther() Check {
	if pl.in.Template == nil || pl.out.From.Hash == "" || len(pl.v.Revisions) == 0 {
		return Check{}
	}
	now := pl.v.Revisions[0]
	if now.Labels[hashLabel] == pl.out.From.Hash {
		return Check{}
	}
	return Check{Name: "undo", Result: CheckWarn, Detail: fmt.Sprintf("undo would go back to revision %d, which most pods run, not to %d, the template as it is", pl.out.From.Number, now.Revision)}
}

// work tells a run that has nothing to do.
func (pl *planner) work() Check {
	if pl.out.Updates > 0 || pl.in.Template != nil {
		return Check{}
	}
	return Check{Name: "work", Result: CheckOK, Detail: "nothing to do: no pod of another revision runs on a node that the policy selects"}
}

// Idle reports whether there is nothing to do: start says so and writes
// nothing.
func (pl *Plan) Idle() bool { return pl.Updates == 0 && !pl.Change }
