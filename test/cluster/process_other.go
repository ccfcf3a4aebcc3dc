//go:build unix && !linux

package cluster

import (
	"os/exec"
	"syscall"
)

func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}

// dieWithParent needs a kernel that offers it; elsewhere a killed parent leaves
// its children behind.
func dieWithParent(*exec.Cmd) {}
