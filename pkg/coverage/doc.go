// Package coverage gives one verdict per (DaemonSet, live node): does the node
// run a healthy pod of the current revision, and if not why, and what to do.
//
// It is pure: a snapshot and a time go in, a Result comes out. Status fields
// of the DaemonSet are never trusted; they are recomputed and compared.
package coverage

//go:generate go run ../../internal/gen/reasons ../../docs/reasons.md
//go:generate go run ../../internal/gen/hidden ../../docs/examples/hidden-155-of-191.yaml testdata/cases/hidden-155-of-191.yaml
