package release

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// krewModule is the newest of Krew that can be installed as a module; krew-index
// checks manifests with one as old.
const krewModule = "sigs.k8s.io/krew/cmd/krew@v0.4.3"

const indexURL = "https://github.com/kubectl-ds/kubectl-ds.git"

func git(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "user.name=test", "-c", "user.email=test@example.com"}, args...)...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// TestKrewInstallsFromThisRepository types what the README says, with a clone in
// place of its address: Krew itself reads plugins/ as it is offered, and installs
// what goreleaser wrote.
func TestKrewInstallsFromThisRepository(t *testing.T) {
	if runtime.GOOS != "linux" {
		return // its folders are those of Linux
	}
	b := newBare(t, small(t), "git")
	install := exec.Command("go", "install", krewModule)
	install.Dir = t.TempDir() // outside of any module
	bin := t.TempDir()
	install.Env = append(os.Environ(), "GOBIN="+bin, "GOFLAGS=", "CGO_ENABLED=0")
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := os.Rename(filepath.Join(bin, "krew"), filepath.Join(b.bin, "kubectl-krew")); err != nil {
		t.Fatal(err)
	}

	index := filepath.Join(t.TempDir(), "index")
	git(t, ".", "clone", "--quiet", built.root, index)
	lines := strings.SplitAfter(typed(t, readme(t), "With Krew or a package"), "\n")
	add := strings.Replace(lines[0], indexURL, index, 1)
	if add == lines[0] {
		t.Fatalf("the first line does not add the index: %s", lines[0])
	}
	const path = "export PATH=~/.krew/bin:$PATH"
	out := b.run(t, b.home, path, add, "kubectl krew search ds", "kubectl krew info ds/ds-coverage", "kubectl krew info ds/ds-rollout")
	for _, plugin := range plugins {
		if !strings.Contains(out, "ds/ds-"+plugin) || !strings.Contains(out, "NAME: ds-"+plugin+"\n") {
			t.Errorf("Krew does not find ds-%s:\n%s", plugin, out)
		}
	}

	server := httptest.NewServer(http.FileServer(http.Dir(built.dist)))
	defer server.Close()
	for _, plugin := range plugins {
		name := "ds-" + plugin + ".yaml"
		raw, err := os.ReadFile(filepath.Join(built.dist, "krew", name))
		if err != nil {
			t.Fatal(err)
		}
		offered := strings.ReplaceAll(string(raw), "https://github.com/kubectl-ds/kubectl-ds/releases/download/"+tag, server.URL)
		if err := os.WriteFile(filepath.Join(index, "plugins", name), []byte(offered), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	git(t, index, "commit", "--quiet", "--all", "--message", "what was built")
	b.run(t, b.home, path, "kubectl krew update", strings.Join(lines[1:], ""), typed(t, readme(t), "Complete"))
	b.completes(t, path)
	if out := b.run(t, b.home, path, "kubectl ds-coverage version; kubectl ds-rollout version"); strings.Count(out, tag) != 2 {
		t.Errorf("the versions are not %s:\n%s", tag, out)
	}
	b.run(t, b.home, path, "kubectl ds-coverage completion uninstall; kubectl ds-rollout completion uninstall", "kubectl krew uninstall ds-coverage ds-rollout")
	if left := b.left(t, ".krew/bin"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func readme(t *testing.T) string {
	t.Helper()
	return string(entries(t, "coverage")["README.md"].Content)
}
