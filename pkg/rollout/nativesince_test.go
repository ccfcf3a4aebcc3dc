package rollout

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Since when an update is held, or moves, is not how old its revision is: that
// one may have been used before, and the strategy may have come later.
func TestSinceWhenAnUpdateStandsWhereItDoes(t *testing.T) {
	wrote := func(w *world, fields string, ago time.Duration) {
		owned(w, "somebody", fields)
		at := metav1.NewTime(t0.Add(-ago))
		w.ds.ManagedFields[len(w.ds.ManagedFields)-1].Time = &at
	}
	const strategy, template = `{"f:spec":{"f:updateStrategy":{"f:type":{}}}}`, `{"f:spec":{"f:template":{"f:spec":{}}}}`
	for _, c := range []struct {
		name  string
		given func(w *world)
		state NativeState
		ago   time.Duration
	}{
		{"armed after the template came", func(w *world) { wrote(w, strategy, time.Minute) }, NativeHeld, time.Minute},
		{"a template that came after it was armed", func(w *world) { wrote(w, strategy, 30*time.Hour) }, NativeHeld, 20 * time.Hour},
		{"back to an older revision", func(w *world) {
			w.s.Revisions[0].CreationTimestamp = metav1.NewTime(t0.Add(-19 * time.Hour))
			wrote(w, template, time.Minute)
		}, NativeHeld, time.Minute},
		{"a revision that is the newest is as old as it is", func(w *world) { wrote(w, template, time.Minute) }, NativeHeld, 20 * time.Hour},
		{"the controller moves back to an older revision", func(w *world) {
			w.ds.Spec.UpdateStrategy.Type = appsv1.RollingUpdateDaemonSetStrategyType
			w.s.Revisions[0].CreationTimestamp = metav1.NewTime(t0.Add(-19 * time.Hour))
			wrote(w, template, time.Minute)
		}, NativeMoving, time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := native(3, "1")
			w.ds.Spec.UpdateStrategy.Type = appsv1.OnDeleteDaemonSetStrategyType
			c.given(w)
			n := NativeOf(w.view(), "", t0)
			if n.State != c.state || n.Since == nil || t0.Sub(n.Since.Time) != c.ago {
				t.Errorf("%s since %v, want %s ago", n.State, n.Since, c.ago)
			}
		})
	}
}
