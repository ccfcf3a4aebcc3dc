// Command policyschema writes the JSON schema of RolloutPolicy from its Go
// types and their comments.
package main

import (
	"fmt"
	"os"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: policyschema policy.go schema.json")
		os.Exit(2)
	}
	out, err := schema(os.Args[1])
	if err == nil {
		err = os.WriteFile(os.Args[2], out, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}
