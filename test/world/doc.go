// Package world builds the cluster that the demo shows and the end-to-end
// tests judge: sixteen simulated nodes, the DaemonSets that clusters run, and
// every kind of gap that a real control plane can be made to have.
package world
