// Package testkit builds the objects that tests are about: nodes, DaemonSets,
// their revisions, pods and events, and the snapshot that holds them.
//
// A builder begins with what is well: a ready node, a pod of the current
// revision that is available for a day. A test says only what is different, so
// that what it says is what it is about. Only tests import it.
package testkit
