package coverage

// second looks at verdicts again that depend on those of other nodes: whether
// an exclusion looks unintended, whether an architecture is at fault, and which
// node was examined of those that are alike.
func (a *analysis) second() {
	hidden := a.mostlyHidden()
	for i := range a.out.everywhere {
		v := a.out.everywhere[i].failing()
		switch {
		case v.State == Excluded && !v.Settling:
			a.suspect(v, hidden)
		case v.notExamined():
			a.pointToLike(v)
		}
	}
	a.blameArch()
}

// suspect marks an exclusion that looks unintended.
func (a *analysis) suspect(v *Verdict, hidden map[TaintEvidence]bool) {
	switch v.Reason {
	case AffinityInvalid:
		v.Suspect = true
	case SelectorMismatch:
		a.nearMisses(v)
		a.siblings(v)
	case TaintStructural:
		a.siblings(v)
		if t, one := oneTaint(v.Detail.Evidence.Taints); one && hidden[t] {
			v.Suspect = true
		}
	default: // what keeps the pod away is meant, or passes
	}
}

// mostlyHidden returns the structural taints that alone keep the DaemonSet off
// more than half of the nodes that it selects: its status is green while most
// of the cluster goes without.
func (a *analysis) mostlyHidden() map[TaintEvidence]bool {
	out := map[TaintEvidence]bool{}
	a.hiding = a.hidingTaints()
	for _, h := range a.hiding {
		if len(h.nodes)*2 > h.of {
			out[h.taint] = true
		}
	}
	return out
}

// pointToLike names the node that was examined for all that are like this one.
func (a *analysis) pointToLike(v *Verdict) {
	if like, ok := a.rooms[shape(a.ix.s.Nodes[v.Node], &a.ix.s.Pods[v.Pod])]; ok {
		v.Detail.Evidence.Room.LikeNode = a.ix.s.Nodes[like].Name
	}
}

// blameArch adds ArchMismatch to pods that crash or fail where exactly one
// architecture fails and all others are well. The new pods of a surge count as
// any other: the old ones beside them say nothing of the image.
func (a *analysis) blameArch() {
	var failing, healthy []int32
	var marked []*Verdict
	for i := range a.out.everywhere {
		v := a.out.everywhere[i].failing()
		switch v.Reason {
		case CrashLoop, RunError, CreateError, InitFailing, Failed:
			failing = append(failing, v.Node)
			marked = append(marked, v)
		default: // is well, or says nothing of the image
		}
	}
	if len(marked) == 0 {
		return
	}
	for i := range a.out.everywhere {
		if v := &a.out.everywhere[i]; v.Reason == Current {
			healthy = append(healthy, v.Node)
		}
	}
	if onlyArch(a.ix.s.Nodes, failing, healthy) == "" {
		return
	}
	for _, v := range marked {
		v.Detail.Contributing = append(v.Detail.Contributing, ArchMismatch)
	}
}
