//go:build unix

package drive

import (
	"bytes"
	"errors"
	"os"
	"strconv"
	"syscall"
)

// alive reports whether a process of this machine runs. One that has ended and
// that nobody has waited for runs no more.
func alive(pid int) bool {
	if pid <= 0 || !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return pid <= 0 || !zombie(pid)
	}
	return false
}

// zombie reads the state of a process, as proc(5) has it after the name in
// brackets; where there is no such file nothing is known.
func zombie(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	i := bytes.LastIndexByte(stat, ')')
	return i > 0 && i+2 < len(stat) && stat[i+2] == 'Z'
}
