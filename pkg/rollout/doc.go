// Package rollout decides the next step of bringing a new revision of a
// DaemonSet to every node: policy, plan, stored state, and Decide.
//
// It is pure. Decide looks at what is there (a View of a snapshot), at what
// the run stored, and at what this process saw itself, and returns one value:
// act, wait, stop or done. Progress is always derived from pods against the
// pinned target revision; what is stored can only restrict, and what was
// observed can only lengthen waiting. A driver (internal/drive) executes the
// values, and adds nothing of its own to them.
//
// Its files:
//
//   - policy*.go, window.go, template.go: what a person asks for
//   - plan*.go, checks.go, disruption.go, owners.go, others.go, fits.go, order.go,
//     estimate.go, diff*.go: what would happen, and what speaks against it
//   - run.go, runcodec.go, marks.go, names.go, arm.go: what is stored in a cluster
//   - view.go, outdated.go, observed.go, outside.go: what there is to look at, and
//     what was watched
//   - decide.go, decision.go, action.go, cause.go: the question and its answers. It
//     asks guard.go (is it still the same run), ending.go (does it rest or end),
//     running.go, candidates.go and class.go (which nodes), flight.go, drain.go and
//     gates.go (a node on its way), failing.go, undo.go and calledoff.go
//   - verbs.go, intent.go: what another terminal may ask; resume.go, recover.go,
//     cordons.go: what a run leaves, and going on with it
//   - status.go, history.go, native*.go, compare.go, evidence.go, events.go, progress.go,
//     evicted.go, command.go: what is told
package rollout
