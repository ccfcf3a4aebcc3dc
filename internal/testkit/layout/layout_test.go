package layout

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/kubectl-ds/kubectl-ds"

// goPackage is what `go list -json` says of one package.
type goPackage struct {
	Dir          string
	ImportPath   string
	Imports      []string
	TestImports  []string
	XTestImports []string
	Deps         []string
	GoFiles      []string
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps=false", "-json=Dir,ImportPath,Imports,TestImports,XTestImports,Deps,GoFiles", module+"/...")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var list []goPackage
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

func in(path, folder string) bool {
	return path == module+"/"+folder || strings.HasPrefix(path, module+"/"+folder+"/")
}

// pureStdlib is the computing part of the standard library.
var pureStdlib = []string{
	"bytes", "cmp", "crypto/sha256", "encoding", "encoding/base64", "encoding/binary", "encoding/json", "errors", "fmt", "iter", "maps", "math",
	"net/url", "regexp", "slices", "sort", "strconv", "strings", "time", "unicode", "unicode/utf8",
}

// pureModules are what pure packages may import beside the standard library.
var pureModules = []string{
	"k8s.io/api/", "k8s.io/apimachinery/", "k8s.io/component-helpers/", "github.com/go-logr/logr",
	"github.com/agnivade/levenshtein",
	"sigs.k8s.io/json", // the strict decoder of apimachinery
}

func TestPurePackagesImportOnlyWhatComputes(t *testing.T) {
	for _, p := range packages(t) {
		if !in(p.ImportPath, "pkg") {
			continue
		}
		for _, imp := range p.Imports {
			ok := slices.Contains(pureStdlib, imp) || in(imp, "pkg") ||
				slices.ContainsFunc(pureModules, func(m string) bool { return imp == m || strings.HasPrefix(imp, m) })
			if !ok {
				t.Errorf("%s imports %s\nwhy: the same input must give the same answer, on a live cluster, from a capture and under a fuzzer; clocks, goroutines and I/O stay in internal/", p.ImportPath, imp)
			}
		}
		for _, dep := range p.Deps {
			for _, far := range []string{"k8s.io/client-go/", "k8s.io/cli-runtime/", "k8s.io/kubectl/", "github.com/spf13/"} {
				if strings.HasPrefix(dep, far) {
					t.Errorf("%s depends on %s\nwhy: pure packages are to be usable from a controller or a job without the weight of a command line", p.ImportPath, dep)
				}
			}
		}
	}
}

// levels orders the pure packages: each imports only what stands before it.
var levels = []string{"snapshot", "eligibility", "coverage", "rollout"}

func TestPurePackagesImportDownwards(t *testing.T) {
	level := func(path string) int {
		return slices.IndexFunc(levels, func(l string) bool { return in(path, "pkg/"+l) })
	}
	for _, p := range packages(t) {
		if !in(p.ImportPath, "pkg") {
			continue
		}
		own := level(p.ImportPath)
		if own < 0 {
			t.Errorf("%s is not one of pkg/{%s}\nwhy: a new pure package needs a place in the order of design", p.ImportPath, strings.Join(levels, ","))
		}
		for _, imp := range p.Imports {
			if l := level(imp); l > own {
				t.Errorf("%s imports %s\nwhy: data flows one way: snapshot -> eligibility -> coverage -> rollout", p.ImportPath, imp)
			}
		}
	}
}

func TestRoomsHaveOneOwner(t *testing.T) {
	rules := []struct {
		imp  string // prefix
		only []string
		why  string
	}{
		{"github.com/olekukonko/tablewriter", []string{"internal/present"}, "tables are drawn in one place, which escapes what comes from a cluster"},
		{"k8s.io/client-go/kubernetes", []string{"internal/kube"}, "requests are sent in one place, which counts, pages and explains them"},
		{"k8s.io/client-go/rest", []string{"internal/kube", "internal/cli", "internal/cmd"}, "clients are built in one place"},
		{"github.com/spf13/cobra", []string{"internal/cli", "internal/cmd", "internal/gen"}, "flags end where options begin"},
		{module + "/internal/testkit", nil, "testkit is for tests"},
		{"testing", []string{"internal/testkit"}, "test helpers are for tests"},
	}
	for _, p := range packages(t) {
		for _, imp := range p.Imports {
			for _, r := range rules {
				hit := imp == r.imp || strings.HasPrefix(imp, r.imp+"/")
				if !hit || in(p.ImportPath, "internal/testkit") && in(r.imp, "internal/testkit") {
					continue
				}
				if in(p.ImportPath, "internal/testkit") && !slices.Contains(r.only, "internal/testkit") {
					continue // tests may build what product code may not
				}
				if !slices.ContainsFunc(r.only, func(o string) bool { return in(p.ImportPath, o) }) {
					t.Errorf("%s imports %s\nwhy: %s", p.ImportPath, imp, r.why)
				}
			}
		}
	}
}

// calls are selectors that have one place.
var calls = []struct {
	pkg, name string
	allowed   func(file string) bool
	why       string
}{
	{"os", "Exit", isMain, "a library that exits cannot be run twice in one test"},
	{"os", "Args", isMain, "arguments are handed down from main"},
	{"os", "Stdout", isMain, "streams are injected, so that output can be read by a test"},
	{"os", "Stderr", isMain, "streams are injected, so that output can be read by a test"},
	{"os", "Stdin", isMain, "streams are injected"},
	{"time", "Sleep", never, "a sleep is either too long or too short: wait for what you need, with a deadline"},
	{"time", "Now", notPure, "time is an argument of pure code: a capture is judged as of its own time"},
	{"time", "Since", notPure, "time is an argument of pure code"},
	{"context", "TODO", never, "the context comes from main"},
}

func isMain(file string) bool {
	return strings.HasPrefix(file, "cmd/") && filepath.Base(file) == "main.go" || strings.HasPrefix(file, "internal/gen/")
}
func never(string) bool        { return false }
func notPure(file string) bool { return !strings.HasPrefix(file, "pkg/") }

func TestCallsHaveTheirPlace(t *testing.T) {
	eachFile(t, func(rel string, f *ast.File) {
		pure := strings.HasPrefix(rel, "pkg/")
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				if pure {
					t.Errorf("%s starts a goroutine\nwhy: pure code has one order of events", rel)
				}
			case *ast.SelectorExpr:
				x, ok := n.X.(*ast.Ident)
				if !ok {
					return true
				}
				for _, c := range calls {
					if x.Name == c.pkg && n.Sel.Name == c.name && !c.allowed(rel) {
						t.Errorf("%s names %s.%s\nwhy: %s", rel, c.pkg, c.name, c.why)
					}
				}
			}
			return true
		})
	})
}

