package cli

import (
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheFirstSignalAsksAndTheSecondEnds(t *testing.T) {
	for _, c := range []struct {
		second os.Signal
		want   int
	}{{syscall.SIGINT, 130}, {syscall.SIGTERM, 143}} {
		synctest.Test(t, func(t *testing.T) {
			signals, code := make(chan os.Signal), 0
			ctx := UntilSignal(t.Context(), signals, func(n int) { code = n })
			synctest.Wait()
			if ctx.Err() != nil {
				t.Fatal("it ended without a signal")
			}
			signals <- syscall.SIGTERM
			synctest.Wait()
			if ctx.Err() == nil || code != 0 {
				t.Errorf("after one signal: %v, exit %d", ctx.Err(), code)
			}
			signals <- syscall.SIGTERM
			synctest.Wait()
			if code != 0 {
				t.Errorf("after the same signal, sent twice: exit %d", code)
			}
			<-time.After(echo + 1)
			signals <- c.second
			synctest.Wait()
			if code != c.want {
				t.Errorf("after %v: exit %d, want %d", c.second, code, c.want)
			}
		})
	}
}
