//go:build linux || darwin

package drive

import "testing"

func TestThisMachineIsTold(t *testing.T) {
	if bootID() == "" {
		t.Error("nothing tells this boot from others")
	}
	if a, b := machine(), machine(); a != b || len(a) != 16 {
		t.Errorf("this machine is %q, and then %q", a, b)
	}
}
