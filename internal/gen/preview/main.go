// Command preview prints the report of a capture. It links no client, so it
// builds in a part of the time that the plugin takes: make demo shows something
// while the rest is still being built.
package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/kubectl-ds/kubectl-ds/internal/archive"
	"github.com/kubectl-ds/kubectl-ds/internal/present"
	"github.com/kubectl-ds/kubectl-ds/pkg/coverage"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

func main() {
	// What follows the capture are the flags that the command has which make
	// demo shows above it: printed commands repeat them.
	if err := run(os.Args[1], strings.Join(os.Args[2:], " ")); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(path, flags string) error {
	s, err := archive.Read(context.Background(), path, nil, snapshot.Scope{})
	if err != nil {
		return err
	}
	// Captures of simulated clusters are seconds old: no grace.
	const grace = 0 * time.Second
	r := coverage.Analyze(s, coverage.Options{Now: s.Source.TakenAt, Grace: grace, ReportFlags: strings.TrimSpace("--from " + path + " " + flags)})
	mode, err := present.ParseColorMode("auto")
	if err != nil {
		return err
	}
	return present.Coverage(os.Stdout, r.Report(), r.Causes(), present.Options{
		Width: max(present.TerminalWidth(os.Stdout), 120), Color: mode.Enabled(os.Stdout, nil), Now: s.Source.TakenAt, Grace: grace,
	})
}
