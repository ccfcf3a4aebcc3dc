package rollout

import "slices"

// DeepCopy returns a copy that shares nothing with p.
func (p *Policy) DeepCopy() *Policy {
	out := *p
	out.MaxUnavailable = clone(p.MaxUnavailable)
	out.Waves = slices.Clone(p.Waves)
	out.CanarySpread = slices.Clone(p.CanarySpread)
	out.Order = slices.Clone(p.Order)
	out.OneZoneAtATime = clone(p.OneZoneAtATime)
	out.Nodes = slices.Clone(p.Nodes)
	out.ExcludeNodes = slices.Clone(p.ExcludeNodes)
	out.Soak = clone(p.Soak)
	out.NodeTimeout = clone(p.NodeTimeout)
	out.Timeout = clone(p.Timeout)
	out.Until = p.Until.DeepCopy()
	out.Windows = slices.Clone(p.Windows)
	out.AllowOwner = slices.Clone(p.AllowOwner)
	if p.Drain != nil {
		out.Drain = clone(p.Drain)
		out.Drain.GracePeriodSeconds = clone(p.Drain.GracePeriodSeconds)
		out.Drain.Timeout = clone(p.Drain.Timeout)
	}
	if p.WaitForJobs != nil {
		out.WaitForJobs = clone(p.WaitForJobs)
		out.WaitForJobs.Timeout = clone(p.WaitForJobs.Timeout)
	}
	out.Gates = slices.Clone(p.Gates)
	for i := range out.Gates {
		g := &out.Gates[i]
		g.Timeout, g.Interval = clone(g.Timeout), clone(g.Interval)
		g.Exec, g.PromQL = slices.Clone(g.Exec), clone(g.PromQL)
	}
	return &out
}

// WithoutCommands returns p as it may be stored: of its gates only names and
// times, never what they run or ask.
func (p *Policy) WithoutCommands() *Policy {
	out := p.DeepCopy()
	for i := range out.Gates {
		out.Gates[i].Probe = Probe{Builtin: out.Gates[i].Builtin}
	}
	return out
}

func clone[T any](p *T) *T {
	if p == nil {
		return nil
	}
	v := *p
	return &v
}
