// Package eligibility answers whether a node should run a pod of a DaemonSet,
// whether a running pod may stay, and names every rule that says no.
//
// It mirrors NodeShouldRunDaemonPod of pkg/controller/daemon in kubernetes
// v1.37.2. A differential test holds it against that function; everything the
// function does not look at (readiness, room, ports, volumes, spec.unschedulable)
// is not looked at here either.
package eligibility
