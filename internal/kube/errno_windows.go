package kube

import "syscall"

// What Winsock says of a connection that failed. The constants of syscall by
// the names of Unix are made up on Windows, and no error is one of them.
const (
	errRefused   = syscall.Errno(10061) // WSAECONNREFUSED
	errReset     = syscall.WSAECONNRESET
	errNoHost    = syscall.Errno(10065) // WSAEHOSTUNREACH
	errNoNetwork = syscall.Errno(10051) // WSAENETUNREACH
)
