package layout

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// workflow is what of a GitHub workflow is held to rules.
type workflow struct {
	Permissions map[string]string `json:"permissions"`
	Jobs        map[string]job    `json:"jobs"`
}

type job struct {
	Needs       any               `json:"needs"`
	RunsOn      string            `json:"runs-on"`
	Timeout     int               `json:"timeout-minutes"`
	Permissions map[string]string `json:"permissions"`
	Steps       []struct {
		Uses string         `json:"uses"`
		Run  string         `json:"run"`
		With map[string]any `json:"with"`
	} `json:"steps"`
}

// runs reports whether a job runs a command.
func (j job) runs(command string) bool {
	for _, s := range j.Steps {
		if strings.TrimSpace(s.Run) == command {
			return true
		}
	}
	return false
}

// workflows reads them, and their text.
func workflows(t *testing.T) (map[string]workflow, map[string]string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(rootDir(t), ".github", "workflows", "*"))
	if err != nil || len(paths) < 2 {
		t.Fatalf("workflows: %v, %v", paths, err)
	}
	out, texts := map[string]workflow{}, map[string]string{}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var w workflow
		if err := yaml.Unmarshal(b, &w); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		name := filepath.Base(path)
		out[name], texts[name] = w, string(b)
	}
	return out, texts
}

