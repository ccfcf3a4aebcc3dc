package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

func TestErrorsBecomeCodesAndOneLine(t *testing.T) {
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	for _, c := range []struct {
		name   string
		ctx    context.Context
		err    error
		code   int
		stderr string
	}{
		{"success", nil, nil, OK, ""},
		{"any error", nil, errors.New("broken"), Usage, "error: broken\n"},
		{"a code deep in a chain", nil, fmt.Errorf("more: %w", Exit(TimedOut, errors.New("late"))), TimedOut, "error: more: late\n"},
		{"all is said already", nil, Exit(Failed, nil), Failed, ""},
		{"interrupted", canceled, fmt.Errorf("read: %w", context.Canceled), Interrupted, "interrupted\n"},
		{"cancelled, but not by the user", nil, context.Canceled, Usage, "error: context canceled\n"},
		{"nobody reads any more", nil, fmt.Errorf("more: %w", &fs.PathError{Op: "write", Path: os.Stdout.Name(), Err: brokenPipe[0]}), Usage, ""},
		{"a capture that nobody reads", nil, &fs.PathError{Op: "write", Path: "fifo", Err: brokenPipe[0]}, Usage, "error: write fifo: " + brokenPipe[0].Error() + "\n"},
		{"a server that reads no more", nil, &net.OpError{Op: "write", Net: "tcp", Err: os.NewSyscallError("write", brokenPipe[0])}, Usage, "error: write tcp: write: " + brokenPipe[0].Error() + "\n"},
		{"many lines", nil, errors.New("a\n  b\n\nc\n"), Usage, "error: a b c\n"},
		{"no error twice", nil, errors.New("error: x"), Usage, "error: x\n"},
		{"a server's words", nil, errors.New("x\x1b[2J\r\u202ey"), Usage, "error: x\\x1b[2J\\r\\u202ey\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx := c.ctx
			if ctx == nil {
				ctx = context.Background()
			}
			code, out, errOut := runMain(ctx, c.err, "kubectl-x")
			if code != c.code || errOut != c.stderr || out != "" {
				t.Errorf("got %d, stderr %q, stdout %q; want %d, %q", code, errOut, out, c.code, c.stderr)
			}
		})
	}
}

func runMain(ctx context.Context, err error, args ...string) (code int, out, errOut string) {
	var o, e bytes.Buffer
	streams := genericiooptions.IOStreams{Out: &o, ErrOut: &e}
	code = Main(ctx, args, streams, func(genericiooptions.IOStreams) (*cobra.Command, error) {
		cmd := &cobra.Command{Use: "kubectl-x", RunE: func(*cobra.Command, []string) error { return err }}
		cmd.AddCommand(&cobra.Command{Use: "sub", Run: func(*cobra.Command, []string) {}})
		return cmd, nil
	})
	return code, o.String(), e.String()
}

func TestTheNameOfACompleterCompletes(t *testing.T) {
	code, out, _ := runMain(context.Background(), errors.New("must not run"), "/usr/bin/kubectl_complete-x", "s")
	if code != OK || !strings.HasPrefix(out, "sub") {
		t.Errorf("got %d, %q", code, out)
	}
}

func TestNear(t *testing.T) {
	names := []string{"kube-proxy", "cilium", "cilium-envoy", "falco", "logging/vector", "a"}
	for _, c := range []struct {
		word string
		want []string
	}{
		{"falcon", []string{"falco"}},
		{"FALCO", []string{"falco"}},
		{"clium", []string{"cilium"}},
		{"flaco", []string{"falco"}},
		{"proxy", []string{"kube-proxy"}},
		{"vectr", []string{"logging/vector"}},
		{"cilium", []string{"cilium", "cilium-envoy"}},
		{"zzz", nil},
		{"", []string{"a"}},
	} {
		if diff := cmp.Diff(c.want, Near(c.word, names)); diff != "" {
			t.Errorf("Near(%q): %s", c.word, diff)
		}
	}
}

func TestQuoteMakesOneWord(t *testing.T) {
	for in, want := range map[string]string{
		"prod": "prod", "arn:aws:eks:eu-west-1:1:cluster/x": "arn:aws:eks:eu-west-1:1:cluster/x",
		"": "''", "a b": "'a b'", "a;rm -rf": "'a;rm -rf'", "it's": `'it'\''s'`, "$(x)": "'$(x)'", "a\nb": `'a\nb'`,
	} {
		if got := Quote(in); got != want {
			t.Errorf("Quote(%q) = %s, want %s", in, got, want)
		}
	}
}
