//go:build unix

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/kubectl-ds/kubectl-ds/test/cluster"
)

// The files of a cluster's folder. The cluster itself is in a folder below,
// which the library makes and removes.
const (
	stateName   = "state.json"
	logName     = "supervisor.log"
	lockName    = "supervisor.lock"
	clusterName = "cluster"
)

// state is written when the supervisor begins, and again, with a kubeconfig,
// when the cluster is ready.
type state struct {
	PID        int    `json:"pid"`
	Kubeconfig string `json:"kubeconfig"`
}

var (
	errNotRunning = errors.New("not running")
	errNotReady   = errors.New("starting or stopping")
)

// readState tells whether a cluster runs by its supervisor's lock, which the
// kernel drops with the process: a pid alone may be somebody else's by now.
func readState(dir string) (state, error) {
	lock, err := cluster.TryLock(filepath.Join(dir, lockName))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return state{}, errNotRunning
	case err == nil:
		lock.Release()
		return state{}, errNotRunning
	case !errors.Is(err, cluster.ErrLocked):
		return state{}, err
	}
	text, err := os.ReadFile(filepath.Join(dir, stateName))
	if errors.Is(err, fs.ErrNotExist) {
		return state{}, errNotReady
	} else if err != nil {
		return state{}, err
	}
	var found state
	if err := json.Unmarshal(text, &found); err != nil {
		return state{}, fmt.Errorf("reading %s: %w", filepath.Join(dir, stateName), err)
	}
	if found.Kubeconfig == "" {
		return found, errNotReady
	}
	return found, nil
}

// lockHome takes the lock of the folder itself. up holds it from before it makes the folder
// until the cluster is ready, so that two of them do not clear each other's.
func lockHome(dir string) (*cluster.FileLock, error) {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return nil, err
	}
	return cluster.TryLock(dir + ".lock")
}

// prepareHome clears what a killed supervisor left, and makes the folder anew.
func prepareHome(dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(filepath.Dir(dir), ".gitignore"), []byte("*\n"), 0o644)
}

// down stops a cluster, waits until its supervisor has ended, and removes what
// is left of it. That nothing runs is not an error.
func down(ctx context.Context, set settings, progress io.Writer) error {
	dir, err := home(ctx, set.name)
	if err != nil {
		return err
	}
	found, err := readState(dir)
	switch {
	case errors.Is(err, errNotRunning):
		say(progress, "cluster %s does not run\n", set.name)
		return removeHome(dir)
	case errors.Is(err, errNotReady) && found.PID != 0: // its up was killed, or is still waiting
	case err != nil:
		return fmt.Errorf("stopping cluster %s: %w", set.name, err)
	}
	if err := syscall.Kill(found.PID, syscall.SIGTERM); err != nil {
		return fmt.Errorf("stopping cluster %s: signalling its supervisor: %w", set.name, err)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		if _, err := readState(dir); errors.Is(err, errNotRunning) {
			break
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("stopping cluster %s: its supervisor (pid %d) is still there: %w", set.name, found.PID, ctx.Err())
		case <-ticker.C:
		}
	}
	say(progress, "cluster %s is down\n", set.name)
	return removeHome(dir)
}

// removeHome leaves the folder alone while an up owns it, which removes it
// itself if it fails.
func removeHome(dir string) error {
	lock, err := lockHome(dir)
	if errors.Is(err, cluster.ErrLocked) {
		return nil
	}
	if err != nil {
		return err
	}
	defer lock.Release()
	return os.RemoveAll(dir)
}
