package layout

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var fileOfMap = regexp.MustCompile(`[a-z*]+\.go\b`)

// TestMapsNameEveryFile: the two packages with too many files to guess from
// have a map in doc.go.
func TestMapsNameEveryFile(t *testing.T) {
	for _, dir := range []string{"pkg/coverage", "pkg/rollout"} {
		doc, err := os.ReadFile(filepath.Join(rootDir(t), dir, "doc.go"))
		if err != nil {
			t.Fatal(err)
		}
		_, list, _ := strings.Cut(string(doc), "// Its files:\n")
		named := fileOfMap.FindAllString(list, -1)
		found, err := filepath.Glob(filepath.Join(rootDir(t), dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		unused := slices.Clone(named)
		for _, f := range found {
			f = filepath.Base(f)
			if f == "doc.go" || strings.HasSuffix(f, "_test.go") {
				continue
			}
			matches := func(pattern string) bool { ok, _ := path.Match(pattern, f); return ok }
			if !slices.ContainsFunc(named, matches) {
				t.Errorf("%s/doc.go does not say what %s is for: name it in the group where it belongs", dir, f)
			}
			unused = slices.DeleteFunc(unused, matches)
		}
		if len(unused) > 0 {
			t.Errorf("%s/doc.go names files that are not there: %v", dir, unused)
		}
	}
}