func TestTheZonesOfWindowsAreInTheProgram(t *testing.T) {
	for _, p := range packages(t) {
		if p.ImportPath == module+"/cmd/kubectl-ds_rollout" && slices.Contains(p.Imports, "time/tzdata") {
			return
		}
	}
	t.Error("cmd/kubectl-ds_rollout does not import time/tzdata\nwhy: Windows and small images have no time zones, and --window names one")
}

func TestNoRegistrationByInit(t *testing.T) {
	eachFile(t, func(rel string, f *ast.File) {
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s has func init\nwhy: commands and clients are values; what registers itself cannot be tested twice in one process", rel)
			}
		}
	})
}

// eachFile parses every product file of the root module.
func eachFile(t *testing.T, visit func(rel string, f *ast.File)) {
	t.Helper()
	root := rootDir(t)
	files := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if rel == "test" || rel == "bin" || strings.HasPrefix(d.Name(), ".") && rel != "." || d.Name() == "testdata" || rel == "internal/testkit" {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(rel, ".go") || strings.HasSuffix(rel, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		files++
		visit(rel, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 20 {
		t.Fatalf("only %d files seen under %s: the walk is broken", files, root)
	}
}

func rootDir(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(strings.TrimSpace(string(out)))
}

func TestTopLevelIsAsAgreed(t *testing.T) {
	want := []string{"cmd", "pkg", "docs", "go.mod", "go.sum", "Makefile", "README.md", "LICENSE", "CONTRIBUTING.md"}
	root := rootDir(t)
	for _, name := range want {
		if _, err := os.Stat(filepath.Join(root, name)); err != nil {
			t.Errorf("top level lacks %s: %v", name, err)
		}
	}
	entries, err := os.ReadDir(filepath.Join(root, "pkg"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !slices.Contains(levels, e.Name()) {
			t.Errorf("pkg/%s is not one of %s", e.Name(), strings.Join(levels, ", "))
		}
	}
}
