package rollout

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	core "github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// process is one plugin that runs, or has run.
type process struct {
	args           []string
	cmd            *exec.Cmd
	journal        string
	stdout, stderr output
	done           chan struct{}
	err            error     // of Wait; read after done
	ended          time.Time // when it was gone; read after done
}

// result is what a command printed, what its journal says, and its exit code;
// -1 where a signal ended it.
type result struct {
	stdout, stderr string
	code           int
	events         []event
}

// event is one line of the journal, which is that of -o json.
type event struct {
	DaemonSet string `json:"daemonSet"`
	core.Event
	Because string `json:"because"`
}

// output is a buffer that a test may read while the process writes.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// drives are the verbs that keep a journal.
var drives = []string{"start", "resume", "takeover", "abort", "undo"}

// start runs `kubectl ds-rollout VERB -n NAMESPACE agent ARGS` and returns at
// once. Those that ask are told --yes.
func (w *world) start(t *testing.T, verb string, args ...string) *process {
	t.Helper()
	full := append([]string{"ds-rollout", verb, "-n", w.name, agent}, args...)
	p := &process{done: make(chan struct{})}
	if slices.Contains(drives, verb) {
		p.journal = filepath.Join(t.TempDir(), "journal.ndjson")
		full = append(full, "--yes", "--journal", p.journal)
	}
	p.args = full
	p.cmd = w.kubectl.Command(t.Context(), full...)
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = p.cmd.Wait()
		p.ended = time.Now()
		close(p.done)
	}()
	t.Cleanup(func() {
		p.kill()
		<-p.done
		if t.Failed() {
			t.Logf("%s\nstdout: %s\nstderr: %s", p, &p.stdout, &p.stderr)
		}
	})
	w.mu.Lock()
	w.processes = append(w.processes, p)
	w.mu.Unlock()
	return p
}

// run is start and wait.
func (w *world) run(t *testing.T, code int, verb string, args ...string) *result {
	t.Helper()
	return w.start(t, verb, args...).wait(t, code)
}

func (p *process) String() string { return "kubectl " + strings.Join(p.args, " ") }

func (p *process) exited() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// kill is kill -9: kubectl has become the plugin, so it is the plugin's own.
func (p *process) kill() {
	if p.exited() {
		return
	}
	_ = p.cmd.Process.Kill()
}

func (p *process) signal(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		t.Fatalf("%s: sending %s: %v", p, sig, err)
	}
}

// wait waits for the end and demands an exit code; -1 is the end by a signal.
func (p *process) wait(t *testing.T, code int) *result {
	t.Helper()
	select {
	case <-p.done:
	case <-time.After(4 * time.Minute):
		t.Fatalf("%s: still runs after 4 minutes", p)
	}
	var exit *exec.ExitError
	if p.err != nil && !errors.As(p.err, &exit) {
		t.Fatalf("%s: %v", p, p.err)
	}
	r := &result{stdout: p.stdout.String(), stderr: p.stderr.String(), code: p.cmd.ProcessState.ExitCode(), events: p.events(t)}
	if r.code != code {
		t.Fatalf("%s: exit code %d, want %d", p, r.code, code)
	}
	for _, text := range []string{r.stdout, r.stderr} {
		if strings.Contains(text, "panic:") || strings.Contains(text, "\ngoroutine ") {
			t.Errorf("%s: it panicked", p)
		}
	}
	return r
}

// until waits for an event that fits.
func (p *process) until(t *testing.T, what string, fits func(e *event) bool) event {
	t.Helper()
	var found event
	eventually(t, what, func() bool {
		ended := p.exited()
		list := p.events(t)
		i := slices.IndexFunc(list, func(e event) bool { return fits(&e) })
		if i >= 0 {
			found = list[i]
			return true
		}
		if ended {
			t.Fatalf("%s ended before %s", p, what)
		}
		return false
	})
	return found
}

// is fits events of a type.
func is(kind core.EventType) func(*event) bool {
	return func(e *event) bool { return e.Type == kind }
}

// count is how many events are of a type.
func (r *result) count(kind core.EventType) int {
	n := 0
	for i := range r.events {
		if r.events[i].Type == kind {
			n++
		}
	}
	return n
}

// events are what the journal holds so far. Its first line is the command.
func (p *process) events(t *testing.T) []event {
	t.Helper()
	if p.journal == "" {
		return nil
	}
	text, err := os.ReadFile(p.journal)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	var out []event
	for line := range strings.Lines(string(text)) {
		if !strings.HasSuffix(line, "\n") {
			break // is being written
		}
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(fmt.Errorf("reading the journal: %w: %s", err, line))
		}
		if e.Type != "" {
			out = append(out, e)
		}
	}
	return out
}
