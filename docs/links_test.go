package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	link    = regexp.MustCompile(`\]\(([^)\s:]*)\)|\b(?:src|srcset|href)="([^":\s]*)"`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	noWord  = regexp.MustCompile(`[^a-z0-9 _-]`)
)

// leads is a link within the repository.
type leads struct{ shown, to, anchor string }

func links(name, text string) []leads {
	var out []leads
	for _, m := range link.FindAllStringSubmatch(text, -1) {
		l := leads{shown: m[1] + m[2], to: name}
		path, anchor, _ := strings.Cut(l.shown, "#")
		if path != "" {
			l.to = filepath.Join(filepath.Dir(name), path)
		}
		l.anchor = anchor
		out = append(out, l)
	}
	return out
}

// TestLinksLeadSomewhere follows those between the files of the repository.
func TestLinksLeadSomewhere(t *testing.T) {
	for name, text := range documents(t) {
		for _, l := range links(name, text) {
			info, err := os.Stat(filepath.Join("..", l.to))
			if err != nil {
				t.Errorf("%s: %s leads nowhere", name, l.shown)
				continue
			}
			if l.anchor == "" || info.IsDir() {
				continue
			}
			raw, err := os.ReadFile(filepath.Join("..", l.to))
			if err != nil {
				t.Fatal(err)
			}
			if !hasAnchor(string(raw), l.anchor) {
				t.Errorf("%s: no heading of %s is #%s", name, l.to, l.anchor)
			}
		}
	}
}

func hasAnchor(text, anchor string) bool {
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		if strings.ReplaceAll(noWord.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-") == anchor {
			return true
		}
	}
	return false
}

// TestTheREADMELeadsToEveryDocument: what no link leads to, nobody reads. The
// README leads to each in docs/, and the list of commands to each of them.
func TestTheREADMELeadsToEveryDocument(t *testing.T) {
	const readme = "README.md"
	all := documents(t)
	near := map[string]bool{}
	far := map[string]bool{readme: true}
	for _, l := range links(readme, all[readme]) {
		near[l.to] = true
	}
	for todo := []string{readme}; len(todo) > 0; todo = todo[1:] {
		for _, l := range links(todo[0], all[todo[0]]) {
			if !far[l.to] {
				far[l.to] = true
				todo = append(todo, l.to)
			}
		}
	}
	for name := range all {
		switch {
		case strings.HasPrefix(name, ".github"): // GitHub shows these where they belong
		case !far[name]:
			t.Errorf("no link leads to %s", name)
		case filepath.Dir(name) == "docs" && !near[name]:
			t.Errorf("the README does not lead to %s itself", name)
		}
	}
}
