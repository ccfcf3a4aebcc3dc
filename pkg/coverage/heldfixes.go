package coverage

import appsv1 "k8s.io/api/apps/v1"

// way is one way out of a rollout that holds a DaemonSet.
type way struct{ what, verb string }

// ways are those that ds-rollout does not refuse, the first the likeliest.
func (e *RolloutEvidence) ways() []way {
	switch {
	case e.driver == driverAlive:
		return nil
	case e.byHand():
		return []way{{"roll out what has changed", "start"}, {"give the strategy back", "disarm"}}
	case e.driver == driverUnread:
		return []way{{"find out whether somebody drives it", "status"}}
	case e.driver == driverNone, e.Run == "":
		return []way{{"clean up after the run", "recover"}}
	}
	return []way{{"go on", "resume"}, {"end it", "abort"}}
}

// heldFixes has a line for each way.
func (r *Result) heldFixes(d *DaemonSetResult) []string {
	switch remedy := r.unreadRemedy(d.Held.unread); {
	case d.Held.driver == driverAlive:
		return []string{"wait: " + d.Held.name() + " brings its nodes up to date"}
	case remedy != "":
		return []string{"to know whether somebody drives it, " + remedy}
	}
	var out []string
	for i, w := range d.Held.ways() {
		text := w.what + ": " + r.rollout(w.verb, d.DaemonSet)
		if i > 0 {
			text = "or " + text
		}
		out = append(out, text)
	}
	return out
}

// heldRemedy has all ways in one line, which ends in the command of the first.
func (r *Result) heldRemedy(d *DaemonSetResult) string {
	text := r.heldFixes(d)[0]
	if ways := d.Held.ways(); len(ways) > 1 {
		text = ways[1].what + " (" + ways[1].verb + "), or " + text
	}
	return text
}

// heldLooks shows the run, where looking is not what is advised already.
func (r *Result) heldLooks(d *DaemonSetResult) []string {
	switch d.Held.driver {
	case driverAlive:
		return []string{r.rollout("status", d.DaemonSet, "-w")}
	case driverUnread:
		return nil
	default:
		return []string{r.rollout("status", d.DaemonSet)}
	}
}

// rollout is a command of the other plugin.
func (r *Result) rollout(verb string, d *appsv1.DaemonSet, flags ...string) string {
	return r.Options.command(append([]string{"kubectl", "ds-rollout", verb, "-n", d.Namespace, d.Name}, flags...)...)
}
