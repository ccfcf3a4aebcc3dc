package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubectl-ds/kubectl-ds/internal/present"
)

// CompleterPrefix begins the name under which kubectl runs a plugin's
// completer: kubectl_complete-ds_coverage. A link of that name to the plugin
// is enough, since the plugin looks at the name it was called by.
const CompleterPrefix = "kubectl_complete-"

// Build makes the root command of a plugin.
type Build = func(genericiooptions.IOStreams) (*cobra.Command, error)

// Main runs a command and returns the exit code. args are those of the
// process, with its name first. It is the one place where errors become codes
// and a line on stderr.
func Main(ctx context.Context, args []string, streams genericiooptions.IOStreams, build Build) int {
	err := run(ctx, args, streams, build)
	if line := errorLine(ctx, err); line != "" {
		// Nobody is left to tell where stderr is closed.
		_, _ = fmt.Fprintln(streams.ErrOut, line)
	}
	return CodeOf(ctx, err)
}

func run(ctx context.Context, args []string, streams genericiooptions.IOStreams, build Build) error {
	root, err := build(streams)
	if err != nil {
		return err
	}
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.ErrOut)
	root.SetArgs(arguments(args))
	// Both would print what is printed here, and usage would bury the error.
	root.SilenceErrors, root.SilenceUsage = true, true
	if completing(args) {
		silenceLogs()
	}
	return root.ExecuteContext(ctx)
}

func arguments(args []string) []string {
	if len(args) == 0 {
		return nil
	}
	if strings.HasPrefix(filepath.Base(args[0]), CompleterPrefix) {
		return append([]string{cobra.ShellCompRequestCmd}, args[1:]...)
	}
	return args[1:]
}

func completing(args []string) bool {
	rest := arguments(args)
	return len(rest) > 0 && (rest[0] == cobra.ShellCompRequestCmd || rest[0] == cobra.ShellCompNoDescRequestCmd)
}

// errorLine is what stderr says about an error: one line, or nothing.
func errorLine(ctx context.Context, err error) string {
	var exit *ExitError
	switch {
	case err == nil, closedPipe(err):
		return ""
	case errors.As(err, &exit) && exit.Err == nil:
		return ""
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return "interrupted"
	}
	return "error: " + oneLine(err.Error())
}

// oneLine joins the lines of a message, as libraries write them, and makes it
// safe to show: it may hold words of a server.
func oneLine(s string) string {
	var parts []string
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(line); line != "" {
			parts = append(parts, line)
		}
	}
	return strings.TrimPrefix(present.Safe(strings.Join(parts, " ")), "error: ")
}

// stdoutName is how package os calls standard output, on every system.
const stdoutName = "/dev/stdout"

// closedPipe reports whether the reader of the output has gone, as head does:
// it has all that it wants. A connection or another pipe that broke is an error
// like any other.
func closedPipe(err error) bool {
	var file *fs.PathError
	return errors.As(err, &file) && file.Path == stdoutName && slices.ContainsFunc(brokenPipe, func(e error) bool { return errors.Is(file.Err, e) })
}
