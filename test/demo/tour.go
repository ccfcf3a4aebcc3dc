package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/kubectl-ds/kubectl-ds/test/kubectl"
	"github.com/kubectl-ds/kubectl-ds/test/world"
)

// commandTimeout is much more than any command of the demo takes.
const commandTimeout = 2 * time.Minute

// demo narrates and runs commands.
type demo struct {
	started time.Time
	plugins *kubectl.Kubectl
}

func (d *demo) chapter(title string, lines ...string) {
	fmt.Printf("\n=== %s\n", title)
	for _, l := range lines {
		fmt.Printf("    %s\n", l)
	}
}

func (d *demo) say(format string, args ...any) {
	fmt.Printf("[%5.1fs] %s\n", time.Since(d.started).Seconds(), fmt.Sprintf(format, args...))
}

// run shows a command as a user would type it, and what it prints.
func (d *demo) run(ctx context.Context, args ...string) error {
	fmt.Printf("\n$ kubectl %s\n", strings.Join(args, " "))
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	return d.plugins.Show(ctx, os.Stdout, args...)
}

// tour is what the demo shows once the world stands. The verdicts are asked
// without a grace, since everything here is seconds old.
func (d *demo) tour(ctx context.Context, w *world.World) error {
	const grace = "--grace=0s"
	d.chapter("What kubectl shows", "Counts, and no node's name.")
	if err := d.run(ctx, "get", "daemonsets", "-A"); err != nil {
		return err
	}
	d.chapter("What lacks its agent, why, and what to do", "Everything here is seconds old, so no grace is given.")
	if err := d.run(ctx, "ds-coverage", "-A", grace); err != nil {
		return err
	}
	d.chapter("Why this pair")
	for _, pair := range [][]string{{"storage", "fsx-csi-node", "gpu-1"}, {"datadog", "datadog-agent", world.Small}} {
		if err := d.run(ctx, "ds-coverage", "explain", "-n", pair[0], pair[1], pair[2], grace); err != nil {
			return err
		}
	}
	d.chapter("One node, and what DaemonSets cost it")
	if err := d.run(ctx, "ds-coverage", "nodes", "general-4", grace); err != nil {
		return err
	}
	return d.comings(ctx, w, grace)
}

// comings shows a node that joins and one that leaves, and the verdicts that
// follow.
func (d *demo) comings(ctx context.Context, w *world.World, grace string) error {
	d.chapter("A node joins", "The security agent cannot come: its namespace forbids it since a minute ago.")
	if err := w.Join(ctx, joiner); err != nil {
		return err
	}
	if err := w.Covered(ctx, "kube-system", "cilium", joiner); err != nil {
		return err
	}
	if err := d.run(ctx, "ds-coverage", "nodes", joiner, grace); err != nil {
		return err
	}
	d.chapter("A node leaves", "The lost node is removed for good: its gaps go with it.")
	if err := w.Leave(ctx, world.LostNode); err != nil {
		return err
	}
	if err := d.run(ctx, "ds-coverage", "-A", grace, "--quiet"); err != nil {
		return err
	}
	d.chapter("In a script", "Exit code 1 where a condition does not hold, 3 where it could not be determined.")
	return d.run(ctx, "ds-coverage", "-n", "logging", grace, "--fail-on=gaps", "--quiet")
}
