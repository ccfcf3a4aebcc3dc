package gates

import (
	"os/exec"
	"unsafe"

	"golang.org/x/sys/windows"
)

// group is a job object: what a process of it starts belongs to it, too. What
// the command starts before it is put there does not; that is a moment in
// which a process is still being made.
type group struct{ job windows.Handle }

// newGroup makes the end of the command's context the end of the whole group.
// Without a job object the command alone is killed.
func newGroup(cmd *exec.Cmd) *group {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return &group{}
	}
	// The group ends with this process, too, however that ends.
	limits := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{
		BasicLimitInformation: windows.JOBOBJECT_BASIC_LIMIT_INFORMATION{LimitFlags: windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE},
	}
	if _, err := windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&limits)), uint32(unsafe.Sizeof(limits))); err != nil {
		_ = windows.CloseHandle(job)
		return &group{}
	}
	g := &group{job}
	cmd.Cancel = func() error {
		_ = windows.TerminateJobObject(job, 1)
		return cmd.Process.Kill() // where it could not be put there
	}
	return g
}

// started puts the command into its group.
func (g *group) started(cmd *exec.Cmd) {
	if g.job != 0 {
		_ = cmd.Process.WithHandle(func(h uintptr) { _ = windows.AssignProcessToJobObject(g.job, windows.Handle(h)) })
	}
}

// kill ends what the command left running. That nothing is left is the rule,
// not an error.
func (g *group) kill(*exec.Cmd) {
	if g.job != 0 {
		_ = windows.TerminateJobObject(g.job, 1)
		_ = windows.CloseHandle(g.job)
	}
}
