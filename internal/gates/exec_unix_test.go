//go:build unix

package gates

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
)

// zombie matches the third field of /proc/PID/stat.
var zombie = regexp.MustCompile(`^\d+ \(.*\) Z`)

// dead is gone, or killed and not yet buried by whoever inherited it.
func dead(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return true
	}
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	return err == nil && zombie.Match(stat)
}
