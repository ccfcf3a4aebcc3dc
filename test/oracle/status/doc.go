// Package status holds the counts that coverage recomputes against the status
// that the real DaemonSet controller writes, on a real API server.
//
// Worlds are random: DaemonSets with all kinds of rules and strategies, nodes
// that come, go and are tainted, and pods in every state that a kubelet, an
// eviction or a hand can leave them in. Nobody runs the nodes, the scheduler
// is not asked, and the controllers that would tidy up are off, so what the
// test writes stays, and the DaemonSet controller alone answers.
//
// The ways in which status is known to lag are not left out: there the counts
// must differ, and the report must say why.
package status
