package rollout

import (
	"strings"
	"testing"

	"github.com/kubectl-ds/kubectl-ds/internal/present"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// A capture that was taken while somebody drove does not say that nobody does.
func TestWhoDroveWhenACaptureWasTaken(t *testing.T) {
	capture := "../../../docs/examples/canary/cluster.json"
	s := newHoldServer(t)
	for _, c := range []struct {
		name   string
		change func(r *reading)
		want   present.NativeDriver
		says   string
	}{
		{"a driver", func(*reading) {}, present.NativeDriver{Name: "admin on laptop"}, "When the capture was taken, admin on laptop drove it."},
		{"one that fell silent", func(r *reading) { r.snap.Leases[0].Renewed -= 60 }, present.NativeDriver{}, "Nobody drives it."},
		{"one that let go", func(r *reading) { r.snap.Leases[0].Holder = "" }, present.NativeDriver{}, "Nobody drives it."},
		{"no Lease", func(r *reading) {
			r.snap.Leases[0] = snapshot.Lease{Namespace: "agents", Name: "ds-rollout.fluent-bit", Gone: true}
		}, present.NativeDriver{}, "Nobody drives it."},
		{"a Lease that was not read", func(r *reading) { r.snap.Leases = nil }, present.NativeDriver{Unknown: true}, "Whether somebody drives it, the capture does not tell."},
		{"no run", func(r *reading) { delete(r.view.DaemonSet.Annotations, rollout.ArmAnnotation) }, present.NativeDriver{}, "Nobody drives it."},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := s.at("train\n").hold.app.read(t.Context(), "fluent-bit", capture)
			if err != nil {
				t.Fatal(err)
			}
			c.change(r)
			got := r.captured()
			if got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
			var out strings.Builder
			v := &present.NativeView{Native: rollout.NativeOf(r.view, "", r.now), Driver: got}
			if err := present.WriteNative(&out, v, present.Options{Now: r.now}); err != nil || !strings.Contains(out.String(), c.says) {
				t.Errorf("%v, want %q in\n%s", err, c.says, out.String())
			}
		})
	}
}
