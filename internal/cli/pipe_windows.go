package cli

import "syscall"

// What Windows says of a pipe that nobody reads.
var brokenPipe = []error{syscall.ERROR_BROKEN_PIPE, syscall.Errno(232)} // ERROR_NO_DATA
