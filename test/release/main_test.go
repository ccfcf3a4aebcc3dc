package release

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-ds/kubectl-ds/test/cluster"
)

// tag is one that does not exist: the version must come from what is asked for.
const tag = "v0.9.7-rc.1"

var plugins = []string{"coverage", "rollout"}

// built is what make dist wrote, once for all tests.
var built struct {
	root    string // of the repository
	commit  string // the newest one when the build began
	dist    string
	kubectl string
}

func TestMain(m *testing.M) {
	// The process ends with the code of m.Run by itself. Without a build there is
	// none, and to return would pass.
	if err := run(m); err != nil {
		panic(err)
	}
}

func run(m *testing.M) error {
	ctx, cancel := context.WithTimeout(context.Background(), 38*time.Minute)
	defer cancel()
	root, err := cluster.FindRoot(ctx)
	if err != nil {
		return err
	}
	tmp, err := os.MkdirTemp("", "kubectl-ds-release-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	bins, err := cluster.Build(ctx, cluster.BuildOptions{Progress: os.Stderr})
	if err != nil {
		return err
	}
	head := exec.CommandContext(ctx, "git", "rev-parse", "HEAD")
	head.Dir = root
	commit, err := head.Output()
	if err != nil {
		return err
	}
	built.root, built.dist, built.kubectl = root, filepath.Join(tmp, "dist"), bins.Path(cluster.Kubectl)
	built.commit = strings.TrimSpace(string(commit))
	if err := makeTarget(ctx, root, []string{"COMMIT=" + built.commit}, "dist", "VERSION="+tag, "OUT="+built.dist); err != nil {
		return err
	}
	m.Run()
	return nil
}

// makeTarget runs make as a person does, who is not inside another make.
func makeTarget(ctx context.Context, dir string, env []string, args ...string) error {
	cmd := exec.CommandContext(ctx, "make", args...)
	cmd.Dir = dir
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "MAKE") && !strings.HasPrefix(e, "MFLAGS=") {
			cmd.Env = append(cmd.Env, e)
		}
	}
	cmd.Env = append(cmd.Env, env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("make %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}
