package rollout

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
)

// contextWord is what a person types to confirm: the context, of an ARN its
// last part, else the server's host.
func contextWord(at *connection) string {
	name := at.Context
	if name == "" {
		name = at.Config.Host
	}
	if strings.HasPrefix(name, "arn:") {
		name = name[strings.LastIndexAny(name, ":/")+1:]
	}
	return name
}

// maxLine is how much of an answer is read.
const maxLine = 4096

// readLine reads an answer. It returns at once where ctx ends: what is typed
// after that is not for this process any more.
func (a *app) readLine(ctx context.Context) (string, error) {
	type answer struct {
		line string
		err  error
	}
	read := make(chan answer, 1)
	go func() {
		line, err := oneLine(a.streams.In)
		read <- answer{line, err}
	}()
	select {
	case <-ctx.Done():
		// The prompt stands on a line that nobody has ended.
		_, _ = fmt.Fprintln(a.streams.ErrOut)
		return "", ctx.Err()
	case got := <-read:
		return got.line, got.err
	}
}

// oneLine reads one line byte by byte: what follows it is somebody else's.
func oneLine(r io.Reader) (string, error) {
	var b strings.Builder
	one := make([]byte, 1)
	for b.Len() < maxLine {
		n, err := r.Read(one)
		if n == 1 {
			if one[0] == '\n' {
				break
			}
			b.WriteByte(one[0])
		}
		if err != nil {
			return strings.TrimSpace(b.String()), err
		}
	}
	return strings.TrimSpace(b.String()), nil
}

// confirm asks for the context's name, which is what people get wrong: on
// standard error, since standard output may be read by a program. It
// reports whether to go on.
func (a *app) confirm(ctx context.Context, at *connection, question string) (bool, error) {
	name := contextWord(at)
	if _, err := fmt.Fprintf(a.streams.ErrOut, "%s\nType the context to go on; anything else changes nothing: ", question); err != nil {
		return false, err
	}
	answer, err := a.readLine(ctx)
	if ctx.Err() != nil {
		return false, cli.Exit(cli.Interrupted, errors.New("interrupted; nothing was changed"))
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	if answer != name {
		_, err := fmt.Fprintf(a.streams.ErrOut, "%q is not %q: nothing was changed\n", answer, name)
		return false, err
	}
	return true, nil
}

// mayAsk refuses to ask where nobody can answer: a command that hangs in CI is
// worse than one that fails.
func (a *app) mayAsk(yes bool) error {
	if yes || a.terminal(a.streams.In) {
		return nil
	}
	return cli.Usagef("there is no terminal to ask on; say --yes to go on without being asked")
}
