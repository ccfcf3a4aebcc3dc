// Package coverage wires the commands of kubectl ds-coverage: flags become
// options, options run. What is computed is in pkg/coverage, what is read in
// internal/kube and internal/archive, what is shown in internal/present.
package coverage
