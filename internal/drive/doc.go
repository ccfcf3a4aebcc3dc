// Package drive is the loop of a rollout: observe, decide, act, wait. What to
// do is decided by pkg/rollout alone; this package executes the values that
// come from there, one request at a time, holds the Lease while it does, and
// stops when it cannot.
package drive
