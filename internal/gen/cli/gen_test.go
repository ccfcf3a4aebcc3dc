package main

import (
	"maps"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

func roots(t *testing.T) []*cobra.Command {
	t.Helper()
	r, err := plugins()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTheReferenceIsThatOfTheCommands(t *testing.T) {
	pages := markdownPages(roots(t))
	dir := filepath.Join("..", "..", "..", "docs", "cli")
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		names = append(names, f.Name())
		b, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(pages[f.Name()], strings.ReplaceAll(string(b), "\r\n", "\n")); diff != "" {
			t.Errorf("docs/cli/%s is not what the command says, run make generate: %s", f.Name(), diff)
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(pages)), names); diff != "" {
		t.Errorf("pages and commands differ, run make generate: %s", diff)
	}
}

// What is made holds nothing of the day and of the machine.
func TestPagesAreTheSameEverywhere(t *testing.T) {
	made := []map[string]string{markdownPages(roots(t)), manPages(roots(t))}
	t.Setenv("HOME", t.TempDir())
	t.Setenv("USERPROFILE", os.Getenv("HOME"))
	t.Setenv("KUBECACHEDIR", "/elsewhere")
	t.Setenv("TZ", "Asia/Tokyo")
	if diff := cmp.Diff(made, []map[string]string{markdownPages(roots(t)), manPages(roots(t))}); diff != "" {
		t.Errorf("pages differ from home to home: %s", diff)
	}
	home := "/nobody"
	if u, err := user.Current(); err == nil && len(u.HomeDir) > 1 {
		home = u.HomeDir
	}
	day := regexp.MustCompile(`(?i)auto generated|\d{1,2}-(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)-\d{4}`)
	for _, pages := range made {
		for name, text := range pages {
			if strings.Contains(text, home+"/") || day.MatchString(text) {
				t.Errorf("%s holds something of this machine or day", name)
			}
		}
	}
}

func TestLinksOfPagesLeadSomewhere(t *testing.T) {
	pages := markdownPages(roots(t))
	links := 0
	for name, text := range pages {
		for _, m := range regexp.MustCompile(`\]\(([a-z_-]+\.md)\)`).FindAllStringSubmatch(text, -1) {
			if links++; pages[m[1]] == "" {
				t.Errorf("%s leads to %s, which is not there", name, m[1])
			}
		}
	}
	if links < 60 {
		t.Errorf("only %d links: the pattern finds none of them", links)
	}
}

func TestManualPagesAreRoff(t *testing.T) {
	pages := manPages(roots(t))
	if p := pages["kubectl-ds_rollout-start.1"]; !strings.Contains(p, ".SH OPTIONS\n") || !strings.Contains(p, `\fB\-\-max\-unavailable\fR='1'`) {
		t.Errorf("the page of start: %.300s", p)
	}
	request := regexp.MustCompile(`^\.(TH|SH|B|PP|TP|nf|fi|RS|RE)( |$)`)
	for name, p := range pages {
		for line := range strings.Lines(p) {
			if strings.HasPrefix(line, ".") && !request.MatchString(strings.TrimSuffix(line, "\n")) || strings.HasPrefix(line, "'") {
				t.Errorf("%s: %q would be taken for a request", name, line)
			}
		}
	}
	if got := roff(".x\n'y \\ -"); got != "\\&.x\n\\&'y \\e \\-" {
		t.Errorf("roff: %q", got)
	}
}

func TestEachShellHasAScript(t *testing.T) {
	scripts, err := completionScripts(roots(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"kubectl-ds_coverage.bash", "kubectl-ds_coverage.zsh", "kubectl-ds_rollout.fish", "kubectl-ds_rollout.ps1"} {
		if !strings.Contains(scripts[name], "__complete") {
			t.Errorf("%s: %.100q", name, scripts[name])
		}
	}
}
