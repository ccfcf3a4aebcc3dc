package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kubectl-ds/kubectl-ds/test/kubectl"
)

// completes asks the real kubectl what a word may become, as a shell does.
func completes(t *testing.T, k *kubectl.Kubectl, words ...string) []string {
	t.Helper()
	r, err := k.Run(t.Context(), append([]string{"__complete"}, words...)...)
	if err != nil {
		t.Fatal(err)
	}
	if r.Code != 0 {
		t.Fatalf("kubectl __complete %q: exit code %d\n%s%s", words, r.Code, r.Stdout, r.Stderr)
	}
	var out []string
	for line := range strings.Lines(r.Stdout) {
		word, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if !strings.HasPrefix(word, ":") {
			out = append(out, word)
		}
	}
	return out
}

// newPath is a kubectl with plugins in a PATH of its own, so that what is
// installed there meets no other test.
func newPath(t *testing.T) *kubectl.Kubectl {
	t.Helper()
	k, err := kubectl.New(t.Context(), shared.cluster)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	})
	return k
}

func kubectlRun(t *testing.T, k *kubectl.Kubectl, code int, args ...string) kubectl.Result {
	t.Helper()
	r, err := k.Run(t.Context(), args...)
	if err != nil {
		t.Fatal(err)
	}
	if r.Code != code {
		t.Fatalf("kubectl %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), r.Code, code, r.Stdout, r.Stderr)
	}
	return r
}

func TestCompletionInstalledByThePluginItself(t *testing.T) {
	k := newPath(t)
	for _, plugin := range []string{"ds-coverage", "ds-rollout"} {
		if got := completes(t, k, plugin, "-n", "logging", "v"); slices.Contains(got, "version") {
			t.Errorf("%s completes before anything was installed: %q", plugin, got)
		}
		r := kubectlRun(t, k, 0, plugin, "completion", "install")
		if !strings.Contains(r.Stdout, "Linked "+filepath.Join(k.Dir(), "kubectl_complete-"+strings.ReplaceAll(plugin, "-", "_"))) {
			t.Errorf("install says %q", r.Stdout)
		}
		if got := completes(t, k, plugin, "vers"); !slices.Equal(got, []string{"version"}) {
			t.Errorf("%s completes subcommands as %q", plugin, got)
		}
		kubectlRun(t, k, 0, plugin, "completion", "uninstall")
		if got := completes(t, k, plugin, "vers"); len(got) != 0 {
			t.Errorf("%s completes after uninstall: %q", plugin, got)
		}
	}
}

func TestLiveCompletionOfRollout(t *testing.T) {
	k := newPath(t)
	kubectlRun(t, k, 0, "ds-rollout", "completion", "install")
	revisions := revisionsOf(t, k)
	context := strings.TrimSpace(kubectlRun(t, k, 0, "config", "current-context").Stdout)
	nodes := strings.Fields(kubectlRun(t, k, 0, "get", "nodes", "-o", "jsonpath={.items[*].metadata.name}").Stdout)
	for _, c := range []struct {
		words []string
		want  []string
	}{
		{[]string{"start", "-n", "logging", "v"}, []string{"vector"}},
		{[]string{"start", "-n", "logging", "ds/v"}, []string{"ds/vector"}},
		{[]string{"start", "-n", "logg"}, []string{"logging"}},
		{[]string{"start", "--context", ""}, []string{context}},
		{[]string{"start", "-n", "logging", "vector", "--to-revision", ""}, revisions},
		{[]string{"history", "-n", "logging", "vector", "--revision", ""}, revisions},
		{[]string{"history", "-n", "logging", "vector", "--diff", revisions[0] + ".."}, prefixed(revisions[0]+"..", revisions[1:])},
		{[]string{"plan", "-n", "logging", "vector", "--nodes", nodes[0]}, nil},
		{[]string{"plan", "-n", "logging", "vector", "-o", "jsonpath-"}, []string{"jsonpath-as-json", "jsonpath-file"}},
		{[]string{"plan", "-n", "logging", "vector", "--gate-daemonset", "logging/v"}, []string{"logging/vector"}},
		{[]string{"plan", "-n", "logging", "vector", "--allow-owner", "he"}, []string{"helm"}},
		{[]string{"approve", "-n", "logging", "vector", "--wave", ""}, nil}, // no run is on
	} {
		got := completes(t, k, append([]string{"ds-rollout"}, c.words...)...)
		if c.words[len(c.words)-1] == nodes[0] {
			if !slices.Contains(got, nodes[0]) {
				t.Errorf("%q completes as %q", c.words, got)
			}
			continue
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%q completes as %q, want %q", c.words, got, c.want)
		}
	}
}

// revisionsOf are the numbers of vector's revisions, the newest first, as the
// plugin itself shows them.
func revisionsOf(t *testing.T, k *kubectl.Kubectl) []string {
	t.Helper()
	var history struct {
		Revisions []struct {
			Revision json.Number `json:"revision"`
		} `json:"revisions"`
	}
	r := kubectlRun(t, k, 0, "ds-rollout", "history", "-n", "logging", "vector", "-o", "json")
	if err := json.Unmarshal([]byte(r.Stdout), &history); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, h := range history.Revisions {
		out = append(out, h.Revision.String())
	}
	if len(out) < 2 {
		t.Fatalf("vector has revisions %q: the test needs two", out)
	}
	return out
}

func prefixed(prefix string, words []string) []string {
	var out []string
	for _, w := range words {
		out = append(out, prefix+w)
	}
	return out
}

// The script that cobra makes for bash is for those who call the plugin by its
// own name.
func TestTheScriptForBashLoads(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Fatalf("the Makefile needs bash, too: %v", err)
	}
	script := filepath.Join(t.TempDir(), "completion.bash")
	text := kubectlRun(t, shared.kubectl, 0, "ds-rollout", "completion", "bash").Stdout
	if err := os.WriteFile(script, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), bash, "--noprofile", "--norc", "-c", `source "$1" && complete -p kubectl-ds_rollout`, "bash", script).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "kubectl-ds_rollout") {
		t.Errorf("%v: %s", err, out)
	}
}
