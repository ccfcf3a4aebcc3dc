package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	// tempPrefix begins the name of every temporary folder of ours.
	tempPrefix = "kubectl-ds-cluster-"
	lockName   = ".lock"
	keepName   = ".keep"
)

// stopOrder: who writes stops before who stores, so that nobody's log ends in
// connection errors that mean nothing.
var stopOrder = []Component{KWOK, Scheduler, ControllerManager, APIServer, Etcd}

// stopGrace is short: the data is thrown away.
const stopGrace = 2 * time.Second

// Stop ends every component and waits until each has exited, then removes the
// cluster's folder unless Options.Keep. A second call returns what the first
// did.
func (c *Cluster) Stop() error {
	c.stopOnce.Do(func() { c.stopErr = c.stop() })
	return c.stopErr
}

func (c *Cluster) stop() error {
	c.mu.Lock()
	unwatch := c.unwatch
	c.mu.Unlock()
	if unwatch != nil {
		unwatch()
	}
	var errs []error
	for _, component := range stopOrder {
		errs = append(errs, c.stopComponent(component, stopGrace))
	}
	c.spawn.close()
	if c.dir != "" {
		errs = append(errs, c.removeDir())
	}
	c.lock.Release()
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("stopping the local cluster: %w", err)
	}
	return nil
}

// Keep makes Stop leave the folder behind, as Options.Keep does: a test that
// has failed calls it so that the logs can be read.
func (c *Cluster) Keep() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.opts.Keep = true
}

func (c *Cluster) removeDir() error {
	c.mu.Lock()
	keep := c.opts.Keep
	c.mu.Unlock()
	if keep {
		say(c.opts.Progress, "kept %s\n", c.dir)
		return os.WriteFile(c.path(keepName), nil, 0o600)
	}
	return os.RemoveAll(c.dir)
}

func (c *Cluster) stopComponent(component Component, grace time.Duration) error {
	c.mu.Lock()
	p := c.processes[component]
	c.mu.Unlock()
	return p.stop(grace)
}

// StopAPIServer ends kube-apiserver as a crash would, without a graceful end,
// and leaves the rest running.
func (c *Cluster) StopAPIServer() error {
	if err := c.stopComponent(APIServer, 0); err != nil {
		return fmt.Errorf("stopping kube-apiserver: %w", err)
	}
	return nil
}

// StartAPIServer starts a stopped kube-apiserver on its old port, and waits
// until it is ready.
func (c *Cluster) StartAPIServer(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, c.opts.StartTimeout, fmt.Errorf("not ready after %s", c.opts.StartTimeout))
	defer cancel()
	if err := c.run(APIServer); err != nil {
		return err
	}
	if err := c.await(ctx, APIServer, c.apiServerReady); err != nil {
		return fmt.Errorf("restarting kube-apiserver: %w", err)
	}
	return nil
}

// RestartAPIServer is StopAPIServer and StartAPIServer.
func (c *Cluster) RestartAPIServer(ctx context.Context) error {
	if err := c.StopAPIServer(); err != nil {
		return err
	}
	return c.StartAPIServer(ctx)
}

// Pause freezes a component where it is, as a machine that hangs would; Resume
// lets it go on. A test can so see what happens before the DaemonSet controller
// has acted.
func (c *Cluster) Pause(component Component) error { return c.signal(component, syscall.SIGSTOP) }

// Resume lets a paused component go on.
func (c *Cluster) Resume(component Component) error { return c.signal(component, syscall.SIGCONT) }

func (c *Cluster) signal(component Component, sig os.Signal) error {
	c.mu.Lock()
	p := c.processes[component]
	c.mu.Unlock()
	if p == nil || p.exited() {
		return fmt.Errorf("sending %s to %s: it does not run", sig, component)
	}
	if err := p.signal(sig); err != nil {
		return fmt.Errorf("sending %s to %s: %w", sig, component, err)
	}
	return nil
}

// Wait returns when ctx is done, or with an *ExitError when a component ended
// that nobody stopped.
func (c *Cluster) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case err := <-c.exited:
		return err
	}
}

// Dir is the cluster's folder: kubeconfigs, logs, keys, the database.
func (c *Cluster) Dir() string { return c.dir }

// URL is the API server's address.
func (c *Cluster) URL() string { return "https://" + loopback(c.ports.apiServer) }

// AuditLog is the path of the API server's audit log, one JSON event a line, in
// one file. With Options.NoAudit it does not exist.
func (c *Cluster) AuditLog() string { return c.path("audit.log") }

// LogPath is the path of a component's log.
func (c *Cluster) LogPath(component Component) string {
	return c.path("logs", string(component)+".log")
}

// KubectlPath is the path of the kubectl that was built with the cluster.
func (c *Cluster) KubectlPath() string { return c.opts.Binaries.Path(Kubectl) }

// PIDs are the process ids of the running components.
func (c *Cluster) PIDs() map[Component]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	pids := make(map[Component]int, len(c.processes))
	for component, p := range c.processes {
		if !p.exited() {
			pids[component] = p.pid
		}
	}
	return pids
}

// sweep removes temporary folders whose owner is gone without having been able
// to: it was killed. A folder that is in use is locked by its owner, and one
// that was kept on purpose says so.
func sweep(parent string) {
	dirs, _ := filepath.Glob(filepath.Join(parent, tempPrefix+"*"))
	for _, dir := range dirs {
		sweepDir(dir)
	}
}

func sweepDir(dir string) {
	// A folder that was just made is about to be locked by its maker.
	info, err := os.Stat(dir)
	if err != nil || time.Since(info.ModTime()) < time.Minute {
		return
	}
	if _, err := os.Stat(filepath.Join(dir, lockName)); err != nil {
		return
	}
	if _, err := os.Stat(filepath.Join(dir, keepName)); err == nil {
		return
	}
	lock, err := TryLock(filepath.Join(dir, lockName))
	if err != nil {
		return
	}
	defer lock.Release()
	if strings.HasPrefix(filepath.Base(dir), tempPrefix) {
		_ = os.RemoveAll(dir)
	}
}
