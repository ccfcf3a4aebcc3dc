//go:build !linux && !darwin

package drive

// bootID is not known here. The id that Windows has of a machine is the same
// on all that were copied from one disk.
func bootID() string { return "" }
