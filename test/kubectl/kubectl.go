// Package kubectl runs the built plugins through the real kubectl, as a user
// does: found on a PATH that holds nothing else.
package kubectl

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/kubectl-ds/kubectl-ds/test/cluster"
)

// Kubectl is a kubectl with the plugins, for one cluster.
type Kubectl struct {
	dir        string // the PATH
	kubeconfig string
	home       string
	// Env is added to the environment of every command.
	Env []string
}

// Result is what a command printed, and its exit code.
type Result struct {
	Stdout, Stderr string
	Code           int
	CPU            time.Duration // processor time of the command
}

// New builds the plugins and puts them beside kubectl in a folder of their own.
func New(ctx context.Context, c *cluster.Cluster) (*Kubectl, error) {
	root, err := cluster.FindRoot(ctx)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "kubectl-ds-path-")
	if err != nil {
		return nil, err
	}
	k := &Kubectl{dir: dir, kubeconfig: c.Kubeconfig(), home: filepath.Join(dir, "home")}
	if err := k.fill(ctx, root, c.KubectlPath()); err != nil {
		return nil, errors.Join(err, k.Close())
	}
	return k, nil
}

func (k *Kubectl) fill(ctx context.Context, root, kubectl string) error {
	if err := os.Mkdir(k.home, 0o700); err != nil {
		return err
	}
	if err := os.Symlink(kubectl, filepath.Join(k.dir, "kubectl")); err != nil {
		return err
	}
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", k.dir+"/", "./cmd/...")
	build.Dir = root
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building the plugins: %w\n%s", err, out)
	}
	return nil
}

// Dir is the folder that is the PATH.
func (k *Kubectl) Dir() string { return k.dir }

// As returns the same plugins with another kubeconfig.
func (k *Kubectl) As(kubeconfig string) *Kubectl {
	out := *k
	out.kubeconfig = kubeconfig
	return &out
}

// Close removes the folder.
func (k *Kubectl) Close() error { return os.RemoveAll(k.dir) }

// Command prepares a command; the caller sets its streams.
func (k *Kubectl) Command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(k.dir, "kubectl"), args...)
	cmd.Env = append([]string{"PATH=" + k.dir, "HOME=" + k.home, "KUBECONFIG=" + k.kubeconfig}, k.Env...)
	return cmd
}

// Run runs a command. A command that ends with another code than 0 is no
// error: the code is in the result.
func (k *Kubectl) Run(ctx context.Context, args ...string) (Result, error) {
	var stdout, stderr bytes.Buffer
	cmd := k.Command(ctx, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	r := Result{Stdout: stdout.String(), Stderr: stderr.String(), Code: cmd.ProcessState.ExitCode(),
		CPU: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return r, nil
	}
	if err != nil {
		return r, fmt.Errorf("kubectl %s: %w", strings.Join(args, " "), err)
	}
	return r, nil
}

// Show runs a command with its output on w, and tells its exit code if it is
// not 0.
func (k *Kubectl) Show(ctx context.Context, w io.Writer, args ...string) error {
	cmd := k.Command(ctx, args...)
	cmd.Stdout, cmd.Stderr = w, w
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && ctx.Err() == nil {
		_, err = fmt.Fprintf(w, "exit status %d\n", exit.ExitCode())
	}
	return err
}
