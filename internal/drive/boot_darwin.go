package drive

import "syscall"

// bootID is that of the kernel, which has one space of process ids.
func bootID() string {
	id, err := syscall.Sysctl("kern.bootsessionuuid")
	if err != nil {
		return ""
	}
	return id
}
