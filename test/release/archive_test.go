package release

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit/krew"
)

func archivePath(plugin string) string {
	ext := ".tar.gz"
	if runtime.GOOS == "windows" {
		ext = ".zip"
	}
	return filepath.Join(built.dist, "kubectl-ds_"+plugin+"_"+tag+"_"+runtime.GOOS+"_"+runtime.GOARCH+ext)
}

func entries(t *testing.T, plugin string) map[string]krew.Entry {
	t.Helper()
	list, err := krew.Read(archivePath(plugin))
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]krew.Entry{}
	for _, e := range list {
		byName[e.Name] = e
	}
	return byName
}

func TestArchivesHoldWhatAPersonNeeds(t *testing.T) {
	for _, plugin := range plugins {
		files := entries(t, plugin)
		bin := "kubectl-ds_" + plugin
		for _, name := range []string{
			bin, "LICENSE", "README.md", "man/kubectl-ds_" + plugin + ".1",
			"completions/" + bin + ".bash", "completions/" + bin + ".zsh", "completions/" + bin + ".fish", "completions/" + bin + ".ps1",
		} {
			if len(files[name].Content) == 0 {
				t.Errorf("the archive of %s has no %s", plugin, name)
			}
		}
		for name := range files {
			// Documents speak of both.
			if other := otherPlugin(plugin); strings.Contains(name, other) && !strings.HasPrefix(name, "docs/") {
				t.Errorf("the archive of %s holds %s", plugin, name)
			}
		}
	}
}

func otherPlugin(plugin string) string {
	if plugin == plugins[0] {
		return plugins[1]
	}
	return plugins[0]
}

func commitTime(t *testing.T) time.Time {
	t.Helper()
	cmd := exec.Command("git", "log", "-1", "--format=%cI", built.commit)
	cmd.Dir = built.root
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	at, err := time.Parse(time.RFC3339, strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command("go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func TestArchivesTellNothingOfTheirBuilder(t *testing.T) {
	at := commitTime(t)
	modules := goEnv(t, "GOMODCACHE")
	for _, plugin := range plugins {
		for name, e := range entries(t, plugin) {
			if e.UID != 0 || e.GID != 0 {
				t.Errorf("%s: %s is owned by %d:%d", plugin, name, e.UID, e.GID)
			}
			if !e.Modified.Equal(at) {
				t.Errorf("%s: %s is of %s, the commit of %s", plugin, name, e.Modified, at)
			}
			if want := map[bool]os.FileMode{true: 0o755, false: 0o644}[name == "kubectl-ds_"+plugin]; e.Mode.Perm() != want {
				t.Errorf("%s: %s has mode %s, want %s", plugin, name, e.Mode, want)
			}
			if strings.Contains(string(e.Content), modules) {
				t.Errorf("%s: %s names %s, a folder of its builder", plugin, name, modules)
			}
		}
	}
}

func TestChecksumsAreTrue(t *testing.T) {
	f, err := os.Open(filepath.Join(built.dist, "checksums.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	listed := map[string]bool{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		want, name, _ := strings.Cut(lines.Text(), "  ")
		got, err := krew.Sum(filepath.Join(built.dist, name))
		if err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s: checksums.txt says %s, the file has %s", name, want, got)
		}
		listed[name] = true
	}
	for _, plugin := range plugins {
		if name := filepath.Base(archivePath(plugin)); !listed[name] {
			t.Errorf("checksums.txt lacks %s: %v", name, listed)
		}
	}
}
