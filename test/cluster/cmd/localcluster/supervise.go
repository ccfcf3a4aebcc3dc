//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-ds/kubectl-ds/test/cluster"
	"github.com/kubectl-ds/kubectl-ds/test/cluster/simnode"
)

// superviseCommand is how up starts itself again in the background.
const superviseCommand = "supervise"

// supervise runs one cluster until it is told to stop, or a component ends.
func supervise(ctx context.Context, set settings) (err error) {
	if len(set.args) != 2 {
		return errors.New("supervise: give the folder and that of the programs")
	}
	dir, bins := set.args[0], cluster.Binaries{Dir: set.args[1]}
	lock, err := cluster.TryLock(filepath.Join(dir, lockName))
	if err != nil {
		return fmt.Errorf("supervising cluster %s: %w", set.name, err)
	}
	defer lock.Release()
	if err := writeState(dir, state{PID: os.Getpid()}); err != nil {
		return err
	}
	c, err := cluster.Start(ctx, cluster.Options{
		Binaries: bins, Dir: filepath.Join(dir, clusterName), Progress: os.Stderr, ContextName: "local-" + set.name,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, writeState(dir, state{PID: os.Getpid()}), c.Stop()) }()
	if err := makeNodes(ctx, c, set.nodes); err != nil {
		return err
	}
	if err := writeState(dir, state{PID: os.Getpid(), Kubeconfig: c.Kubeconfig()}); err != nil {
		return err
	}
	if err := c.Wait(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// writeState renames, so that up never reads half a file.
func writeState(dir string, state state) error {
	part := filepath.Join(dir, stateName+".part")
	if err := os.WriteFile(part, encodeState(state), 0o644); err != nil {
		return err
	}
	return os.Rename(part, filepath.Join(dir, stateName))
}

func makeNodes(ctx context.Context, c *cluster.Cluster, count int) error {
	if count == 0 {
		return nil
	}
	client, err := kubernetes.NewForConfig(c.RESTConfig())
	if err != nil {
		return err
	}
	say(os.Stderr, "creating %d nodes\n", count)
	return simnode.Create(ctx, client, simnode.Nodes("node", count, nil)...)
}
