package release

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// bare is what a newcomer has: kubectl, what every system has, and an empty
// home.
type bare struct{ bin, home, kubeconfig string }

// newBare has the given programs of this machine on its PATH besides.
func newBare(t *testing.T, kubeconfig string, programs ...string) bare {
	t.Helper()
	b := bare{bin: t.TempDir(), home: t.TempDir(), kubeconfig: kubeconfig}
	links := map[string]string{"kubectl": built.kubectl}
	for _, p := range append(programs, "bash", "tar", "gzip", "sha256sum", "mkdir", "rm") {
		path, err := exec.LookPath(p)
		if err != nil {
			t.Fatal(err)
		}
		links[p] = path
	}
	for _, name := range slices.Sorted(maps.Keys(links)) {
		if err := os.Symlink(links[name], filepath.Join(b.bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// run runs lines as they are typed into a shell, in a folder, and returns what
// they print. The first one that fails ends it.
func (b bare) run(t *testing.T, dir string, lines ...string) string {
	t.Helper()
	script := "set -eu -o pipefail\n" + strings.Join(lines, "\n")
	cmd := exec.Command(filepath.Join(b.bin, "bash"), "--noprofile", "--norc", "-c", script)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + b.bin, "HOME=" + b.home, "KUBECONFIG=" + b.kubeconfig, "KREW_NO_UPGRADE_CHECK=1"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s\nprints:\n%s", err, script, out)
	}
	return string(out)
}

// completes checks that kubectl completes both plugins, after the lines that
// put them on PATH.
func (b bare) completes(t *testing.T, lines ...string) {
	t.Helper()
	for command, want := range map[string]string{
		"ds-coverage expl": "explain\t", "ds-coverage explain -n kube-system kube-": "kube-proxy\n",
		"ds-rollout sta": "status\t", "ds-rollout start -n kube-sys": "kube-system\n",
	} {
		if out := b.run(t, b.home, append(lines, "kubectl __complete "+command)...); !strings.Contains(out, want) {
			t.Errorf("kubectl does not complete %s:\n%s", command, out)
		}
	}
}

// left names the programs and links in a folder of the home.
func (b bare) left(t *testing.T, dir string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(b.home, dir, "kubectl*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}
