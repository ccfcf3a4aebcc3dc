// Command picture draws what the plugins show on a terminal, as SVG: it runs
// their commands on captures of docs/examples, with colours, and puts the text
// where a terminal puts it. The live view is drawn from a run that was recorded
// on the demo's cluster (cd test && go run ./demo -canary ../docs/examples/canary).
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

//go:generate go run . ../../..

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// folder is where the pictures are, from the root of the repository.
const folder = "docs/pictures"

// run works in the root, as whoever types the commands that are shown.
func run(root string) error {
	if err := os.Chdir(root); err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for _, s := range scenes() {
		svg, err := s.draw(context.Background())
		if err != nil {
			return fmt.Errorf("%s: %w", s.file, err)
		}
		if err := os.WriteFile(filepath.Join(folder, s.file), svg, 0o644); err != nil {
			return err
		}
	}
	return nil
}
