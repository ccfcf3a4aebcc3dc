// Package snapshot holds what a cluster looked like at one moment: nodes,
// DaemonSets, their revisions and pods, events, and every read that failed.
//
// It is pure data. Readers (internal/kube for a live cluster, internal/archive
// for a saved capture) fill a Snapshot through the functions here, so both
// give the same answers. A healthy pod is kept as a compact record of a few
// hundred bytes; the whole object hangs on it only where something is wrong.
package snapshot