func TestActionsArePinned(t *testing.T) {
	pinned := regexp.MustCompile(`^\s*(- )?uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	_, texts := workflows(t)
	shas := map[string]string{}
	for name, text := range texts {
		for line := range strings.Lines(text) {
			line = strings.TrimRight(line, "\r\n")
			if !strings.Contains(line, "uses:") {
				continue
			}
			if !pinned.MatchString(line) {
				t.Errorf("%s: %q\nwhy: a tag can be moved to other code, a commit cannot; the comment says which version it is", name, line)
				continue
			}
			action, sha, _ := strings.Cut(strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "- ")), "@")
			if old := shas[action]; old != "" && old != sha {
				t.Errorf("%s: %s is pinned to %s and to %s\nwhy: one version of an action is enough to look through", name, action, old, sha)
			}
			shas[action] = sha
		}
	}
	b, err := os.ReadFile(filepath.Join(rootDir(t), "docs", "releasing.md"))
	if err != nil {
		t.Fatal(err)
	}
	for action := range shas {
		parts := strings.Split(strings.TrimPrefix(action, "uses: "), "/")
		if name := strings.Join(parts[:2], "/"); !strings.Contains(string(b), "| `"+name+"` |") {
			t.Errorf("docs/releasing.md does not list %s", name)
		}
	}
	if len(shas) < 4 {
		t.Errorf("only %d actions seen: the pattern finds none of them", len(shas))
	}
}

func TestWorkflowsHaveTheLeastPermissions(t *testing.T) {
	wider := map[string]map[string]string{
		"release.yml/publish": {"contents": "write", "id-token": "write", "pull-requests": "write"},
	}
	all, texts := workflows(t)
	b, err := os.ReadFile(filepath.Join(rootDir(t), "docs", "releasing.md"))
	if err != nil {
		t.Fatal(err)
	}
	releasing := string(b)
	for name, w := range all {
		if len(w.Permissions) != 1 || w.Permissions["contents"] != "read" {
			t.Errorf("%s: permissions %v\nwhy: what a workflow may do is written at its top, and is to read", name, w.Permissions)
		}
		for id, j := range w.Jobs {
			for p, level := range j.Permissions {
				if wider[name+"/"+id][p] != level {
					t.Errorf("%s: job %s has %s: %s\nwhy: only the job that publishes may write", name, id, p, level)
				}
			}
			if j.Timeout == 0 {
				t.Errorf("%s: job %s has no timeout-minutes", name, id)
			}
			for _, s := range j.Steps {
				if strings.HasPrefix(s.Uses, "actions/checkout@") && s.With["persist-credentials"] != false {
					t.Errorf("%s: job %s leaves its token in the checkout", name, id)
				}
				if strings.Contains(s.Run, "${{ github.event") {
					t.Errorf("%s: job %s runs words of whoever opens a pull request", name, id)
				}
			}
		}
		if strings.Contains(texts[name], "pull_request_target") {
			t.Errorf("%s gives a pull request the rights of the repository", name)
		}
		for _, secret := range regexp.MustCompile(`secrets\.(\w+)`).FindAllStringSubmatch(texts[name], -1) {
			if secret[1] != "GITHUB_TOKEN" && !strings.Contains(releasing, "`"+secret[1]+"`") {
				t.Errorf("%s uses the secret %s\nwhy: what has to be set up by hand stands in docs/releasing.md", name, secret[1])
			}
		}
	}
}

// goreleaser uses a token only where it is a variable and nothing around it; with
// anything else a release ends with an error after it is out.
func TestTokensOfAReleaseAreVariablesOfItsWorkflow(t *testing.T) {
	_, texts := workflows(t)
	b, err := os.ReadFile(filepath.Join(rootDir(t), ".goreleaser.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	tokens := regexp.MustCompile(`(?m)^ *token: *(.*)$`).FindAllStringSubmatch(string(b), -1)
	if len(tokens) == 0 {
		t.Error("no token is seen: the tap is written to with one")
	}
	for _, m := range tokens {
		variable := regexp.MustCompile(`^"{{ \.Env\.(\w+) }}"`).FindStringSubmatch(m[1])
		if variable == nil {
			t.Errorf(".goreleaser.yaml: token %s\nwhy: goreleaser takes \"{{ .Env.NAME }}\" alone", m[1])
			continue
		}
		if want := variable[1] + ": ${{ secrets." + variable[1] + " }}"; !strings.Contains(texts["release.yml"], want) {
			t.Errorf("release.yml has no %s", want)
		}
	}
}

func TestWorkflowsRunWhatEverybodyRuns(t *testing.T) {
	all, texts := workflows(t)
	if j := all["ci.yml"].Jobs["linux"]; !j.runs(".ci/run") || !strings.HasPrefix(j.RunsOn, "ubuntu") {
		t.Error("ci.yml: the job linux does not run .ci/run\nwhy: what is checked there is what a contributor can run")
	}
	for _, os := range []string{"macos", "windows"} {
		if !strings.Contains(texts["ci.yml"], os) {
			t.Errorf("ci.yml does not test on %s", os)
		}
	}
	if j := all["ci.yml"].Jobs["others"]; !j.runs("go test ./...") || !j.runs("go build ./...") {
		t.Error("ci.yml: the job others does not build and test")
	}
	release := all["release.yml"]
	if !release.Jobs["verify"].runs(".ci/run") || release.Jobs["publish"].Needs != "verify" || release.Jobs["krew"].Needs != "publish" {
		t.Error("release.yml publishes what was not verified")
	}
	for _, s := range release.Jobs["publish"].Steps {
		if strings.HasPrefix(s.Uses, "actions/cache@") || strings.HasPrefix(s.Uses, "actions/setup-go@") && s.With["cache"] != false {
			t.Error("release.yml: what is published comes out of a cache that other runs write to")
		}
	}
	for _, template := range []string{".krew.yaml", ".krew/ds-rollout.yaml"} {
		if !strings.Contains(texts["release.yml"], template) {
			t.Errorf("release.yml does not bring %s to krew-index", template)
		}
	}
}

// The same version of a tool everywhere, and the Go of go.mod.
func TestWorkflowsUseTheVersionsOfTheTree(t *testing.T) {
	root := rootDir(t)
	_, texts := workflows(t)
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(string(mod))[1]
	var found []string
	for _, text := range texts {
		for _, m := range regexp.MustCompile(`go-version: "([\d.]+)"`).FindAllStringSubmatch(text, -1) {
			found = append(found, m[1])
		}
	}
	if len(found) == 0 || slices.ContainsFunc(found, func(v string) bool { return v != want }) {
		t.Errorf("workflows use Go %v, go.mod says %s", found, want)
	}
	tools, err := os.ReadFile(filepath.Join(root, "hack", "tools.mk"))
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`version: (v[\d.]+)`).FindStringSubmatch(texts["release.yml"])
	if version == nil || !strings.Contains(string(tools), version[1]) {
		t.Errorf("release.yml uses goreleaser %v, which hack/tools.mk does not name", version)
	}
}

func TestIssueTemplatesAskForACapture(t *testing.T) {
	for _, name := range []string{"coverage.yml", "rollout.yml"} {
		b, err := os.ReadFile(filepath.Join(rootDir(t), ".github", "ISSUE_TEMPLATE", name))
		if err != nil {
			t.Fatal(err)
		}
		var form map[string]any
		if err := yaml.Unmarshal(b, &form); err != nil || form["body"] == nil {
			t.Errorf("%s: %v", name, err)
		}
		if !strings.Contains(string(b), "kubectl ds-coverage snapshot") {
			t.Errorf("%s does not ask for what shows what the user saw", name)
		}
	}
}
