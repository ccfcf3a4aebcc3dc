package cluster

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Binaries are the built programs.
type Binaries struct {
	// Dir holds one executable per Component, named as the component.
	Dir string
}

// Path is where the executable of a component is.
func (b Binaries) Path(c Component) string { return filepath.Join(b.Dir, string(c)) }

// BuildOptions says where to build and where to report.
type BuildOptions struct {
	// Root is the repository's top folder; empty means: find it from the
	// module of the working directory.
	Root string
	// Progress receives a line per program; nil discards them.
	Progress io.Writer
}

// program is one executable and the tool line it is built from.
type program struct {
	component Component
	pkg       string
	module    string
	// xflags set the program's idea of its own version: without them the
	// server calls itself v0.0.0, and clients warn about the skew.
	xflags func(version string) []string
}

var programs = []program{
	{Etcd, "go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3", nil},
	{APIServer, "k8s.io/kubernetes/cmd/kube-apiserver", "k8s.io/kubernetes", kubeVersion},
	{ControllerManager, "k8s.io/kubernetes/cmd/kube-controller-manager", "k8s.io/kubernetes", kubeVersion},
	{Scheduler, "k8s.io/kubernetes/cmd/kube-scheduler", "k8s.io/kubernetes", kubeVersion},
	{Kubectl, "k8s.io/kubernetes/cmd/kubectl", "k8s.io/kubernetes", kubeVersion},
	{KWOK, "sigs.k8s.io/kwok/cmd/kwok", "sigs.k8s.io/kwok", nil},
}

func kubeVersion(version string) []string {
	parts := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	if len(parts) < 2 {
		return nil
	}
	const pkg = "k8s.io/component-base/version"
	return []string{
		"-X " + pkg + ".gitVersion=" + version,
		"-X " + pkg + ".gitMajor=" + parts[0],
		"-X " + pkg + ".gitMinor=" + parts[1],
		"-X " + pkg + ".gitTreeState=clean",
	}
}

// ldflags of the compile are the same for every program and for the oracle, so
// that what they share is compiled once.
const ldflags = "-s -w"

// Build makes the six programs from the tool lines of the test module's
// go.mod, in bin/control-plane/<key>/ of the repository. What is already there
// is reused; two builds at once wait for each other.
func Build(ctx context.Context, opts BuildOptions) (Binaries, error) {
	if opts.Progress == nil {
		opts.Progress = io.Discard
	}
	env, err := findModule(ctx, opts.Root)
	if err != nil {
		return Binaries{}, fmt.Errorf("building the control plane: %w", err)
	}
	versions, err := moduleVersions(ctx, env.testDir)
	if err != nil {
		return Binaries{}, fmt.Errorf("building the control plane: %w", err)
	}
	bins := Binaries{Dir: filepath.Join(env.root, "bin", "control-plane", buildKey(versions, env.goVersion))}
	if len(missing(bins)) == 0 {
		return bins, nil
	}
	if err := makeIgnored(filepath.Dir(bins.Dir)); err != nil {
		return Binaries{}, fmt.Errorf("building the control plane: %w", err)
	}
	if err := os.MkdirAll(bins.Dir, 0o755); err != nil {
		return Binaries{}, fmt.Errorf("building the control plane: %w", err)
	}
	lock, err := waitLock(ctx, filepath.Join(bins.Dir, ".lock"), func() {
		say(opts.Progress, "waiting for another build of the control plane\n")
	})
	if err != nil {
		return Binaries{}, fmt.Errorf("building the control plane: %w", err)
	}
	defer lock.Release()
	stale, _ := filepath.Glob(filepath.Join(bins.Dir, "*"+partSuffix))
	for _, path := range stale {
		_ = os.Remove(path)
	}
	todo := missing(bins)
	if len(todo) > 0 {
		say(opts.Progress, "building %d programs into %s (minutes the first time, then kept)\n", len(todo), bins.Dir)
	}
	for i, p := range todo {
		version := versions[p.module]
		say(opts.Progress, "building %s %s (%d of %d)\n", p.component, version, i+1, len(todo))
		began := time.Now()
		if err := buildProgram(ctx, env.testDir, bins.Path(p.component), p, version); err != nil {
			return Binaries{}, fmt.Errorf("building %s %s: %w", p.component, version, err)
		}
		say(opts.Progress, "built %s in %s\n", p.component, time.Since(began).Round(100*time.Millisecond))
	}
	return bins, nil
}

// makeIgnored makes a folder that git does not see, whatever the repository's
// own .gitignore says.
func makeIgnored(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, ".gitignore"), []byte("*\n"), 0o644)
}

