//go:build !unix

package gates

import "os/exec"

// ownGroup does nothing: there are no process groups to kill, and the end of
// the context kills the command alone.
func ownGroup(*exec.Cmd) {}

func killGroup(*exec.Cmd) {}
