//go:build unix

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/kubectl-ds/kubectl-ds/test/cluster"
)

// up starts a supervisor in a session of its own, and returns when the cluster
// is ready. The one line on out is for the shell's eval.
func up(ctx context.Context, set settings, out, progress io.Writer) error {
	dir, err := home(ctx, set.name)
	if err != nil {
		return err
	}
	own, err := lockHome(dir)
	if errors.Is(err, cluster.ErrLocked) {
		return fmt.Errorf("starting cluster %s: another up is starting it", set.name)
	}
	if err != nil {
		return fmt.Errorf("starting cluster %s: %w", set.name, err)
	}
	defer own.Release()
	switch state, err := readState(dir); {
	case err == nil:
		say(progress, "cluster %s already runs\n", set.name)
		return printExport(out, state)
	case !errors.Is(err, errNotRunning):
		return fmt.Errorf("starting cluster %s: %w", set.name, err)
	}
	// Build here, not in the supervisor: Ctrl-C and the progress belong to the
	// terminal.
	bins, err := cluster.Build(ctx, cluster.BuildOptions{Progress: progress})
	if err != nil {
		return err
	}
	if err := prepareHome(dir); err != nil {
		return fmt.Errorf("starting cluster %s: %w", set.name, err)
	}
	supervisor, err := spawnSupervisor(dir, bins, set)
	if err != nil {
		return fmt.Errorf("starting cluster %s: %w", set.name, err)
	}
	state, err := waitUp(ctx, dir, supervisor, progress)
	if err != nil {
		return fmt.Errorf("starting cluster %s: %w", set.name, err)
	}
	say(progress, "cluster %s is ready; kubectl is %s\n", set.name, bins.Path(cluster.Kubectl))
	return printExport(out, state)
}

func printExport(out io.Writer, state state) error {
	_, err := fmt.Fprintf(out, "export KUBECONFIG=%s\n", shellQuote(state.Kubeconfig))
	return err
}

// shellQuote leaves a plain path as it is, and protects any other.
func shellQuote(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+:@", r)
	}) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// supervisorProcess is the child while we wait for it.
type supervisorProcess struct {
	pid  int
	done chan struct{}
}

func spawnSupervisor(dir string, bins cluster.Binaries, set settings) (*supervisorProcess, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(dir, logName))
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }() // the child has its own copy
	cmd := exec.Command(self, superviseCommand, "--name", set.name, "--nodes", fmt.Sprint(set.nodes), dir, bins.Dir)
	cmd.Stdout, cmd.Stderr = log, log
	// Its own session: neither Ctrl-C nor the end of the terminal reaches it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	child := &supervisorProcess{pid: cmd.Process.Pid, done: make(chan struct{})}
	go func() {
		_ = cmd.Wait()
		close(child.done)
	}()
	return child, nil
}

// waitUp passes the supervisor's progress on until it is up. If we are stopped
// first, so is the supervisor, with all that it started.
func waitUp(ctx context.Context, dir string, supervisor *supervisorProcess, progress io.Writer) (state, error) {
	log, err := os.Open(filepath.Join(dir, logName))
	if err != nil {
		return state{}, err
	}
	defer func() { _ = log.Close() }()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		_, _ = io.Copy(progress, log)
		if up, err := readState(dir); err == nil && up.PID == supervisor.pid {
			return up, nil
		}
		select {
		case <-supervisor.done:
			_, _ = io.Copy(progress, log)
			return state{}, errors.Join(errors.New("the supervisor ended, see above"), os.RemoveAll(dir))
		case <-ctx.Done():
			_ = syscall.Kill(supervisor.pid, syscall.SIGTERM)
			<-supervisor.done
			_, _ = io.Copy(progress, log)
			return state{}, errors.Join(ctx.Err(), os.RemoveAll(dir))
		case <-ticker.C:
		}
	}
}

// runCommand runs a command against a cluster that lives as long as it does.
func runCommand(ctx context.Context, set settings, progress io.Writer) (err error) {
	if len(set.args) == 0 {
		return errors.New("run: give a command after --")
	}
	c, err := cluster.Start(ctx, cluster.Options{Progress: progress})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Stop()) }()
	if err := makeNodes(ctx, c, set.nodes); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, set.args[0], set.args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), "KUBECONFIG="+c.Kubeconfig(),
		"PATH="+filepath.Dir(c.KubectlPath())+string(os.PathListSeparator)+os.Getenv("PATH"))
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	return cmd.Run()
}

func encodeState(state state) []byte {
	text, _ := json.MarshalIndent(state, "", "  ") // of strings and a number
	return append(text, '\n')
}
