package cluster

import (
	"os/exec"
	"syscall"
)

// ownGroup puts a child and its children in a process group of their own: a
// Ctrl-C on the terminal must reach only us, who stop them in order.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}

// dieWithParent makes the kernel kill the child when we are gone, however that
// came about. The signal follows the thread that started the child, so the
// caller must be on a thread that lives as long as the child should.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
}