func missing(bins Binaries) []program {
	var todo []program
	for _, p := range programs {
		if _, err := os.Stat(bins.Path(p.component)); err != nil {
			todo = append(todo, p)
		}
	}
	return todo
}

// partSuffix ends the names of programs that are being built.
const partSuffix = ".part"

// buildProgram builds to another name first: an interrupted build must not
// leave a half-written file that the next one takes for a finished program.
func buildProgram(ctx context.Context, dir, out string, p program, version string) error {
	flags := ldflags
	if p.xflags != nil {
		flags += " " + strings.Join(p.xflags(version), " ")
	}
	// Who was killed may have left a go build behind that still writes its own.
	part := fmt.Sprintf("%s.%d%s", out, os.Getpid(), partSuffix)
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", flags, "-o", part, p.pkg)
	cmd.Dir = dir
	cmd.Env = buildEnv()
	// go build starts compilers of its own; they must end with it.
	ownGroup(cmd)
	cmd.Cancel = func() error { return killGroup(cmd.Process.Pid) }
	cmd.WaitDelay = 10 * time.Second
	output, err := cmd.CombinedOutput()
	if err != nil {
		_ = os.Remove(part)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("%w\n%s", err, tail(string(output), 30))
	}
	return os.Rename(part, out)
}

// buildEnv drops what would build for another machine or another module set.
func buildEnv() []string {
	env := make([]string, 0, len(os.Environ())+2)
	for _, kv := range os.Environ() {
		switch name, _, _ := strings.Cut(kv, "="); name {
		case "GOOS", "GOARCH", "GOFLAGS", "GOWORK", "CGO_ENABLED":
		default:
			env = append(env, kv)
		}
	}
	return append(env, "CGO_ENABLED=0", "GOWORK=off")
}

// buildKey names what a build depends on, readable and short. The hash covers
// the rest: every flag, and the platform.
func buildKey(versions map[string]string, goVersion string) string {
	var all strings.Builder
	for _, p := range programs {
		fmt.Fprintln(&all, p.component, p.pkg, versions[p.module])
		if p.xflags != nil {
			fmt.Fprintln(&all, p.xflags(versions[p.module]))
		}
	}
	fmt.Fprintln(&all, goVersion, ldflags, runtime.GOOS, runtime.GOARCH)
	sum := sha256.Sum256([]byte(all.String()))
	return fmt.Sprintf("kubernetes-%s_etcd-%s_kwok-%s_%s_%x", versions["k8s.io/kubernetes"],
		versions["go.etcd.io/etcd/server/v3"], versions["sigs.k8s.io/kwok"], goVersion, sum[:4])
}

// module is where the test module is, and with which Go it is built.
type module struct {
	root, testDir, goVersion string
}

// findModule asks the go command which module the working directory is in: a
// test runs in its package's folder, a command somewhere in the repository.
func findModule(ctx context.Context, root string) (module, error) {
	cmd := exec.CommandContext(ctx, "go", "env", "GOMOD", "GOVERSION")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		return module{}, fmt.Errorf("running go env: %w", withStderr(err))
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != 2 {
		return module{}, fmt.Errorf("running go env: unexpected answer %q", out)
	}
	found := module{goVersion: lines[1]}
	dir := filepath.Dir(lines[0])
	for _, at := range []string{dir, filepath.Dir(dir)} {
		if _, err := os.Stat(filepath.Join(at, "test", "cluster", "build.go")); err == nil {
			found.root, found.testDir = at, filepath.Join(at, "test")
			return found, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return module{}, fmt.Errorf("looking for the repository: %w", err)
		}
	}
	return module{}, fmt.Errorf("the working directory is in module file %q, not in this repository", lines[0])
}

// FindRoot returns the top folder of the repository that the working directory
// is in.
func FindRoot(ctx context.Context) (string, error) {
	m, err := findModule(ctx, "")
	return m.root, err
}

func moduleVersions(ctx context.Context, dir string) (map[string]string, error) {
	cmd := exec.CommandContext(ctx, "go", "mod", "edit", "-json")
	cmd.Dir = dir
	cmd.Env = buildEnv()
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("reading go.mod in %s: %w", dir, withStderr(err))
	}
	var mod struct {
		Require []struct{ Path, Version string }
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		return nil, fmt.Errorf("reading go.mod in %s: %w", dir, err)
	}
	versions := make(map[string]string, len(mod.Require))
	for _, r := range mod.Require {
		versions[r.Path] = r.Version
	}
	for _, p := range programs {
		if versions[p.module] == "" {
			return nil, fmt.Errorf("reading go.mod in %s: module %s is not required", dir, p.module)
		}
	}
	return versions, nil
}

func withStderr(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) && len(exit.Stderr) > 0 {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(exit.Stderr)))
	}
	return err
}
