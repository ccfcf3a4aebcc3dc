// Package check judges a rollout by the writes that a server saw, in order:
// the invariants G1 to G10 of the project. It knows nothing of how decisions
// are made, and shares no code with what makes them; its input is plain, so
// that the journal of a simulation and the audit log of a kube-apiserver can
// both be turned into it.
package check
