package rollout

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// pass is what the nodes in flight ask for, taken together.
type pass struct {
	act      Action
	also     []Action // more deletions, where act is one
	landed   []string
	released []string
	failures []Failure
	pause    *Cause
	waits    []Cause
	until    time.Time
}

// look asks every node in flight.
func (d *decider) look(mayBegin bool) pass {
	var out pass
	for i := range d.r.InFlight {
		f := &d.r.InFlight[i]
		s := d.fly(f, mayBegin)
		out.add(f.Node, s)
	}
	return out
}

func (p *pass) add(node string, s step) {
	switch {
	case s.act != nil:
		p.want(s.act)
	case s.landed:
		p.landed = append(p.landed, node)
	case s.released:
		p.released = append(p.released, node)
	case s.failure != nil:
		p.failures = append(p.failures, *s.failure)
	case s.pause != nil:
		if p.pause == nil {
			p.pause = s.pause
		}
	case s.wait != nil:
		p.waitFor(*s.wait, s.until)
	}
}

// want keeps the first action, and with a deletion all others.
func (p *pass) want(a Action) {
	if p.act == nil {
		p.act = a
		return
	}
	_, first := p.act.(*DeletePod)
	if _, is := a.(*DeletePod); is && first {
		p.also = append(p.also, a)
	}
}

func (p *pass) waitFor(c Cause, until time.Time) {
	p.waits = append(p.waits, c)
	if !until.IsZero() && (p.until.IsZero() || until.Before(p.until)) {
		p.until = until
	}
}

// running strives for the target: forwards, or back.
func (d *decider) running() Decision {
	if dec := d.guard(); dec != nil {
		return *dec
	}
	if d.r.Undo != nil && !d.r.Undo.Pinned {
		return d.turnRound()
	}
	// What is in flight may begin only while nothing asks for a rest.
	ps := d.look(true)
	ps.failures = append(ps.failures, d.broken()...)
	switch {
	case len(ps.failures) > 0:
		return d.fail(ps.failures)
	case ps.pause != nil:
		return d.rest(phaseOf(ps.pause.Code), *ps.pause)
	case ps.act != nil:
		return Decision{Act: ps.act, Also: ps.also}
	}
	if a := d.strayMark(); a != nil {
		return act(a)
	}
	d.land(&ps)
	if dec := d.start(&ps); dec != nil {
		return *dec
	}
	if d.work != nil {
		return d.save("nodes landed")
	}
	if len(ps.waits) == 0 {
		return d.finish()
	}
	return Decision{Wait: &Wait{Until: ps.until, Because: ps.waits}}
}

// land takes nodes out of flight. Where one has left the cluster meanwhile, its
// pod was not proven there: it is as if it had never been begun.
func (d *decider) land(ps *pass) {
	for _, name := range slices.Concat(ps.landed, ps.released) {
		r := d.next()
		r.land(name)
		if i := r.index(name); i >= 0 && d.v.member(r.Members[i]) == nil {
			r.Touched = slices.DeleteFunc(r.Touched, func(t int) bool { return t == i })
		}
	}
}

// phaseOf tells a failure from what was asked for.
func phaseOf(c Code) Phase {
	switch c {
	case StopFailed, StopGate, StopCeiling, StopZone, StopFlip, StopUndo, StopChange, StopHeld, StopLockLost, StopRevisionGone:
		return Stopped
	default:
		return Paused
	}
}

// start puts more nodes in flight, as far as waves, ceiling, gates and times
// allow. nil means that there is nothing to start or to say.
func (d *decider) start(ps *pass) *Decision {
	r := d.r
	if d.work != nil {
		r = d.work
	}
	if d.standing(r) > int(d.p.MaxFailures) {
		f := r.Failed[len(r.Failed)-1]
		dec := d.rest(Stopped, Cause{Code: StopFailed, Node: f.Node, Message: f.Message})
		return &dec
	}
	list, wave, blocked := d.candidates(r)
	if len(list) == 0 {
		for _, c := range blocked {
			ends := d.now
			if c.Since != nil {
				ends = c.Since.Time
			}
			ps.waitFor(c, ends.Add(d.p.nodeTimeout()+time.Second))
		}
		return nil
	}
	if c := d.closed(r, wave); c != nil {
		if c.Code == WaitWindow {
			ps.waitFor(*c, c.Since.Time)
			if len(r.InFlight) == 0 && d.work == nil {
				return &Decision{Wait: &Wait{Until: c.Since.Time, Because: []Cause{*c}, Rests: true, Exit: ExitPaused}}
			}
			return nil
		}
		dec := d.rest(phaseOf(c.Code), *c)
		return &dec
	}
	if list = d.oneZone(r, list); len(list) == 0 && len(r.InFlight) == 0 {
		return d.keptByZone(d.unfinished(r), ps)
	}
	begin, dec := d.admit(r, list, wave, ps)
	if dec != nil || len(begin) == 0 {
		return dec
	}
	n := d.next()
	for _, i := range begin {
		d.launch(n, i, wave)
	}
	out := d.save("nodes start")
	return &out
}

