package release

import (
	"context"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"testing"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit/krew"
)

var builtFrom = regexp.MustCompile(`(?m)^# Built from commit ([0-9a-f]{40}) with (go[0-9.]+)\.$`)

// The sha256 that plugins/ offers are those of the commit that it names. To
// build it takes minutes, since nothing that was compiled before may be used:
// make soak does.
func TestWhatTheIndexOffersIsBuiltAgain(t *testing.T) {
	if os.Getenv("KUBECTL_DS_SOAK") == "" {
		t.Skip("compiles everything again for minutes: make soak, or KUBECTL_DS_SOAK=1")
	}
	ctx := context.Background()
	text, err := os.ReadFile(filepath.Join(built.root, "plugins", "ds-coverage.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	match := builtFrom.FindSubmatch(text)
	if match == nil {
		t.Fatal("plugins/ds-coverage.yaml names no commit that it is built from")
	}
	version := manifest(t, filepath.Join(built.root, "plugins", "ds-coverage.yaml")).Spec.Version
	again := filepath.Join(t.TempDir(), "dist")
	env := []string{"GOCACHE=" + t.TempDir(), "GOTOOLCHAIN=" + string(match[2]), "COMMIT=" + string(match[1])}
	if err := makeTarget(ctx, built.root, env, "dist", "VERSION="+version, "OUT="+again); err != nil {
		t.Fatal(err)
	}
	for _, plugin := range plugins {
		name := "ds-" + plugin + ".yaml"
		p, ok := manifest(t, filepath.Join(built.root, "plugins", name)).For(runtime.GOOS, runtime.GOARCH)
		if !ok {
			t.Fatalf("plugins/%s offers nothing for this machine", name)
		}
		complaints, err := krew.CheckArchive(p, filepath.Join(again, path.Base(p.URI)))
		if err != nil {
			t.Fatal(err)
		}
		for _, complaint := range complaints {
			t.Errorf("plugins/%s: %s", name, complaint)
		}
	}
}
