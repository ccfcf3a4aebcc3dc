package rollout

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	core "github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// soakEnv asks for more of what is left to chance, as make soak does.
const soakEnv = "KUBECTL_DS_SOAK"

// TestADriverIsKilledAgainAndAgain at moments that nobody chose, until the run
// is done. Each of its worlds names its seed.
func TestADriverIsKilledAgainAndAgain(t *testing.T) {
	t.Parallel()
	worlds := uint64(1)
	if os.Getenv(soakEnv) != "" {
		worlds = 25
	}
	for i := range worlds {
		seed := uint64(time.Now().UnixNano()) + i
		t.Run(strconv.FormatUint(seed, 36), func(t *testing.T) {
			t.Parallel()
			chance := rand.New(rand.NewPCG(seed, 0))
			w := newWorld(t, 5, worldOptions{})
			args := append([]string{"start"}, fast(newImage, "--cordon")...)
			for deaths := 0; ; deaths++ {
				p := w.start(t, args[0], args[1:]...)
				if deaths < 6 && !p.within(time.Duration(300+chance.IntN(3000))*time.Millisecond) {
					p.kill()
					p.wait(t, -1)
					args = w.goOn(t)
					continue
				}
				p.wait(t, 0)
				break
			}
			w.all(t, newImage, 5)
			h := w.judge(t, twoAtATime)
			w.nothingLeft(t)
			if got := deleted(h); len(got) != 5 {
				t.Errorf("pods were deleted on %v, want each of 5 nodes once", got)
			}
		})
	}
}

// within reports whether the process ends by itself in that time.
func (p *process) within(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-p.done:
		return true
	case <-timer.C:
		return false
	}
}

// goOn is what a person does who finds the driver dead.
func (w *world) goOn(t *testing.T) []string {
	t.Helper()
	start := append([]string{"start"}, fast(newImage, "--cordon")...)
	if w.noLease(t.Context(), t) { // it had not begun, or was done
		return start
	}
	if w.stored(t).Phase == core.Arming && !onDelete(t, w) {
		w.run(t, 1, "abort") // the change died with it
		return start
	}
	return []string{"resume"}
}
