// Package sim is a cluster in one process and on a virtual clock: API objects
// with resourceVersions, UIDs and preconditions, a DaemonSet controller,
// kubelets, the node lifecycle, disruption budgets, other operators and
// faults, stepped by a seeded scheduler. A minimal driver executes what
// rollout.Decide says, and the journal of all writes is judged by sim/check.
//
// The semantics are those of kubernetes v1.37.2 as far as a rollout can feel
// them: pkg/controller/daemon (OnDelete, RollingUpdate with what it does to
// unavailable old pods, revisions and their numbers), pkg/controller/nodelifecycle
// (taints after 40 seconds), pkg/registry/core/pod (graceful deletion,
// eviction).
package sim
