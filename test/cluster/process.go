//go:build unix

package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// killGroup ends a process and all it started in its own group.
func killGroup(pid int) error {
	err := syscall.Kill(-pid, syscall.SIGKILL)
	if errors.Is(err, syscall.ESRCH) {
		return os.ErrProcessDone
	}
	return err
}

// spawner starts processes from one thread that lives until close: see
// dieWithParent.
type spawner struct {
	work chan func()
	once sync.Once
}

func newSpawner() *spawner {
	s := &spawner{work: make(chan func())}
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for f := range s.work {
			f()
		}
	}()
	return s
}

func (s *spawner) close() { s.once.Do(func() { close(s.work) }) }

// process is one running program.
type process struct {
	component Component
	pid       int
	logPath   string
	signal    func(os.Signal) error
	asked     atomic.Bool   // its end is our doing
	done      chan struct{} // closed once it was waited for
	err       error         // how it ended; read after done
}

// start runs a program, its output appended to logPath.
func (s *spawner) start(component Component, path string, args, env []string, dir, logPath string) (*process, error) {
	out, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", component, err)
	}
	defer func() { _ = out.Close() }() // the child has its own copy
	cmd := exec.Command(path, args...)
	cmd.Dir = dir
	cmd.Env = env
	cmd.Stdout, cmd.Stderr = out, out
	ownGroup(cmd)
	dieWithParent(cmd)
	started := make(chan error)
	s.work <- func() { started <- cmd.Start() }
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting %s: %w", component, err)
	}
	p := &process{
		component: component, pid: cmd.Process.Pid, logPath: logPath,
		signal: cmd.Process.Signal, done: make(chan struct{}),
	}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

func (p *process) exited() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// stop asks the process to end, insists after grace, and returns when it has
// ended and its port is free again.
func (p *process) stop(grace time.Duration) error {
	if p == nil {
		return nil
	}
	p.asked.Store(true)
	if p.exited() {
		return nil
	}
	if grace > 0 {
		_ = p.signal(syscall.SIGTERM)
		_ = p.signal(syscall.SIGCONT) // it may be paused
		select {
		case <-p.done:
			return nil
		case <-time.After(grace):
		}
	}
	if err := killGroup(p.pid); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("killing %s (pid %d): %w", p.component, p.pid, err)
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(10 * time.Second):
		return fmt.Errorf("stopping %s (pid %d): still there 10s after it was killed", p.component, p.pid)
	}
}

// failure describes a process that ended unasked, with the end of its log.
func (p *process) failure() error {
	how := "exit status 0"
	if p.err != nil {
		how = p.err.Error()
	}
	return &ExitError{Component: p.component, How: how, Log: p.logTail()}
}

// logTail is the end of the log. Of a short log it is the beginning too: some
// programs say what is wrong first, and how to use them after.
func (p *process) logTail() string {
	const size = 64 << 10
	file, err := os.Open(p.logPath)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err == nil && info.Size() > size {
		_, err = file.Seek(-size, io.SeekEnd)
	}
	if err != nil {
		return err.Error()
	}
	text, err := io.ReadAll(io.LimitReader(file, size))
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	const head, end = 2, 12
	if len(lines) <= head+end || info.Size() > size {
		return tail(string(text), head+end)
	}
	return strings.Join(lines[:head], "\n") + "\n...\n" + tail(string(text), end)
}

// ExitError says that a component ended while it should run.
type ExitError struct {
	Component Component
	How       string // how it ended, such as "exit status 1"
	Log       string // the last lines of its log
}

func (e *ExitError) Error() string {
	return fmt.Sprintf("%s ended early (%s); the end of its log:\n%s", e.Component, e.How, e.Log)
}

// portTaken says whether the component ended because another process took its
// port between our choosing it and its listening.
func (e *ExitError) portTaken() bool { return strings.Contains(e.Log, "address already in use") }

// await polls check until it succeeds. It fails at once when a process ends,
// and with what check last said when ctx is over.
func await(ctx context.Context, what string, procs []*process, check func(context.Context) error) error {
	var last error
	err := poll(ctx, 20*time.Millisecond, func() (bool, error) {
		for _, p := range procs {
			if p.exited() {
				return false, p.failure()
			}
		}
		attempt, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		last = check(attempt)
		return last == nil, nil
	})
	if err == nil {
		return nil
	}
	var exit *ExitError
	if errors.As(err, &exit) {
		return err
	}
	if last != nil {
		err = fmt.Errorf("%w (last answer: %w)", err, last)
	}
	if len(procs) > 0 {
		p := procs[len(procs)-1]
		return fmt.Errorf("waiting for %s: %w; the end of the log of %s:\n%s", what, err, p.component, p.logTail())
	}
	return fmt.Errorf("waiting for %s: %w", what, err)
}