func (d *decider) launch(n *Run, member, wave int) {
	m := d.r.Members[member]
	nv := d.v.member(m)
	f := Flight{Node: m.Node, NodeUID: nv.Node.UID, Wave: wave, Started: metav1.NewTime(d.now.UTC().Truncate(time.Second)), Cordon: d.p.cordons()}
	f.Step = StepPrepare
	for _, p := range d.old(nv) {
		f.Pod, f.PodUID = p.Name, p.UID
	}
	n.InFlight = append(n.InFlight, f)
	if !slices.Contains(n.Touched, member) {
		n.Touched = append(n.Touched, member)
	}
	n.Down = slices.DeleteFunc(n.Down, func(i int) bool { return i == member })
	if free(nv) {
		n.Down = append(n.Down, member)
	}
	if n.aside(m.Node) {
		n.Undo.Aside = slices.DeleteFunc(n.Undo.Aside, func(node string) bool { return node == m.Node })
	}
}

// admit picks those candidates that there is room for and whose gates are
// open. A node that is already down takes no place that it does not hold.
func (d *decider) admit(r *Run, list []int, wave int, ps *pass) ([]int, *Decision) {
	taken := d.taken(r.InFlight)
	parallel := d.p.Parallel(r.Size) - len(r.InFlight)
	full := false
	var begin []int
	for _, i := range list {
		n := d.v.member(r.Members[i])
		down := free(n)
		if len(begin) >= parallel {
			break
		}
		holds := 1
		if taken[n.Node.Name] {
			holds = 0
		}
		if !down && len(taken)+holds > d.ceiling() {
			full = true
			continue
		}
		if s, open := d.openFor(n, wave, down); !open {
			switch {
			case s.act != nil:
				out := act(s.act)
				if d.work != nil {
					out = d.save("nodes landed") // the gate is asked right after
				}
				return nil, &out
			case s.pause != nil:
				out := d.rest(phaseOf(s.pause.Code), *s.pause)
				return nil, &out
			default:
				ps.waitFor(*s.wait, s.until)
				if s.wait.Node == "" {
					return nil, nil // a gate before the wave: nothing in it starts
				}
				if s.asking { // its place is kept, or the order would be up to the gates
					taken[n.Node.Name] = true
					parallel--
				}
			}
			continue
		}
		taken[n.Node.Name] = true
		begin = append(begin, i)
	}
	if full && len(begin) == 0 && len(r.InFlight) == 0 {
		return nil, d.full(taken, ps)
	}
	return begin, nil
}

// full says who holds the places where nothing is in flight.
func (d *decider) full(taken map[string]bool, ps *pass) *Decision {
	name := ""
	for _, m := range d.r.Members {
		if taken[m.Node] {
			name = m.Node
			break
		}
	}
	return d.keptOut(Cause{Code: WaitCeiling, Node: name}, StopCeiling, "every place of the ceiling is taken by nodes that are down or have failed: mend them, or skip them", ps)
}

// keptByZone names all nodes that keep every candidate out.
func (d *decider) keptByZone(open []string, ps *pass) *Decision {
	wait, mend := Cause{Code: WaitZone, Node: open[0]}, "mend the node, or skip it"
	if len(open) > 1 {
		wait.Message, mend = "and "+names(open[1:]), "mend "+names(open)+", or skip them"
	}
	return d.keptOut(wait, StopZone, "zones are finished one at a time: "+mend, ps)
}

// keptOut waits as long as a node may take for what keeps all others out, and
// then stops.
func (d *decider) keptOut(wait Cause, stop Code, message string, ps *pass) *Decision {
	if d.o.Full.IsZero() || d.now.Sub(d.o.Full) <= d.p.nodeTimeout() {
		ps.waitFor(wait, since(d.o.Full, d.now).Add(d.p.nodeTimeout()+time.Second))
		return nil
	}
	dec := d.rest(Stopped, Cause{Code: stop, Node: wait.Node, Message: message})
	return &dec
}

// strayMark gives back a node that carries our mark and is neither in flight
// nor failed.
func (d *decider) strayMark() Action {
	return d.uncordonAny(func(node string) bool { return !d.r.failed(node) && d.r.flight(node) == nil })
}

// openFor asks the gates before a wave and before a node.
func (d *decider) openFor(n *NodeView, wave int, down bool) (step, bool) {
	if d.r.Undo == nil && !d.waveBegun(wave) {
		if s, open := d.gates(BeforeWave, "", wave, false); !open {
			return s, false
		}
	}
	return d.gates(BeforeNode, n.Node.Name, wave, down)
}

// waveBegun reports whether a node of the wave was touched: its gate was open
// then.
func (d *decider) waveBegun(wave int) bool {
	return slices.ContainsFunc(d.r.Touched, func(i int) bool { return d.r.wave(i) == wave })
}
