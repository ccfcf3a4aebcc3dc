//go:build unix

// Localcluster starts and stops named local control planes, for demos and for
// trying things by hand:
//
//	eval "$(go run ./cluster/cmd/localcluster up --nodes 20)"
//	kubectl get nodes
//	go run ./cluster/cmd/localcluster down
//
// A cluster's state is in bin/cluster/<name>/ of the repository.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"

	"github.com/kubectl-ds/kubectl-ds/test/cluster"
)

const usage = `usage:
  localcluster up   [--name NAME] [--nodes N]            start a cluster that runs until down
  localcluster down [--name NAME]                        stop it and remove its files
  localcluster run  [--nodes N] -- COMMAND [ARG...]      start one for the length of a command
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	var exit *exec.ExitError
	switch {
	case err == nil:
	case errors.As(err, &exit):
		os.Exit(exit.ExitCode())
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	default:
		say(os.Stderr, "error: %v\n", err)
		os.Exit(1)
	}
}

// settings are what the flags say.
type settings struct {
	name  string
	nodes int
	args  []string
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		say(os.Stderr, usage)
		return flag.ErrHelp
	}
	set, err := parse(args)
	if err != nil {
		return err
	}
	switch args[0] {
	case "up":
		return up(ctx, set, os.Stdout, os.Stderr)
	case "down":
		return down(ctx, set, os.Stderr)
	case "run":
		return runCommand(ctx, set, os.Stderr)
	case superviseCommand:
		return supervise(ctx, set)
	}
	say(os.Stderr, usage)
	return flag.ErrHelp
}

// goodName keeps a cluster's folder inside bin/cluster.
var goodName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,40}$`)

func parse(args []string) (settings, error) {
	var set settings
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&set.name, "name", "default", "name of the cluster")
	flags.IntVar(&set.nodes, "nodes", 0, "simulated nodes to create")
	if err := flags.Parse(args[1:]); err != nil {
		say(os.Stderr, usage)
		if errors.Is(err, flag.ErrHelp) {
			return set, err
		}
		return set, fmt.Errorf("reading the flags of %s: %w", args[0], err)
	}
	if !goodName.MatchString(set.name) {
		return set, fmt.Errorf("cluster name %q: use letters, digits, - and _", set.name)
	}
	set.args = flags.Args()
	if len(set.args) > 0 && args[0] != "run" && args[0] != superviseCommand {
		return set, fmt.Errorf("%s takes no argument: %q", args[0], set.args[0])
	}
	return set, nil
}

// say reports progress. Where that cannot be written there is nobody to tell.
func say(w io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }

// home is the folder of the named cluster's state.
func home(ctx context.Context, name string) (string, error) {
	root, err := cluster.FindRoot(ctx)
	if err != nil {
		return "", err
	}
	return filepath.Join(root, "bin", "cluster", name), nil
}
