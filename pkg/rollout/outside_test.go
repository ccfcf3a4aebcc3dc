package rollout

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

func TestOutsideTellsASoakByThePodsOwnTimes(t *testing.T) {
	w := newWorld(1)
	w.fly(0)
	p := w.replace(0, 0)
	p.Created, p.ReadySince = snapshot.Time(t0.Add(-8*time.Second).Unix()), snapshot.Time(t0.Add(-4*time.Second).Unix())
	w.run.InFlight[0].Started = metav1.NewTime(t0.Add(-9 * time.Second))
	s := StatusOf(w.pol, w.run, w.view(), Outside(w.pol, w.run, w.view(), t0), t0)
	if len(s.Flights) != 1 {
		t.Fatalf("got %d nodes in flight", len(s.Flights))
	}
	f := s.Flights[0]
	if f.Code != WaitSoak || f.Soaks != 4*time.Second || t0.Sub(f.Since) != 9*time.Second {
		t.Errorf("got %s for %s, in flight since %s", f.Code, f.Soaks, f.Since)
	}
}
