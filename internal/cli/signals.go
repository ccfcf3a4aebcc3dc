package cli

import (
	"context"
	"os"
	"syscall"
	"time"
)

// echo is for how long signals after the first one count as the same: timeout
// of coreutils sends its signal to the process and then to its group, and who
// passes on a Ctrl-C does so to a process that a terminal has told already.
const echo = 250 * time.Millisecond

// UntilSignal gives a context that ends with the first signal. A second one,
// later than an echo, ends the process at once, by exit. The signals are not
// given back for that: where the shell had them ignored, as for a job in the
// background of a script, they would be ignored again.
func UntilSignal(ctx context.Context, signals <-chan os.Signal, exit func(int)) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		<-signals
		cancel()
		for over := time.After(echo); ; {
			select {
			case <-signals:
			case <-over:
				exit(signalled(<-signals))
				return
			}
		}
	}()
	return ctx
}

// signalled is the exit code that a shell gives a process that a signal ended.
func signalled(s os.Signal) int {
	if n, ok := s.(syscall.Signal); ok && n != syscall.SIGINT {
		return 128 + int(n)
	}
	return Interrupted
}
