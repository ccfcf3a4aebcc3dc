// Command cli writes what is made from the commands themselves: the reference
// in docs/cli, manual pages, and completion scripts.
//
// It writes Markdown and roff itself. The writer of cobra repeats the forty
// global flags on every page and takes them from the machine that it runs on,
// and brings a Markdown parser along.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubectl-ds/kubectl-ds/internal/cmd/coverage"
	"github.com/kubectl-ds/kubectl-ds/internal/cmd/rollout"
)

//go:generate go run . --markdown ../../../docs/cli

func main() {
	markdown := flag.String("markdown", "", "The folder to write Markdown to; pages of commands that are gone are removed.")
	man := flag.String("man", "", "The folder to write manual pages to.")
	completions := flag.String("completions", "", "The folder to write completion scripts to.")
	flag.Parse()
	if err := run(*markdown, *man, *completions); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(markdown, man, completions string) error {
	roots, err := plugins()
	if err != nil {
		return err
	}
	if markdown != "" {
		if err := write(markdown, markdownPages(roots), "*.md"); err != nil {
			return err
		}
	}
	if man != "" {
		if err := write(man, manPages(roots), ""); err != nil {
			return err
		}
	}
	if completions != "" {
		scripts, err := completionScripts(roots)
		if err != nil {
			return err
		}
		return write(completions, scripts, "")
	}
	return nil
}

// plugins makes the root commands of both.
func plugins() ([]*cobra.Command, error) {
	streams := genericiooptions.IOStreams{Out: io.Discard, ErrOut: io.Discard}
	var out []*cobra.Command
	for _, build := range []func(genericiooptions.IOStreams) (*cobra.Command, error){coverage.Builder(""), rollout.Builder("")} {
		root, err := build(streams)
		if err != nil {
			return nil, err
		}
		root.InitDefaultHelpFlag()
		out = append(out, root)
	}
	return out, nil
}

// write writes pages to a folder, and removes others that match.
func write(dir string, pages map[string]string, others string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, text := range pages {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	if others == "" {
		return nil
	}
	old, err := filepath.Glob(filepath.Join(dir, others))
	if err != nil {
		return err
	}
	for _, path := range old {
		if _, ok := pages[filepath.Base(path)]; !ok {
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	return nil
}
