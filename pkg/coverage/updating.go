package coverage

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// places says what takes the places of maxUnavailable; with a surge those of
// maxSurge, which new pods that fail beside old ones take.
type places struct {
	of      string
	allowed int
	taken   int
	by      map[Reason]int
}

// placesTaken counts them once for all verdicts. Those of maxSurge are gathered
// while the nodes are judged: see surged.
func (a *analysis) placesTaken() {
	o := a.out
	p := &o.places
	if n, _ := maxSurge(o); n > 0 {
		p.of, p.allowed = "maxSurge", n
		return
	}
	p.of, p.allowed, p.taken, p.by = "maxUnavailable", maxUnavailable(o), 0, nil
	for i := range o.everywhere {
		if v := &o.everywhere[i]; v.State.Gap() {
			p.take(v.failing().Reason)
		}
	}
}

func (p *places) take(r Reason) {
	if p.by == nil {
		p.by = map[Reason]int{}
	}
	p.taken++
	p.by[r]++
}

// stuck reports whether no old pod may go before a gap is closed.
func (p *places) stuck() bool { return p.taken > 0 && p.taken >= p.allowed }

// String lists what takes the places, most first.
func (p *places) String() string {
	reasons := slices.SortedFunc(maps.Keys(p.by), func(a, b Reason) int {
		return cmp.Or(cmp.Compare(p.by[b], p.by[a]), rank(a)-rank(b))
	})
	var out []string
	for _, r := range reasons {
		out = append(out, fmt.Sprintf("%d %s", p.by[r], r))
	}
	return strings.Join(out, ", ")
}

// updateText says why outdated pods stay.
func updateText(d *DaemonSetResult) string {
	switch onDelete, held := d.onDelete(), d.Held; {
	case held != nil && held.driver == driverAlive:
		return held.name() + " replaces them, driven by " + held.Holder
	case held != nil && held.driver == driverUnread && !held.byHand() && onDelete:
		return "updateStrategy is OnDelete, held by " + held.name()
	case held != nil && onDelete:
		return "updateStrategy is OnDelete, held by " + held.name() + ": nothing replaces them by itself"
	case onDelete:
		return "updateStrategy is OnDelete: nothing replaces them by itself"
	}
	p := &d.places
	if n, surge := maxSurge(d); n > 0 {
		return surgeText(p, surge)
	}
	if !p.stuck() {
		return fmt.Sprintf("a RollingUpdate is under way: %d of %d allowed unavailable are taken", p.taken, p.allowed)
	}
	return fmt.Sprintf("RollingUpdate waits: %d of %d allowed unavailable are taken (%s)", p.taken, p.allowed, p)
}

// surgeText says why an old pod stays beside a new one.
func surgeText(p *places, surge string) string {
	are := "are"
	if p.taken == 1 {
		are = "is"
	}
	failing := fmt.Sprintf("%s beside old ones %s not available (%s), and it allows %d", count(p.taken, "new pod"), are, p, p.allowed)
	switch {
	case p.stuck():
		return "RollingUpdate with maxSurge " + surge + " waits: " + failing
	case p.taken > 0:
		return "a RollingUpdate with maxSurge " + surge + " is under way: " + failing
	}
	return "a RollingUpdate with maxSurge " + surge + " is under way: an old pod goes when the new one beside it is available"
}

// updateFixes say what brings outdated pods up to date.
func (r *Result) updateFixes(d *DaemonSetResult) []string {
	switch {
	case d.Held != nil:
		return r.heldFixes(d)[:1]
	case d.onDelete():
		return []string{"delete the pods one by one, each after the one before is ready again, or with the plugin: " + r.rollout("start", d.DaemonSet)}
	case d.stuck():
		return []string{"mend what takes the places of " + d.places.of + ": the update then goes on by itself"}
	}
	return []string{"wait: the update goes on by itself"}
}

// updateLooks shows more of an update.
func (r *Result) updateLooks(d *DaemonSetResult) []string {
	switch {
	case d.Held != nil:
		return r.heldLooks(d)
	case d.stuck():
		return []string{r.rollout("status", d.DaemonSet)}
	}
	return []string{r.Options.command("kubectl", "rollout", "history", "daemonset/"+d.DaemonSet.Name, "-n", d.DaemonSet.Namespace)}
}

func (d *DaemonSetResult) onDelete() bool {
	return d.DaemonSet.Spec.UpdateStrategy.Type == appsv1.OnDeleteDaemonSetStrategyType
}

// stuck reports whether a RollingUpdate waits for gaps to be closed.
func (d *DaemonSetResult) stuck() bool {
	return !d.onDelete() && d.places.stuck()
}

// undoFixes take an update back of which the new pods fail, while older ones
// still run.
func (r *Result) undoFixes(ms []member) []string {
	d := ms[0].d
	if d.Revision.Hash == "" || d.having(func(v *Verdict) bool { return v.State == Outdated }) == 0 {
		return nil
	}
	for _, m := range ms {
		switch m.v.Reason {
		case ArchMismatch, ImagePull, ConfigError, CreateError, RunError, InitFailing, CrashLoop, ProbeFailing, Failed, Completed, MountFailed:
		default:
			return nil
		}
		if p := r.pod(m.v); m.d != d || p == nil || p.Labels[hashLabel] != d.Revision.Hash {
			return nil
		}
	}
	return []string{"or take the update back: " + r.rollout("undo", d.DaemonSet)}
}

// maxUnavailable is the native ceiling without a surge: of percentages rounded
// up, and never less than 1 (updatedDesiredNodeCounts of pkg/controller/daemon,
// v1.37.2).
func maxUnavailable(d *DaemonSetResult) int {
	u := d.DaemonSet.Spec.UpdateStrategy.RollingUpdate
	if u == nil || u.MaxUnavailable == nil {
		return 1
	}
	n, err := intstr.GetScaledValueFromIntOrPercent(u.MaxUnavailable, int(d.Counts.Desired), true)
	if err != nil {
		return 1
	}
	return max(n, 1)
}

// maxSurge is on how many nodes a new pod may run beside the old one.
func maxSurge(d *DaemonSetResult) (int, string) {
	u := d.DaemonSet.Spec.UpdateStrategy.RollingUpdate
	if u == nil || u.MaxSurge == nil {
		return 0, ""
	}
	n, err := intstr.GetScaledValueFromIntOrPercent(u.MaxSurge, int(d.Counts.Desired), true)
	if err != nil {
		return 0, ""
	}
	return n, u.MaxSurge.String()
}
