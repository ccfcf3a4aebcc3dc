package drive

import (
	"context"
	"slices"
	"time"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// ahead is a look past the watches that was taken while a write of the Lease
// was under way: a node's place is free for that much less time.
type ahead struct {
	looks []rollout.Look
	at    time.Time // when it began
	seen  *snapshot.Snapshot
}

// aheadFor is how long such a look is as good as one that is taken right
// before the action.
const aheadFor = time.Second

// lookAhead looks at what will be acted on once next is stored; nil where
// nothing will, or where looking did not work: then it is done again, and its
// error told.
func (d *driver) lookAhead(ctx context.Context, next *rollout.Run, v *rollout.View) *ahead {
	now := time.Now()
	then := rollout.Decide(d.Policy, next, v, d.obs, now)
	if then.Act == nil || then.Act.Look() == (rollout.Look{}) || then.Act.Look().All {
		return nil
	}
	a := &ahead{looks: looksOf(then), at: now}
	var err error
	if a.seen, err = d.Cluster.Look(ctx, v.Snapshot, a.looks...); err != nil {
		return nil
	}
	return a
}

// look reads again what actions depend on, where that was not done ahead. A
// look at everything is a list, and base holds the newest one already.
func (d *driver) look(ctx context.Context, base *snapshot.Snapshot, looks []rollout.Look) (*snapshot.Snapshot, error) {
	a := d.ahead
	d.ahead = nil
	if slices.Contains(looks, rollout.Look{All: true}) && elapsed(d.lists.listed) < aheadFor {
		return base, nil
	}
	if a != nil && elapsed(a.at) < aheadFor && !slices.ContainsFunc(looks, func(l rollout.Look) bool { return !slices.Contains(a.looks, l) }) {
		return a.seen, nil
	}
	return d.Cluster.Look(ctx, base, looks...)
}
