package release

import (
	"context"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit/krew"
)

func manifest(t *testing.T, path string) krew.Manifest {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m, err := krew.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestGoreleaserTakesItsConfiguration(t *testing.T) {
	version := goreleaser(t)
	cmd := exec.Command(version, "check")
	cmd.Dir = built.root
	if out, err := cmd.CombinedOutput(); err != nil || strings.Contains(strings.ToLower(string(out)), "deprecat") {
		t.Errorf("goreleaser check: %v\n%s", err, out)
	}
}

// goreleaser is the one that make dist installed.
func goreleaser(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(built.root, "bin", "tools", "goreleaser-v*"))
	if err != nil || len(found) != 1 {
		t.Fatalf("want one goreleaser in bin/tools, found %v %v", found, err)
	}
	return found[0]
}

func TestGoreleaserWritesWhatKrewTakes(t *testing.T) {
	for _, plugin := range plugins {
		name := "ds-" + plugin + ".yaml"
		m := manifest(t, filepath.Join(built.dist, "krew", name))
		for _, complaint := range krew.Check(name, m) {
			t.Errorf("dist/krew/%s: %s", name, complaint)
		}
		if m.Spec.Version != tag {
			t.Errorf("dist/krew/%s is of version %s, not %s", name, m.Spec.Version, tag)
		}
		p, ok := m.For(runtime.GOOS, runtime.GOARCH)
		if !ok {
			t.Fatalf("dist/krew/%s offers nothing for this machine", name)
		}
		complaints, err := krew.CheckArchive(p, filepath.Join(built.dist, path.Base(p.URI)))
		if err != nil {
			t.Fatal(err)
		}
		for _, complaint := range complaints {
			t.Error(complaint)
		}
	}
}

// What is offered in plugins/ is what goreleaser would write, but for the
// version and what follows from it.
func TestGoreleaserAndTheIndexAgree(t *testing.T) {
	for _, plugin := range plugins {
		name := "ds-" + plugin + ".yaml"
		released := manifest(t, filepath.Join(built.dist, "krew", name))
		offered := manifest(t, filepath.Join(built.root, "plugins", name))
		r, _ := released.For(runtime.GOOS, runtime.GOARCH)
		o, ok := offered.For(runtime.GOOS, runtime.GOARCH)
		if !ok {
			t.Fatalf("plugins/%s offers nothing for this machine", name)
		}
		r.URI, r.Sha256 = strings.ReplaceAll(r.URI, tag, offered.Spec.Version), o.Sha256
		if diff := cmp.Diff(o, r); diff != "" {
			t.Errorf("plugins/%s and goreleaser differ (-plugins +goreleaser):\n%s", name, diff)
		}
		released.Spec.Version, released.Spec.Platforms, offered.Spec.Platforms = offered.Spec.Version, nil, nil
		if diff := cmp.Diff(offered, released); diff != "" {
			t.Errorf("plugins/%s and goreleaser differ (-plugins +goreleaser):\n%s", name, diff)
		}
	}
}

func TestBuildingAgainElsewhereGivesTheSameBytes(t *testing.T) {
	ctx := context.Background()
	// Another folder, another home, another zone, another umask: none may be told
	// by what is built.
	clone := filepath.Join(t.TempDir(), "a folder of another name")
	if out, err := exec.Command("git", "clone", "--quiet", built.root, clone).CombinedOutput(); err != nil {
		t.Fatalf("git clone: %v\n%s", err, out)
	}
	again := filepath.Join(t.TempDir(), "dist")
	cmd := exec.CommandContext(ctx, "bash", "-c", `umask 077; exec ./hack/release.sh "$@"`, "bash", tag, again, runtime.GOOS+"_"+runtime.GOARCH)
	cmd.Dir = clone
	cmd.Env = append(os.Environ(), "TZ=Pacific/Chatham", "LC_ALL=C", "GORELEASER="+goreleaser(t), "COMMIT="+built.commit)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("hack/release.sh: %v\n%s", err, out)
	}
	first, err := os.ReadFile(filepath.Join(built.dist, "checksums.txt"))
	if err != nil {
		t.Fatal(err)
	}
	second, err := os.ReadFile(filepath.Join(again, "checksums.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(first), string(second)); diff != "" {
		t.Errorf("two builds of one commit differ (-first +second):\n%s", diff)
	}
}
