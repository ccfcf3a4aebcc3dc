package sim

import (
	"fmt"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// say derives the events of this look, and holds what a reader relies on: a
// node is done or failed only after it was started, as often as it was.
func (d *driver) say(run *rollout.Run, v *rollout.View) {
	now := rollout.StatusOf(d.policy, run, v, d.obs, d.c.now)
	if d.told == nil {
		d.told = map[string]int{}
		for _, f := range now.Flights {
			d.told[f.Node]++ // of the process before
		}
	}
	for _, e := range rollout.Events(d.status, now) {
		switch e.Type {
		case rollout.EventNodeStarted:
			d.told[e.Node]++
		case rollout.EventNodeDone:
			d.told[e.Node]--
			if d.told[e.Node] < 0 {
				panic(fmt.Sprintf("node %s is done more often than it was started", e.Node))
			}
		case "":
			panic("an event without a type")
		default:
		}
	}
	if now.Done > now.Total || len(now.Taken) > len(run.Members) {
		panic(fmt.Sprintf("figures do not add up: %d of %d done, %d places taken", now.Done, now.Total, len(now.Taken)))
	}
	d.status = now
}
