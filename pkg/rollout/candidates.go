package rollout

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	corev1 "k8s.io/api/core/v1"
)

// candidates are the members to start next, in order, and their wave. Where
// there are none, blocked says what the current wave waits for.
func (d *decider) candidates(r *Run) (list []int, wave int, blocked []Cause) {
	if r.Undo != nil {
		return d.backwards(r)
	}
	from := 0
	for w, end := range r.Waves {
		wave = w + 1
		busy := false
		var deferred []Cause
		for i := from; i < end; i++ {
			switch c := d.classNow(r, i); c {
			case classReady:
				list = append(list, i)
			case classFlying:
				busy = true
			case classPending, classNotReady, classHeld:
				if wait := d.stuckFor(i, c); wait != nil && wave != r.Late {
					deferred = append(deferred, *wait)
				}
			case classGone, classAside, classFailed, classDone, classNoReturn:
			}
		}
		if len(list) > 0 {
			return d.downFirst(list), wave, nil
		}
		blocked = append(blocked, deferred...)
		if busy || len(deferred) > 0 {
			return nil, wave, blocked
		}
		from = end
	}
	return nil, wave, blocked
}

// classNow is the class of a member once the draft is saved.
func (d *decider) classNow(r *Run, i int) class {
	c := d.class(i)
	if c == classFlying && r.flight(r.Members[i].Node) == nil {
		// It has landed or was released in this decision.
		was := d.r
		d.r = r
		c = d.classify(r.Members[i])
		d.r = was
	}
	return c
}

// stuckFor says why a wave waits for a node; nil once it has for as long as a
// node may take. From then on the node is passed by: it counts for the ceiling
// all the same, and is taken up when it comes back.
func (d *decider) stuckFor(i int, c class) *Cause {
	seen := d.o.Nodes[d.r.Members[i].Node]
	if !seen.Stuck.IsZero() && d.now.Sub(seen.Stuck) > d.p.nodeTimeout() {
		return nil
	}
	out := &Cause{Node: d.r.Members[i].Node}
	if !seen.Stuck.IsZero() {
		at := metav1.NewTime(seen.Stuck)
		out.Since = &at
	}
	switch c {
	case classNotReady:
		out.Code = WaitNode
	case classHeld:
		out.Code = WaitHeld
		if n := d.v.member(d.r.Members[i]); n != nil && n.Mark != nil && n.Mark.Run != unreadableMark {
			out.Message = "run " + n.Mark.Run
		}
	default:
		out.Code = WaitPending
	}
	return out
}

// downFirst puts nodes that are down already before the others, which costs
// nothing and mends them. Across waves the plan has done so: a node that goes
// down later waits for its wave, since approvals and gates stand before it.
func (d *decider) downFirst(list []int) []int {
	var down, up []int
	for _, i := range list {
		if free(d.v.member(d.r.Members[i])) {
			down = append(down, i)
		} else {
			up = append(up, i)
		}
	}
	return append(down, up...)
}

// oneZone keeps the candidates of the zone that is not finished, else of the
// one under way, else of the first candidate. Nodes that are down already are
// not held back. Where several zones are open, as where a node of a finished
// one is down again, only such nodes are started.
func (d *decider) oneZone(r *Run, list []int) []int {
	if !d.byZone(r) {
		return list
	}
	open := d.unfinished(r)
	zone, known := "", false
	for _, node := range open {
		zone, known = ZoneOf(d.v.Node(node).Node), true
	}
	several := slices.ContainsFunc(open, func(node string) bool { return ZoneOf(d.v.Node(node).Node) != zone })
	if !known {
		zone, known = d.underWay(r, list)
	}
	var out []int
	for _, i := range list {
		n := d.v.member(r.Members[i])
		if !known && !free(n) {
			zone, known = ZoneOf(n.Node), true
		}
		if free(n) || !several && ZoneOf(n.Node) == zone {
			out = append(out, i)
		}
	}
	return out
}

// underWay is the zone that was begun last in the wave of the candidates, while
// one of them is of it: in another order than by zone, too, it is finished first.
func (d *decider) underWay(r *Run, list []int) (string, bool) {
	for _, t := range slices.Backward(r.Touched) {
		n := d.v.member(r.Members[t])
		if n == nil || slices.Contains(r.Down, t) || r.wave(t) != r.wave(list[0]) {
			continue
		}
		zone := ZoneOf(n.Node)
		return zone, slices.ContainsFunc(list, func(i int) bool {
			c := d.v.member(r.Members[i])
			return !free(c) && ZoneOf(c.Node) == zone
		})
	}
	return "", false
}

// byZone reports whether zones are taken one at a time. On the way back they
// are not: there it is mended what was begun in any.
func (d *decider) byZone(r *Run) bool {
	return d.p.OneZoneAtATime != nil && *d.p.OneZoneAtATime && r.Undo == nil
}

// unfinished are the nodes that keep their zone open: in flight, failed, or
// down since their pod was replaced. One that was down when it was begun keeps
// none: no pod that served was taken there.
func (d *decider) unfinished(r *Run) []string {
	var out []string
	for _, i := range r.Touched {
		n, counts := d.counts(i)
		if n == nil || slices.Contains(r.Down, i) {
			continue
		}
		f := r.failure(n.Node.Name)
		if r.flight(n.Node.Name) != nil || counts && (f != nil && d.stands(r, f) || d.down(n) && len(d.old(n)) == 0) {
			out = append(out, n.Node.Name)
		}
	}
	return out
}

