//go:build unix

package gates

import (
	"os/exec"
	"syscall"
)

// group is a process group, which the command leads.
type group struct{}

// newGroup makes the end of the command's context the end of the whole group.
func newGroup(cmd *exec.Cmd) group {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	return group{}
}

// started does nothing: a command begins in its group.
func (group) started(*exec.Cmd) {}

// kill ends what the command left running. That nothing is left is the rule,
// not an error.
func (group) kill(cmd *exec.Cmd) {
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
}
