//go:build !unix

package drive

// alive is not known here: the Lease has to run out.
func alive(int) bool { return true }