// shut reports whether nothing is in flight and nothing can be started, although
// there are candidates, as long as some nodes are down or have failed.
func (d *decider) shut() bool {
	if len(d.r.InFlight) > 0 || d.r.Phase != Running && d.r.Phase != Undoing {
		return false
	}
	if len(d.taken(nil)) >= d.ceiling() {
		return true
	}
	if !d.byZone(d.r) || len(d.unfinished(d.r)) == 0 {
		return false
	}
	list, _, _ := d.candidates(d.r)
	return len(list) > 0 && len(d.oneZone(d.r, list)) == 0
}

// backwards are the members to bring back: failing ones first, then in the
// reverse order of touching, then whatever else took the revision that is
// left (an evicted pod that came up on it). What was set aside on the way
// there waits until no other is to be begun: it may well fail, and the working
// nodes must be off the revision that is left by then.
func (d *decider) backwards(r *Run) (list []int, wave int, blocked []Cause) {
	wave = len(r.Waves) + 1
	var order []int
	add := func(i int) {
		if i >= 0 && !slices.Contains(order, i) {
			order = append(order, i)
		}
	}
	for _, node := range r.Undo.First {
		add(r.index(node))
	}
	for _, i := range slices.Backward(r.Touched) {
		add(i)
	}
	for i := range r.Members {
		if d.class(i) == classReady {
			add(i)
		}
	}
	var aside []int
	for _, i := range order {
		switch c := d.classNow(r, i); {
		case c == classReady && r.aside(r.Members[i].Node):
			aside = append(aside, i)
		case c == classReady:
			list = append(list, i)
		case c.stuck():
			if wait := d.stuckFor(i, c); wait != nil {
				blocked = append(blocked, *wait)
			}
		}
	}
	if len(list) == 0 {
		list = aside
	}
	return d.downFirst(list), wave, blocked
}

// closed says why nothing may be started now although there are candidates.
// The time that a run may take is of the way there: nodes are not left on what
// is taken back because it was over.
func (d *decider) closed(r *Run, wave int) *Cause {
	switch {
	case r.Undo == nil && d.p.Timeout != nil && d.now.Sub(d.o.Since) > d.p.Timeout.Duration:
		return &Cause{Code: PauseTimeout, Message: "longer than " + d.p.Timeout.Duration.String()}
	case untilPast(r, d.p, d.now):
		return &Cause{Code: PauseUntil}
	}
	if decided(r) {
		return nil
	}
	if c := d.window(); c != nil {
		return c
	}
	if r.Undo != nil {
		return nil // no wave of it was planned
	}
	return d.unapproved(r, wave)
}

// decided reports whether a person has asked for the way back: that is not put
// off until a window opens, nor by a time that is past.
func decided(r *Run) bool { return r.Undo != nil && r.Undo.Asked }

func untilPast(r *Run, p *Policy, now time.Time) bool {
	return p.Until != nil && !now.Before(p.Until.Time) && !decided(r)
}

// UntilNone are the words with which resume takes the time of --until away.
var UntilNone = []string{"--until", "none"}

// RestsByUntil reports whether a run that is gone on with would start no node,
// since the time of its --until is past.
func RestsByUntil(r *Run, now time.Time) bool {
	switch r.Phase {
	case Aborting, Finishing, Ended:
		return false
	case Arming, Running, Undoing, Paused, Stopped:
	}
	return untilPast(r, r.Policy, now)
}

func (d *decider) unapproved(r *Run, wave int) *Cause {
	if wave > 1 && !r.approved(1) {
		if untried := d.untried(r); len(untried) > 0 {
			return &Cause{Code: PauseApproval, Wave: 1, Message: "passed by, since no node of it could be replaced (" + names(untried) + ")"}
		}
	}
	switch d.p.PauseAfter {
	case PauseCanary:
		if wave > 1 && !r.approved(1) {
			return &Cause{Code: PauseApproval, Wave: 1}
		}
	case PauseWave:
		if wave > 1 && !r.approved(wave-1) {
			return &Cause{Code: PauseApproval, Wave: wave - 1}
		}
	case PauseNode:
		return d.unapprovedNode(r)
	case PauseNone:
	}
	return nil
}

func (d *decider) unapprovedNode(r *Run) *Cause {
	for _, i := range r.Touched {
		m := r.Members[i]
		done := r.flight(m.Node) == nil
		if n, counts := d.counts(i); counts && done && len(d.old(n)) == 0 && !r.approvedNode(m.Node) {
			return &Cause{Code: PauseApproval, Wave: r.wave(i), Node: m.Node}
		}
	}
	return nil
}

// untried names the nodes of the first wave where all of them were passed by,
// or are gone: nothing has proven the target then, and what comes next is more
// than was to be risked with it. None where a person skipped one, who wants
// just that, or where one failed, which people were told.
func (d *decider) untried(r *Run) []string {
	var out []string
	for i := range r.Waves[0] {
		m := r.Members[i]
		if d.class(i) == classDone || d.replacedOn(r, i) || slices.Contains(r.Skipped, m.Node) || r.failure(m.Node) != nil {
			return nil
		}
		out = append(out, m.Node)
	}
	return out
}

// replacedOn reports whether the pod of a member was replaced: one that was
// begun and released keeps its old pod, and one that left before it was proven
// is not among those touched.
func (d *decider) replacedOn(r *Run, i int) bool {
	n := d.v.member(r.Members[i])
	return slices.Contains(r.Touched, i) && (n == nil || len(d.old(n)) == 0)
}

// window says when the next window opens; nil inside one, or without any.
func (d *decider) window() *Cause {
	open, next := d.p.Open(d.now, d.o.Zones)
	if open {
		return nil
	}
	at := metav1.NewTime(next)
	return &Cause{Code: WaitWindow, Since: &at}
}

// lostNode reports whether nobody reports for a node.
func lostNode(n *NodeView) bool { return n.Ready == corev1.ConditionUnknown }
