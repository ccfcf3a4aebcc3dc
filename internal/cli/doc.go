// Package cli is what both plugins share on the command line: kubeconfig
// flags, help, version, completion, near-match suggestions, and one place
// where errors become exit codes and one line on stderr.
package cli
