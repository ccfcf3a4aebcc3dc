package present

import "github.com/kubectl-ds/kubectl-ds/pkg/rollout"

// LiveFrame is what the live view shows of a run once it has taken in these
// events and this status: pictures of it are made so. Events that the view has
// no room for are left out.
func LiveFrame(o LiveOptions, events []rollout.Event, s *rollout.Status, d rollout.Decision) string {
	in := &inbox{}
	m := newLiveModel(o, in, func(Command) {})
	in.look(s, d)
	for i := range events {
		in.event(events[i])
	}
	m.refresh(shownEvents)
	return m.draw()
}
