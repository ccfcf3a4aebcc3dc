// Package script runs the scripts of a plugin: testdata/script/*.txtar, with
// the test binary in the plugin's place.
package script

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"gotest.tools/v3/golden"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
)

// capture is the file in testdata that each script finds beside it.
const capture = "cluster.yaml"

// Main lets the test binary be the plugin wherever a script runs one of names.
// It does not return.
func Main(m *testing.M, build cli.Build, names ...string) {
	plugin := func() {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		defer stop()
		streams := genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}
		//nolint:forbidigo // here the test binary is the plugin
		os.Exit(cli.Main(ctx, os.Args, streams, build))
	}
	commands := map[string]func(){}
	for _, name := range names {
		commands[name] = plugin
	}
	testscript.Main(m, commands)
}

// Run runs the scripts. Beside the commands of testscript they have exits and
// fails.
func Run(t *testing.T, kubeconfig string) {
	t.Helper()
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(env *testscript.Env) error {
			b, err := os.ReadFile(filepath.Join("testdata", capture))
			if err != nil {
				return err
			}
			env.Setenv("KUBECONFIG", kubeconfig)
			env.Setenv("KUBECACHEDIR", filepath.Join(env.WorkDir, "cache"))
			return os.WriteFile(filepath.Join(env.WorkDir, capture), b, 0o600)
		},
		Cmds:               map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "fails": fails},
		RequireUniqueNames: true,
		UpdateScripts:      golden.FlagUpdate(),
	})
}

// exits CODE COMMAND... runs a command and checks its exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := codeOf(ts.Exec(args[1], args[2:]...)); got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// fails CODE PATTERN COMMAND... runs a command that must say one line on
// stderr that matches, and nothing on stdout.
func fails(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: fails CODE PATTERN COMMAND...")
	}
	exits(ts, false, append([]string{args[0]}, args[2:]...))
	if out := ts.ReadFile("stdout"); out != "" {
		ts.Fatalf("stdout holds %q beside an error", out)
	}
	line, rest, _ := strings.Cut(ts.ReadFile("stderr"), "\n")
	if rest != "" || !strings.HasPrefix(line, "error: ") || len(line) < 20 {
		ts.Fatalf("stderr is not one line of error: %q", ts.ReadFile("stderr"))
	}
	if !regexp.MustCompile(args[1]).MatchString(line) {
		ts.Fatalf("stderr %q does not match %q", line, args[1])
	}
}

func codeOf(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	}
	return -1
}
