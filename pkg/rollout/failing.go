package rollout

// broken are nodes that were proven and are down again.
func (d *decider) broken() []Failure {
	var out []Failure
	for _, i := range d.r.Touched {
		m := d.r.Members[i]
		seen := d.o.Nodes[m.Node]
		n, counts := d.counts(i)
		if !counts || d.class(i) == classFlying || d.r.failed(m.Node) || seen.Down.IsZero() || d.now.Sub(seen.Down) <= lostAfter {
			continue
		}
		// A node back on its old pod was released before anything happened.
		if d.down(n) && len(d.old(n)) == 0 {
			out = append(out, *d.failure(m.Node, "its new pod was proven and is no longer available"))
		}
	}
	return out
}

// fail notes failures, and what they lead to when there are too many.
func (d *decider) fail(failures []Failure) Decision {
	n := d.next()
	n.fail(failures)
	if d.standing(d.r)+len(failures) <= int(d.p.MaxFailures) && d.r.Undo == nil {
		return d.save("a node failed")
	}
	first := n.Failed[len(n.Failed)-1]
	why := Cause{Code: StopFailed, Node: first.Node, Message: first.Message}
	switch {
	case d.r.Undo != nil:
		// The way back fails, too: a person has to look.
	case d.p.OnFailure == FailAbort:
		n.Phase, n.Outcome = Aborting, OutcomeAborted
		return d.save("failures abort the run")
	case d.cannotUndo() != "":
		if d.p.OnFailure == FailUndo || d.p.OnFailure == FailHold {
			why.Message += "; " + d.cannotUndo()
		}
	case d.p.OnFailure == FailUndo:
		n.beginUndo(true, false)
		return d.save("failures turn the run round")
	case d.p.OnFailure == FailHold:
		n.beginUndo(false, false)
	}
	return d.rest(Stopped, why)
}

// standing counts failures that stand.
func (d *decider) standing(r *Run) int {
	count := 0
	for i := range r.Failed {
		if d.stands(r, &r.Failed[i]) {
			count++
		}
	}
	return count
}

// stands reports whether a failure has not mended itself since. What a gate
// said stands until somebody retries or skips the node.
func (d *decider) stands(r *Run, f *Failure) bool {
	i := r.index(f.Node)
	if i < 0 {
		return false
	}
	n, counts := d.counts(i)
	return counts && (f.byGate() || len(d.old(n)) > 0 || d.down(n))
}

// byGate tells a failure that only a gate sees: the pod may well be available.
func (f *Failure) byGate() bool { return f != nil && f.Reason == string(StopGate) }

func (f *Failure) words() string {
	switch {
	case f.Message == "":
		return f.Reason
	case f.byGate(): // the message begins with its name
		return f.Message
	}
	return f.Reason + ", " + f.Message
}

// failure that was noted of a node; nil for none.
func (r *Run) failure(node string) *Failure {
	for i := range r.Failed {
		if r.Failed[i].Node == node {
			return &r.Failed[i]
		}
	}
	return nil
}
