//go:build unix

package drive

import (
	"os"
	"testing"
)

func TestADeadProcessIsTold(t *testing.T) {
	if !alive(os.Getpid()) || !alive(0) || !alive(-1) {
		t.Error("this process is dead")
	}
	if alive(noSuchPID) {
		t.Error("a process that never was is alive")
	}
}
