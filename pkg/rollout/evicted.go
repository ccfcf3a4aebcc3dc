package rollout

import "time"

// EventPodEvicted tells of a pod that had to leave a node for its drain. It is
// somebody else's, so its namespace is told, too.
const EventPodEvicted EventType = "PodEvicted"

// Evicted is the event of an eviction that the server has granted: pods of
// others are not among what a status counts.
func (r *Run) Evicted(a *Evict, now time.Time) Event {
	ev := Event{Type: EventPodEvicted, At: now, Run: r.ID, Node: a.Node, Pod: a.Namespace + "/" + a.Name}
	if f := r.flight(a.Node); f != nil && f.Wave <= len(r.Waves) {
		ev.Wave = f.Wave
	}
	return ev
}
