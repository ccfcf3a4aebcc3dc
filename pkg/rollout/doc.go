// Package rollout decides the next step of bringing a new revision of a
// DaemonSet to every node: policy, plan, stored state, and Decide.
//
// It is pure. Decide looks at what is there (a View of a snapshot), at what
// the run stored, and at what this process saw itself, and returns one value:
// act, wait, stop or done. Progress is always derived from pods against the
// pinned target revision; what is stored can only restrict, and what was
// observed can only lengthen waiting. A driver (internal/drive) executes the
// values, and adds nothing of its own to them.
package rollout
