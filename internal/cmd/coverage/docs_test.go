package coverage

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
)

var updateDocs = flag.Bool("update-docs", false, "write the outputs in the documents again")

// screen is a terminal of 120 columns.
type screen struct{ bytes.Buffer }

func (*screen) Columns() int { return 120 }

// block is a console block of a document; command is a line of it that can be
// run anywhere, since it reads a capture of the repository.
var (
	block   = regexp.MustCompile("(?s)```console\n(.*?)```")
	command = regexp.MustCompile(`^\$ kubectl ds-coverage .*--from docs/`)
)

// TestOutputsInDocumentsAreWhatTheProgramPrints runs every command of the
// documents that reads a capture in docs/, on a terminal of 120 columns, and
// compares.
func TestOutputsInDocumentsAreWhatTheProgramPrints(t *testing.T) {
	t.Chdir("../../..")
	files, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, file := range append(files, "README.md") {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text := string(raw)
		next := block.ReplaceAllStringFunc(text, func(b string) string {
			body := strings.TrimSuffix(strings.TrimPrefix(b, "```console\n"), "```")
			var out strings.Builder
			lines := strings.SplitAfter(body, "\n")
			for i := 0; i < len(lines); i++ {
				out.WriteString(lines[i])
				if !command.MatchString(lines[i]) {
					continue
				}
				ran++
				out.WriteString(run(t, strings.Fields(lines[i])[2:]))
				for i+1 < len(lines) && !strings.HasPrefix(lines[i+1], "$ ") && lines[i+1] != "" {
					i++
				}
				if i+1 < len(lines) && strings.HasPrefix(lines[i+1], "$ ") {
					out.WriteString("\n")
				}
			}
			return "```console\n" + out.String() + "```"
		})
		if next == text {
			continue
		}
		if *updateDocs {
			if err := os.WriteFile(file, []byte(next), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		t.Errorf("%s shows what the program does not print; run make golden.\nIt prints:\n%s", file, next)
	}
	if ran == 0 {
		t.Error("no document shows a command on a capture")
	}
}

func run(t *testing.T, args []string) string {
	t.Helper()
	var out screen
	var errOut bytes.Buffer
	streams := genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &errOut}
	code := cli.Main(t.Context(), append([]string{"kubectl-ds_coverage"}, args[1:]...), streams, Builder("v0.0.0"))
	if code != cli.OK && code != cli.Failed {
		t.Errorf("%s: exit code %d: %s", strings.Join(args, " "), code, errOut.String())
	}
	return out.String() + errOut.String()
}
