//go:build !windows

package cli

import "syscall"

// What the system says of a pipe that nobody reads.
var brokenPipe = []error{syscall.EPIPE}
