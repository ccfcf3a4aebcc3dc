package coverage

import "math"

// summarize counts the verdicts.
func (a *analysis) summarize() {
	s := &a.out.Summary
	for i := range a.out.Verdicts {
		s.add(&a.out.Verdicts[i])
	}
	s.finish()
}

func (s *Summary) add(v *Verdict) {
	s.Nodes++
	s.addState(v.State)
	if v.State == Unknown && v.Serves {
		s.UnknownRevision++
	}
	if v.Hidden {
		s.Hidden++
	}
	if v.Suspect {
		s.Suspect++
	}
	if v.Settling {
		s.addSettling(v)
	}
	if v.Steady && v.State != Unknown {
		s.Steady.ShouldRun++
		if v.covered() || v.Serves {
			s.Steady.Covered++
		}
	}
}

func (s *Summary) addState(state State) {
	switch state {
	case Covered:
		s.Covered++
	case Outdated:
		s.Outdated++
	case Unready:
		s.Unready++
	case Missing:
		s.Missing++
	case Misplaced:
		s.Misplaced++
	case Excluded:
		s.Excluded++
	case Unknown:
		s.Unknown++
	default:
		// An invalid state must never look like nothing.
		s.Unknown++
	}
}

// addSettling counts a verdict that may be only a matter of time.
func (s *Summary) addSettling(v *Verdict) {
	s.Settling++
	switch {
	case v.State.Gap():
		s.SettlingGaps++
	case v.State == Outdated:
		s.SettlingOutdated++
	case v.State == Misplaced:
		s.SettlingMisplaced++
	}
	if v.Hidden {
		s.SettlingHidden++
	}
}

// merge adds the counts of another summary.
func (s *Summary) merge(o *Summary) {
	s.Nodes += o.Nodes
	s.Covered += o.Covered
	s.Outdated += o.Outdated
	s.Unready += o.Unready
	s.Missing += o.Missing
	s.Misplaced += o.Misplaced
	s.Excluded += o.Excluded
	s.Unknown += o.Unknown
	s.UnknownRevision += o.UnknownRevision
	s.Hidden += o.Hidden
	s.Suspect += o.Suspect
	s.Settling += o.Settling
	s.SettlingGaps += o.SettlingGaps
	s.SettlingOutdated += o.SettlingOutdated
	s.SettlingMisplaced += o.SettlingMisplaced
	s.SettlingHidden += o.SettlingHidden
	s.Steady.ShouldRun += o.Steady.ShouldRun
	s.Steady.Covered += o.Steady.Covered
}

// finish sets what follows from the counts.
func (s *Summary) finish() {
	s.ShouldRun = s.Covered + s.Outdated + s.Unready + s.Missing
	s.Gaps = s.Unready + s.Missing
	s.Coverage = percent(s.Covered+s.Outdated, s.ShouldRun)
	s.Steady.Coverage = percent(s.Steady.Covered, s.Steady.ShouldRun)
}

// percent is part of whole in percent with two places, cut and never rounded
// up: 100 means all. Nil where whole is 0.
func percent(part, whole int) *float64 {
	if whole == 0 {
		return nil
	}
	v := math.Floor(float64(part)*10000/float64(whole)) / 100
	return &v
}

// Summary counts the verdicts of all DaemonSets.
func (r *Result) Summary() ListSummary {
	var s ListSummary
	for i := range r.DaemonSets {
		s.merge(&r.DaemonSets[i].Summary)
	}
	s.DaemonSets, s.LiveNodes = len(r.DaemonSets), r.liveNodes()
	s.finish()
	return s
}

func (r *Result) liveNodes() int {
	if r.Options.Nodes == nil {
		return len(r.Snapshot.Nodes)
	}
	n := 0
	for _, node := range r.Snapshot.Nodes {
		if r.Options.Nodes(node) {
			n++
		}
	}
	return n
}
