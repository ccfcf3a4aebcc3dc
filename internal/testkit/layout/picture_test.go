package layout

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestThePictureIsTheImportGraph holds the picture in docs/architecture.md: an
// arrow for every import between packages, except where a longer way says so
// already.
func TestThePictureIsTheImportGraph(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(rootDir(t), "docs", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(strings.ReplaceAll(string(b), "\r\n", "\n"), "```mermaid\n")
	picture, _, _ := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("docs/architecture.md has no picture")
	}
	var drawn []string
	for line := range strings.Lines(picture) {
		if line = strings.TrimSpace(line); strings.Contains(line, " --> ") {
			drawn = append(drawn, line)
		}
	}
	slices.Sort(drawn)
	want := arrows(imports(t))
	if len(want) < 12 {
		t.Fatalf("only %d arrows: the graph is not read", len(want))
	}
	if !slices.Equal(drawn, want) {
		t.Errorf("the picture in docs/architecture.md is not the import graph; its arrows are:\n  %s", strings.Join(want, "\n  "))
	}
}

// imports are those of the product's packages among each other.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for _, p := range packages(t) {
		if in(p.ImportPath, "internal/testkit") || in(p.ImportPath, "internal/gen") || !in(p.ImportPath, "cmd") && !in(p.ImportPath, "internal") && !in(p.ImportPath, "pkg") {
			continue
		}
		from := strings.TrimPrefix(p.ImportPath, module+"/")
		for _, imp := range p.Imports {
			if to, ours := strings.CutPrefix(imp, module+"/"); ours {
				out[from] = append(out[from], to)
			}
		}
	}
	return out
}

// arrows leaves out what a longer way says.
func arrows(graph map[string][]string) []string {
	var reaches func(from, to string) bool
	reaches = func(from, to string) bool {
		return from == to || slices.ContainsFunc(graph[from], func(next string) bool { return reaches(next, to) })
	}
	var out []string
	for from, tos := range graph {
		for _, to := range tos {
			if !slices.ContainsFunc(tos, func(by string) bool { return by != to && reaches(by, to) }) {
				out = append(out, fmt.Sprintf("%s --> %s", from, to))
			}
		}
	}
	slices.Sort(out)
	return out
}
