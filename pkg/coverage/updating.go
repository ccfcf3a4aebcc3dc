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

// places says what takes the places of maxUnavailable.
type places struct {
	allowed int
	taken   int
	by      map[Reason]int
}

func (d *DaemonSetResult) places() places {
	p := places{allowed: maxUnavailable(d), by: map[Reason]int{}}
	for i := range d.Verdicts {
		if v := &d.Verdicts[i]; v.State.Gap() {
			p.by[v.Reason]++
			p.taken++
		}
	}
	return p
}

// stuck reports whether no old pod may go before a gap is closed.
func (p places) stuck() bool { return p.taken > 0 && p.taken >= p.allowed }

// String lists what takes the places, most first.
func (p places) String() string {
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
	if d.DaemonSet.Spec.UpdateStrategy.Type == appsv1.OnDeleteDaemonSetStrategyType {
		return "updateStrategy is OnDelete: nothing replaces them by itself"
	}
	if n, surge := maxSurge(d); n > 0 {
		return fmt.Sprintf("a RollingUpdate with maxSurge %s is under way: an old pod goes when the new one beside it is available", surge)
	}
	p := d.places()
	if !p.stuck() {
		return fmt.Sprintf("a RollingUpdate is under way: %d of %d allowed unavailable are taken", p.taken, p.allowed)
	}
	return fmt.Sprintf("RollingUpdate waits: %d of %d allowed unavailable are taken (%s)", p.taken, p.allowed, p)
}

// updateFix says what brings outdated pods up to date.
func updateFix(d *DaemonSetResult) string {
	if d.DaemonSet.Spec.UpdateStrategy.Type == appsv1.OnDeleteDaemonSetStrategyType {
		return "delete the pods one by one, each after the one before is ready again"
	}
	if n, _ := maxSurge(d); n == 0 && d.places().stuck() {
		return "mend what takes the places of maxUnavailable: the update then goes on by itself"
	}
	return "wait: the update goes on by itself"
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
