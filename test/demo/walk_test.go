package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/kubectl-ds/kubectl-ds/test/cluster"
)

func text(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// refreshed is what a document shows, line by line as it was printed now: where
// lines are left out, those that stand are looked for.
func refreshed(shown, printed string) string {
	lines := strings.Split(shown, "\n")
	if !slices.Contains(lines, leftOut) {
		return printed
	}
	now := strings.Split(printed, "\n")
	used := map[int]bool{}
	at := make([]int, len(lines)) // of a line that stands, in now
	next := 0
	for i, line := range lines {
		want := masked(line)
		event := strings.HasPrefix(want, "TIME ")
		at[i] = slices.IndexFunc(now, func(l string) bool { return masked(l) == want })
		for at[i] >= 0 && (used[at[i]] || !event && at[i] < next) {
			from := at[i] + 1
			if at[i] = slices.IndexFunc(now[from:], func(l string) bool { return masked(l) == want }); at[i] >= 0 {
				at[i] += from
			}
		}
		if line == leftOut || at[i] < 0 {
			at[i] = -1
			continue
		}
		used[at[i]] = true
		if !event {
			next = at[i] + 1
		}
	}
	inOrder(lines, at)
	for i := range lines {
		if at[i] >= 0 {
			lines[i] = now[at[i]]
		}
	}
	return strings.Join(lines, "\n")
}

// inOrder sorts events that stand together as they were printed.
func inOrder(lines []string, at []int) {
	for i := 0; i < len(lines); i++ {
		end := i
		for end < len(lines) && at[end] >= 0 && strings.HasPrefix(masked(lines[end]), "TIME ") {
			end++
		}
		slices.SortFunc(at[i:end], cmp.Compare[int])
		i = max(i, end-1)
	}
}

var timeOfEvent = regexp.MustCompile(`(?m)^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)

// forward says where the clock of the documents goes back; empty if it does
// not. They are run in their order, on one cluster.
func forward(t *testing.T, root string) string {
	t.Helper()
	last := ""
	for _, name := range documents {
		for _, now := range timeOfEvent.FindAllString(text(t, filepath.Join(root, name)), -1) {
			if now < last {
				return fmt.Sprintf("%s: %s comes after %s", name, now, last)
			}
			last = now
		}
	}
	return ""
}

func TestTheClockOfTheDocumentsGoesForward(t *testing.T) {
	root, err := cluster.FindRoot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if back := forward(t, root); back != "" {
		t.Errorf("%s: outputs of two walks are mixed; write all again: go test ./demo -run TestDocuments -update-docs", back)
	}
}

func TestWhatStandsIsShownAsItWasPrintedLast(t *testing.T) {
	const day = "2026-11-24T10:00:0"
	shown := "Run aaaa started\n...\n" + day + "1Z NodeDone node=b took=1s\n" + day + "2Z NodeDone node=a took=1s\n...\nend after 9s\n"
	printed := "Run bbbb started\nleft out\n" + day + "5Z NodeDone node=c took=3s\n" + day + "6Z NodeDone node=a took=3s\n" +
		day + "7Z NodeDone node=b took=3s\nend after 8s\nend after 7s\n"
	want := "Run bbbb started\n...\n" + day + "6Z NodeDone node=a took=3s\n" + day + "7Z NodeDone node=b took=3s\n...\nend after 8s\n"
	if got := refreshed(shown, printed); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := refreshed("all 1s\n", "all 2s\n"); got != "all 2s\n" {
		t.Errorf("got %q", got)
	}
}
