// Package release tests what a release consists of: it builds archives and
// packages as `make dist` does, takes them apart, and runs what is in them
// through the real kubectl.
package release
