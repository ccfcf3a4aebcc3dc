package release

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// install unpacks a plugin's program into a folder that is the whole PATH, and
// links kubectl beside it.
func install(t *testing.T, plugin string) (path string) {
	t.Helper()
	path = t.TempDir()
	bin := "kubectl-ds_" + plugin
	if err := os.WriteFile(filepath.Join(path, bin), entries(t, plugin)[bin].Content, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(built.kubectl, filepath.Join(path, "kubectl")); err != nil {
		t.Fatal(err)
	}
	return path
}

func kubectl(t *testing.T, path string, args ...string) string {
	t.Helper()
	cmd := exec.Command(filepath.Join(path, "kubectl"), args...)
	cmd.Env = []string{"PATH=" + path, "HOME=" + t.TempDir()}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s%s", strings.Join(args, " "), err, out, stderr.String())
	}
	return string(out)
}

func TestKubectlRunsWhatIsInTheArchive(t *testing.T) {
	for _, plugin := range plugins {
		t.Run(plugin, func(t *testing.T) {
			path := install(t, plugin)
			if list := kubectl(t, path, "plugin", "list"); !strings.Contains(list, "kubectl-ds_"+plugin) {
				t.Errorf("kubectl plugin list does not show it:\n%s", list)
			}
			if help := kubectl(t, path, "ds-"+plugin, "--help"); !strings.Contains(help, "kubectl ds-"+plugin) {
				t.Errorf("its help does not read kubectl ds-%s:\n%s", plugin, help)
			}
			var v struct{ Version, Commit, CommitTime, Platform string }
			out := kubectl(t, path, "ds-"+plugin, "version", "-o", "json")
			if err := json.Unmarshal([]byte(out), &v); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if v.Version != tag {
				t.Errorf("version is %q, the tag %q", v.Version, tag)
			}
			if v.Commit != built.commit {
				t.Errorf("commit is %q, built was %q", v.Commit, built.commit)
			}
			if v.CommitTime == "" {
				t.Error("the time of the commit is missing")
			}
			if want := runtime.GOOS + "/" + runtime.GOARCH; v.Platform != want {
				t.Errorf("platform is %q, want %q", v.Platform, want)
			}
		})
	}
}

// Krew and packages link the completer; kubectl finds it by its name alone.
func TestKubectlCompletesThroughALinkBeside(t *testing.T) {
	for _, plugin := range plugins {
		path := install(t, plugin)
		if err := os.Symlink("kubectl-ds_"+plugin, filepath.Join(path, "kubectl_complete-ds_"+plugin)); err != nil {
			t.Fatal(err)
		}
		if out := kubectl(t, path, "__complete", "ds-"+plugin, "versi"); !strings.Contains(out, "version") {
			t.Errorf("kubectl completes no command of ds-%s:\n%s", plugin, out)
		}
	}
}
