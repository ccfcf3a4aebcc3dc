package gates

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// exitHold is EX_TEMPFAIL of sysexits.h: ask again later.
	exitHold = 75
	// maxOutput is how much of the end of a command's output is kept.
	maxOutput = 8 << 10
	// afterKill is how long the ends of pipes are waited for that a process
	// outside the group holds open.
	afterKill = time.Second
)

// execProbe runs a command without a shell. Exit code 0 passes, 75 holds, any
// other fails; the end of what it printed is the evidence. Where it does not
// end in time it and its children are killed.
func (r *Runner) execProbe(argv []string) (probe, error) {
	if argv[0] == "" {
		return nil, errors.New("exec: the name of the program is empty")
	}
	// Found before the run begins: a program that is not there is bad input.
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return nil, fmt.Errorf("%w; give the path of a program that can be run here", err)
	}
	argv = slices.Clone(argv)
	return func(ctx context.Context, q *Question) Answer {
		out := &tail{limit: maxOutput}
		cmd := exec.CommandContext(ctx, path, argv[1:]...)
		cmd.Args[0] = argv[0]
		cmd.Env = append(r.environ(), r.variables(q)...)
		cmd.Stdout, cmd.Stderr, cmd.WaitDelay = out, out, afterKill
		group := newGroup(cmd)
		defer group.kill(cmd) // what it left behind
		if err := cmd.Start(); err != nil {
			return cannot("cannot start: %v", err)
		}
		group.started(cmd)
		err := cmd.Wait()
		return exited(ctx, cmd.ProcessState, err, out.lastLine())
	}, nil
}

func exited(ctx context.Context, state *os.ProcessState, err error, last string) Answer {
	said := strings.TrimSuffix(": "+last, ": ")
	code := -1
	if state != nil {
		code = state.ExitCode()
	}
	switch {
	case ctx.Err() != nil && code != 0:
		return cannot("%s", last) // Ask says why
	case code == 0:
		return pass("exit 0%s", said)
	case code == exitHold:
		return hold("exit %d%s", code, said)
	case code > 0:
		return fail("exit %d%s", code, said)
	case state != nil:
		return fail("%s%s", state, said) // the signal that ended it
	}
	return cannot("%v%s", err, said)
}

func (r *Runner) environ() []string {
	if r.opts.Env == nil {
		return os.Environ()
	}
	return slices.Clone(r.opts.Env)
}

// variables tell a command what it is asked about. Only values come from the
// cluster, never a name.
func (r *Runner) variables(q *Question) []string {
	node, pod, cluster := "", "", ""
	if q.Node != nil {
		node = q.Node.Node.Name
	}
	if p := q.pod(); p != nil {
		pod = p.Name
	}
	if q.View != nil {
		cluster = q.View.Snapshot.Source.Context
	}
	vars := []struct{ name, value string }{
		{"RUN", q.Run.ID},
		{"NAMESPACE", q.Run.Namespace},
		{"DAEMONSET", q.Run.Name},
		{"NODE", node},
		{"POD", pod},
		{"WAVE", strconv.Itoa(q.Action.Wave)},
		{"REVISION", q.Run.Target.Hash},
		{"CONTEXT", cluster},
		{"GATE", q.Action.Gate},
		{"WHEN", string(q.Action.When)},
	}
	var out []string
	for _, v := range vars {
		out = append(out, "KUBECTL_DS_"+v.name+"="+v.value)
	}
	return out
}

// tail keeps the end of what is written to it. It takes everything, so that
// a command that prints much is not held up.
type tail struct {
	limit int
	buf   []byte
}

// Write implements io.Writer; os/exec calls it from one goroutine.
func (t *tail) Write(p []byte) (int, error) {
	n := len(p)
	if n > t.limit {
		p = p[n-t.limit:]
	}
	if over := len(t.buf) + len(p) - t.limit; over > 0 {
		t.buf = t.buf[:copy(t.buf, t.buf[over:])]
	}
	t.buf = append(t.buf, p...)
	return n, nil
}

// lastLine is the last line that says something.
func (t *tail) lastLine() string {
	lines := strings.Split(string(t.buf), "\n")
	for _, l := range slices.Backward(lines) {
		if l = clean(l); l != "" {
			return l
		}
	}
	return ""
}
