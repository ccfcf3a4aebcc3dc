package krew

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// plugins are those of the repository, with the template of each.
var plugins = map[string]string{"ds-coverage": ".krew.yaml", "ds-rollout": ".krew/ds-rollout.yaml"}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "..", filepath.FromSlash(path)))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func manifest(t *testing.T, plugin string) (Manifest, string) {
	t.Helper()
	text := read(t, "plugins/"+plugin+".yaml")
	m, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m, text
}

// rendered fills in a plugin's template with the sums that its manifest has.
func rendered(t *testing.T, plugin string, offered Manifest) Manifest {
	t.Helper()
	sums := map[string]string{}
	for _, p := range offered.Spec.Platforms {
		sums[p.URI] = p.Sha256
	}
	text, err := Render(read(t, plugins[plugin]), offered.Spec.Version, func(uri string) (string, error) {
		sum, ok := sums[uri]
		if !ok {
			t.Errorf("the template names %s, which plugins/%s.yaml does not", uri, plugin)
			sum = strings.Repeat("0", 64)
		}
		return sum, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	m, err := Parse([]byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return m
}

func TestManifestsFollowTheRules(t *testing.T) {
	for plugin := range plugins {
		m, _ := manifest(t, plugin)
		for _, complaint := range Check(plugin+".yaml", m) {
			t.Errorf("plugins/%s.yaml: %s", plugin, complaint)
		}
		for _, goos := range []string{"linux", "darwin", "windows"} {
			for _, goarch := range []string{"amd64", "arm64"} {
				if _, ok := m.For(goos, goarch); !ok {
					t.Errorf("plugins/%s.yaml offers nothing for %s/%s", plugin, goos, goarch)
				}
			}
		}
	}
}

func TestTemplatesSayWhatTheManifestsSay(t *testing.T) {
	for plugin := range plugins {
		offered, _ := manifest(t, plugin)
		m := rendered(t, plugin, offered)
		for _, complaint := range Check(plugin+".yaml", m) {
			t.Errorf("%s: %s", plugins[plugin], complaint)
		}
		if diff := cmp.Diff(offered, m); diff != "" {
			t.Errorf("%s and plugins/%s.yaml differ (-manifest +template):\n%s", plugins[plugin], plugin, diff)
		}
	}
}

// goreleaser writes the manifest of a release from these words.
func TestGoreleaserSaysWhatTheManifestsSay(t *testing.T) {
	var config struct {
		Krews []struct {
			Name             string `json:"name"`
			Homepage         string `json:"homepage"`
			ShortDescription string `json:"short_description"`
			Description      string `json:"description"`
			Caveats          string `json:"caveats"`
		} `json:"krews"`
	}
	if err := yaml.Unmarshal([]byte(read(t, ".goreleaser.yaml")), &config); err != nil {
		t.Fatal(err)
	}
	if len(config.Krews) != len(plugins) {
		t.Fatalf(".goreleaser.yaml has %d krews, not %d", len(config.Krews), len(plugins))
	}
	for _, k := range config.Krews {
		offered, _ := manifest(t, k.Name)
		want := Spec{Homepage: k.Homepage, ShortDescription: k.ShortDescription, Description: k.Description, Caveats: k.Caveats}
		got := offered.Spec
		got.Version, got.Platforms = "", nil
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("plugins/%s.yaml and .goreleaser.yaml differ (-goreleaser +manifest):\n%s", k.Name, diff)
		}
	}
}

// Krew takes every .yaml there for a plugin, and complains at each search about
// one that is none.
func TestFolderHoldsManifestsAlone(t *testing.T) {
	found, err := filepath.Glob(filepath.Join("..", "..", "..", "plugins", "*.y*ml"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range found {
		names = append(names, filepath.Base(f))
	}
	if want := []string{"ds-coverage.yaml", "ds-rollout.yaml"}; !slices.Equal(names, want) {
		t.Errorf("plugins/ holds %v, not %v", names, want)
	}
}

var builtFrom = regexp.MustCompile(`(?m)^# Built from commit ([0-9a-f]{40}) with (go[0-9.]+)\.$`)

// Before a tag exists, only the commit says what a sha256 is of.
func TestManifestsNameACommitOfThisRepository(t *testing.T) {
	var commits []string
	for plugin := range plugins {
		_, text := manifest(t, plugin)
		match := builtFrom.FindStringSubmatch(text)
		if match == nil {
			t.Fatalf("plugins/%s.yaml names no commit that it is built from, and no version of Go", plugin)
		}
		commits = append(commits, match[1])
	}
	if commits[0] != commits[1] {
		t.Errorf("the manifests are of two commits: %v", commits)
	}
	shallow, err := exec.Command("git", "rev-parse", "--is-shallow-repository").Output()
	if err != nil {
		t.Fatal(err)
	}
	if strings.TrimSpace(string(shallow)) == "true" {
		return // an old commit is not in it
	}
	if out, err := exec.Command("git", "merge-base", "--is-ancestor", commits[0], "HEAD").CombinedOutput(); err != nil {
		t.Errorf("commit %s is not in the history: %v %s", commits[0], err, out)
	}
}

func TestManifestsComeFromOneVersion(t *testing.T) {
	versions := map[string][]string{}
	for plugin := range plugins {
		m, _ := manifest(t, plugin)
		versions[m.Spec.Version] = append(versions[m.Spec.Version], plugin)
	}
	if len(versions) != 1 {
		text, _ := json.Marshal(versions)
		t.Errorf("one release makes both plugins, but the manifests have %s", text)
	}
}
