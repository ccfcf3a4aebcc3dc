package rollout

import (
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

// readLine reads one line byte by byte: what follows it is somebody else's.
func readLine(r io.Reader) (string, error) {
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

// mayAsk refuses to ask where nobody can answer: a command that hangs in CI is
// worse than one that fails.
func (a *app) mayAsk(yes bool) error {
	if yes || a.terminal(a.streams.In) {
		return nil
	}
	return cli.Usagef("there is no terminal to ask on; say --yes to go on without being asked")
}
