// Package rollout tests kubectl ds-rollout end to end: the built plugin, run
// through the real kubectl against a real control plane with simulated nodes.
// Every run is judged by what kube-apiserver's audit log says of it, with the
// checker that also judges the simulation.
package rollout
