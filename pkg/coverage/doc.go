// Package coverage gives one verdict per (DaemonSet, live node): does the node
// run a healthy pod of the current revision, and if not why, and what to do.
//
// It is pure: a snapshot and a time go in, a Result comes out. The counts of
// DaemonSet.status are recomputed and compared. They decide a verdict only where
// the objects leave two answers: which revision is current where none could be
// read (revision.go), and how a feature gate is set (analyze.go).
//
// Its files:
//
//   - analyze.go, index.go, claim.go, revision.go: every pair is asked once; whose
//     pod is it, and is it current
//   - state.go, reasons.go, result.go, evidence.go: the verdict, its reason and the
//     operands; reasons.go is the registry
//   - excluded.go, exclusion.go, missing.go, present.go, unready.go, pending.go,
//     unheard.go, scheduler.go, containers.go, probes.go, churn.go, beside.go: the producers
//     of reasons
//   - second.go, nearmiss.go, cohort.go, pools.go: what only shows among all nodes
//   - room*.go: what is free on a node, who holds it, and who would have to go
//   - findings.go, tolerationends.go, held.go, status.go, updating.go: of a DaemonSet as a whole
//   - needs.go: which reads would make a verdict sharper
//   - message*.go, fixes*.go, looks.go, heldfixes.go, words.go: a verdict in words
//   - cause.go, tell*.go, notes.go: pairs that suffer from the same thing, as one
//     paragraph
//   - report.go, build.go, summary.go, top.go, condition.go: the report, and what
//     --fail-on asks of it
//   - explain*.go: every rule for one pair; nodeview.go: the verdicts by node
package coverage

//go:generate go run ../../internal/gen/reasons ../../docs/reasons.md
//go:generate go run ../../internal/gen/hidden ../../docs/examples/hidden-155-of-191.yaml testdata/cases/hidden-155-of-191.yaml
