package drive

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

const (
	// settle is how long after a change more of them are waited for: a pod
	// that starts is several. The last of them, that it is ready, is not
	// waited after: somebody else's turn may have come.
	settle = 20 * time.Millisecond
	// lookAgain and tryAgain are the first waits after two looks that do not
	// agree, and after a request that did not go through.
	lookAgain = 20 * time.Millisecond
	tryAgain  = 200 * time.Millisecond
	mostWait  = 5 * time.Second
	// troubleAfter so many requests in a row a person is told.
	troubleAfter = 3
)

// backoff doubles from first, with jitter, up to mostWait.
func backoff(n int, first time.Duration) time.Duration {
	w := min(mostWait, first<<min(n-1, 10))
	return w/2 + rand.N(w/2+1) //nolint:gosec // jitter
}

// setback says how long to wait after a request that did not go through.
func (d *driver) setback(err error) time.Duration {
	d.trouble++
	if d.trouble == troubleAfter {
		d.event(rollout.Event{Type: rollout.EventTrouble, At: time.Now(), Run: d.run.ID, Message: err.Error()})
	}
	return max(retryAfter(err), backoff(d.trouble, tryAgain))
}

// barred tells a permission that is missing for good: a server that has just
// started may not know all roles yet.
func (d *driver) barred(err error) bool {
	return d.trouble >= troubleAfter && kube.AnswerOf(err) == kube.Forbidden
}

// until is how long nothing is to be done before t; zero for none known. The
// Lease is renewed meanwhile.
func (d *driver) until(t time.Time) time.Duration {
	wait := min(time.Until(d.renewed.Add(renewEvery)), time.Second)
	if !t.IsZero() {
		wait = min(wait, time.Until(t))
	}
	return max(wait, time.Millisecond)
}

// sleep waits for a time, a change, an answer of a gate, or a word of the
// person at the terminal.
func (d *driver) sleep(ctx context.Context, pause time.Duration) {
	if d.take(ctx, false) || pause <= 0 {
		return
	}
	t := time.NewTimer(pause)
	defer t.Stop()
	changed, ready := d.Cluster.Changed(), d.Cluster.Ready()
	if d.trouble > 0 {
		changed, ready = nil, nil // what does not go through is not tried faster
	}
	leave := d.Leave
	if d.leaving {
		leave = nil
	}
	select {
	case <-ctx.Done():
	case <-t.C:
	case <-changed:
		short := time.NewTimer(settle)
		defer short.Stop()
		select {
		case <-short.C:
		case <-ready:
		case <-ctx.Done():
		}
	case <-ready:
	case l := <-d.lists.done:
		d.noteList(l)
	case a := <-d.answers:
		d.note(a)
	case in, ok := <-d.Asks:
		d.asks(in, ok)
	case <-leave:
		d.leave()
	}
	d.take(ctx, true)
}

// take takes in what has come without waiting; it reports whether anything has.
func (d *driver) take(ctx context.Context, did bool) bool {
	leave := d.Leave
	if d.leaving {
		leave = nil
	}
	for ctx.Err() == nil {
		select {
		case l := <-d.lists.done:
			d.noteList(l)
		case a := <-d.answers:
			d.note(a)
		case in, ok := <-d.Asks:
			d.asks(in, ok)
		case <-leave:
			d.leave()
			leave = nil
		default:
			return did
		}
		did = true
	}
	return did
}

// note takes the answer of a gate. One that was asked before the Lease was
// taken anew is of a cluster that was not looked at meanwhile.
func (d *driver) note(a answer) {
	if a.epoch != d.epoch {
		return
	}
	d.obs.NoteGate(a.key, a.Outcome, a.Reason, time.Now())
}

// mostTyped is how many words of a person wait where they cannot be stored:
// more is a cat on the keyboard.
const mostTyped = 16

// takesLocal reports whether the next write of the run takes them: the first
// one, by which a driver takes the run over, takes none, and what other
// terminals ask stays as it is.
func (d *driver) takesLocal() bool { return d.epoch <= d.run.Epoch }

// asks takes what the person at this terminal wants. It is stored with the
// run, as what other terminals ask.
func (d *driver) asks(in rollout.Intent, ok bool) {
	if !ok {
		d.Asks = nil
		return
	}
	if len(d.local) >= mostTyped {
		return
	}
	d.asked++
	in.ID, in.Run, in.By, in.At = fmt.Sprintf("%s-%d-%d", d.run.ID, d.epoch, d.asked), d.run.ID, d.Who, metav1.Now()
	if in.Verb == rollout.VerbApprove {
		in.Target = d.run.Target.Hash
	}
	d.local = append(d.local, in)
}

// leave lets what is in flight land.
func (d *driver) leave() {
	d.leaving = true
	d.asks(rollout.Intent{Verb: rollout.VerbPause, Leaves: true}, true)
}
