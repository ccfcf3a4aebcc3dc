// Command reasons prints docs/reasons.md from the registry of reasons.
package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"github.com/kubectl-ds/kubectl-ds/pkg/coverage"
)

func main() {
	if err := os.WriteFile(os.Args[1], page(), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func page() []byte {
	var b bytes.Buffer
	fmt.Fprint(&b, "# Reasons\n\nEvery reason that a verdict or a finding may have. The state comes first, then the first reason in this order that the state allows; the others that apply are listed as `contributing`. Made from the registry in `pkg/coverage/reasons.go` by `make generate`.\n\n")
	fmt.Fprint(&b, "## Of a node\n\n| reason | states | severity | meaning | what to do |\n| --- | --- | --- | --- | --- |\n")
	for _, r := range coverage.Registry() {
		if len(r.States) == 0 {
			continue
		}
		var states []string
		for _, s := range r.States {
			states = append(states, s.String())
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", r.Reason, strings.Join(states, ", "), r.Severity, r.Meaning, r.Remedy)
	}
	fmt.Fprint(&b, "\n## Of a DaemonSet as a whole\n\n| reason | severity | meaning | what to do |\n| --- | --- | --- | --- |\n")
	for _, r := range coverage.Registry() {
		if r.Finding {
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", r.Reason, r.Severity, r.Meaning, r.Remedy)
		}
	}
	return b.Bytes()
}
