package present

import (
	"time"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

const (
	// rateWindow is how far back a rate looks: long enough for a soak of some
	// minutes, short enough to follow a change of pace.
	rateWindow = 15 * time.Minute
	// rateFrom is how long, and rateNodes how many nodes, must have been seen
	// before a rate is said: less is chance.
	rateFrom  = time.Minute
	rateNodes = 2
)

// sample is how many nodes were done from a time on.
type sample struct {
	at   time.Time
	done int
}

// rate counts nodes done a minute, over a sliding window of what this process
// saw itself.
type rate struct{ samples []sample }

// see takes in a status. A run that rests has no pace, and one that is turned
// round counts anew.
func (r *rate) see(s *rollout.Status) {
	if s.Phase != rollout.Running && s.Phase != rollout.Undoing {
		r.samples = nil
		return
	}
	if n := len(r.samples); n > 0 {
		if last := r.samples[n-1].done; s.Done < last {
			r.samples = nil
		} else if s.Done == last {
			return
		}
	}
	r.samples = append(r.samples, sample{s.At, s.Done})
	// The newest sample from before the window says what was done at its begin.
	for len(r.samples) > 1 && !r.samples[1].at.After(s.At.Add(-rateWindow)) {
		r.samples = r.samples[1:]
	}
}

// perMinute is false where not enough was seen.
func (r *rate) perMinute(now time.Time) (float64, bool) {
	if len(r.samples) == 0 {
		return 0, false
	}
	from := now.Add(-rateWindow)
	base := r.samples[0]
	for _, s := range r.samples[1:] {
		if s.at.After(from) {
			break
		}
		base = s
	}
	if base.at.After(from) {
		from = base.at
	}
	done := r.samples[len(r.samples)-1].done - base.done
	if done < rateNodes || now.Sub(from) < rateFrom {
		return 0, false
	}
	return float64(done) / now.Sub(from).Minutes(), true
}

// left is how long the rest takes at this pace.
func (r *rate) left(s *rollout.Status, now time.Time) (time.Duration, bool) {
	perMinute, ok := r.perMinute(now)
	if !ok {
		return 0, false
	}
	return time.Duration(float64(s.Total-s.Done) / perMinute * float64(time.Minute)), true
}
