// Package docs holds what the documents say to what the code does. What they
// show of a cluster is held in test/demo, what they show of a capture in
// internal/cmd/coverage.
package docs

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	rolloutcmd "github.com/kubectl-ds/kubectl-ds/internal/cmd/rollout"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

var updateDocs = flag.Bool("update-docs", false, "write the outputs in the documents again")

// documents are those of the repository, by their names from its root.
func documents(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, n := range slices.Concat(glob(t, "*.md"), glob(t, "cli/*.md"), glob(t, "../*.md"), glob(t, "../.github/*.md")) {
		raw, err := os.ReadFile(n)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Join("docs", n)] = string(raw)
	}
	return out
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	if len(names) == 0 {
		t.Fatalf("there is no %s", pattern)
	}
	return names
}

var yamlBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// TestPoliciesInDocumentsAreValid decodes them as strictly as the program
// does.
func TestPoliciesInDocumentsAreValid(t *testing.T) {
	found := 0
	for name, text := range documents(t) {
		for _, m := range yamlBlock.FindAllStringSubmatch(text, -1) {
			if !strings.Contains(m[1], "kind: "+rollout.KindPolicy) {
				continue
			}
			found++
			raw, err := yaml.YAMLToJSONStrict([]byte(m[1]))
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if _, err := rollout.DecodePolicy(raw); err != nil {
				t.Errorf("%s: %v\n%s", name, err, m[1])
			}
		}
	}
	if found < 2 {
		t.Errorf("%d policies: the documents show more, or this test sees none", found)
	}
}

var printed = regexp.MustCompile("(?s)```yaml\n# (kubectl ds-rollout rbac[^\n]*)\n(.*?)```")

// TestRolesInDocumentsAreWhatIsPrinted runs the command in the first line of
// each block.
func TestRolesInDocumentsAreWhatIsPrinted(t *testing.T) {
	const name = "rollout-roles.md"
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	next := printed.ReplaceAllStringFunc(string(raw), func(b string) string {
		ran++
		command := printed.FindStringSubmatch(b)[1]
		return "```yaml\n# " + command + "\n" + roles(t, strings.Fields(command)[2:]) + "```"
	})
	switch {
	case ran == 0:
		t.Error("no role is shown")
	case next == string(raw):
	case *updateDocs:
		if err := os.WriteFile(name, []byte(next), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s shows other roles than the program prints; read the difference after: go test ./docs -update-docs", name)
	}
}

func roles(t *testing.T, args []string) string {
	t.Helper()
	var out, errOut bytes.Buffer
	streams := genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &errOut}
	code := cli.Main(t.Context(), append([]string{"kubectl-ds_rollout"}, args...), streams, rolloutcmd.Builder("v0.0.0"))
	if code != cli.OK {
		t.Errorf("%s: exit code %d: %s", strings.Join(args, " "), code, errOut.String())
	}
	return out.String()
}
