package sim

import (
	"errors"
	"time"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// send makes one request: nil renews the Lease. It arrives after a while, and
// its answer comes after another. What is sent with it is on its way at the
// same time.
func (d *driver) send(a rollout.Action, also ...rollout.Action) {
	if g, ok := a.(*rollout.RunGate); ok {
		d.runGate(g)
		return
	}
	d.last, d.sent = rollout.Decision{Act: a}, d.c.now
	delay := d.c.between(time.Millisecond, 40*time.Millisecond)
	if d.faults.pause > 0 && d.c.rng.IntN(1000) < d.faults.pause {
		delay = d.c.between(leaseDuration, 4*leaseDuration) // SIGSTOP between decision and request
	}
	rv := ""
	if d.c.lease != nil {
		rv = d.c.lease.rv
	}
	d.c.after(delay, func() {
		if !d.alive {
			return
		}
		for _, b := range also {
			d.writes++
			_ = d.carry(b, rv) // what became of it is seen
			if d.writes == d.crashAt {
				d.end(end{why: "crashed"})
				return
			}
		}
		d.writes++
		err := d.carry(a, rv)
		if d.writes == d.crashAt || d.faults.crash > 0 && d.c.rng.IntN(1000) < d.faults.crash {
			d.end(end{why: "crashed"})
			return
		}
		d.c.after(d.c.between(time.Millisecond, 40*time.Millisecond), func() { d.answer(a, err) })
	})
}

// carry is the request at the server, with what can happen to it on the way.
func (d *driver) carry(a rollout.Action, rv string) error {
	if d.c.chance(d.faults.refused) {
		return errBusy
	}
	if d.c.chance(d.faults.conflict) {
		return errConflict
	}
	err := d.commit(a, rv)
	if err == nil && d.c.chance(d.faults.dropped) {
		return errLost
	}
	return err
}

func (d *driver) commit(a rollout.Action, rv string) error {
	switch a := a.(type) {
	case nil:
		return d.c.saveLease(d.me(), rv, func(l *lease) { l.renewed = d.wall() })
	case *rollout.SaveRun:
		err := d.c.saveLease(d.me(), a.ResourceVersion, func(l *lease) {
			l.run, l.renewed, l.intents = encode(a.Run), d.wall(), ""
			if len(a.Intents) > 0 {
				b, _ := rollout.EncodeIntents(a.Intents)
				l.intents = string(b)
			}
		})
		if err == nil {
			d.c.lastRun = a.Run
		}
		return err
	case *rollout.DeleteLease:
		switch {
		case d.c.lease == nil:
			return nil
		case d.c.lease.rv != a.ResourceVersion:
			return errConflict
		}
		w := d.me().does("delete")
		w.rv = a.ResourceVersion
		d.c.putLease(w, nil)
		return nil
	}
	return d.c.write(d.me(), a)
}

func (d *driver) answer(a rollout.Action, err error) {
	if !d.alive {
		return
	}
	d.last = rollout.Decision{}
	if _, save := a.(*rollout.SaveRun); err == nil && (a == nil || save) {
		d.renewed = d.c.now
	}
	wait := time.Millisecond
	if err != nil {
		d.cache = nil
		wait = d.c.between(100*time.Millisecond, time.Second)
	}
	if e, ok := a.(*rollout.Evict); ok && errors.Is(err, errTooMany) {
		d.obs.Refused[e.UID] = rollout.Refusal{Node: e.Node, Until: d.c.now.Add(5 * time.Second), Reason: err.Error()}
	}
	d.again(wait)
}

// runGate asks a gate and does not wait for it.
func (d *driver) runGate(g *rollout.RunGate) {
	key := rollout.GateKey{Gate: g.Gate, Node: g.Node, Wave: g.Wave}
	d.obs.NoteGateRuns(key)
	d.c.after(d.c.between(100*time.Millisecond, 3*time.Second), func() {
		if !d.alive {
			return
		}
		out := d.gate(key, g.Attempt)
		d.obs.NoteGate(key, out, "said "+string(out), d.c.now)
		w := d.me().does(string(out))
		d.c.bump()
		d.c.logGate(w, g.Gate, g.Node)
		d.last = rollout.Decision{}
		d.again(time.Millisecond)
	})
	d.again(time.Millisecond)
}
