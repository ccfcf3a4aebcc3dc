// Command demo starts a real control plane with sixteen simulated nodes, lets
// DaemonSets fail on it in many ways, and shows what kubectl ds-coverage says
// and how kubectl ds-rollout brings a new version, through the real kubectl, as
// a user would run it. It stops everything when it ends or is interrupted.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/kubectl-ds/kubectl-ds/test/cluster"
	"github.com/kubectl-ds/kubectl-ds/test/kubectl"
	"github.com/kubectl-ds/kubectl-ds/test/world"
)

func main() {
	keep := flag.Bool("keep", false, "leave the control plane running until Ctrl-C, to look around")
	save := flag.String("save", "", "save a capture of the demo's cluster in this file")
	canary := flag.String("canary", "", "only record a run in the middle of its canary, as files in this folder")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	do := func() error { return run(ctx, *keep, *save) }
	if *canary != "" {
		do = func() error { return recordCanary(ctx, *canary) }
	}
	if err := do(); err != nil {
		fmt.Fprintf(os.Stderr, "error: %v\n", err)
		if ctx.Err() != nil {
			os.Exit(130)
		}
		os.Exit(1)
	}
}

func run(ctx context.Context, keep bool, save string) (err error) {
	d := &demo{started: time.Now()}
	if save, err = inRoot(ctx, save); err != nil {
		return err
	}
	d.chapter("A real control plane",
		"etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kubectl are built from source,",
		"and KWOK for the nodes' kubelets: about 6 minutes the first time on 2 cores, seconds after that.")
	c, err := cluster.Start(ctx, cluster.Options{Progress: os.Stdout, ContextName: contextName})
	if err != nil {
		return err
	}
	defer func() {
		d.say("stopping the control plane")
		if stopErr := c.Stop(); err == nil {
			err = stopErr
		}
	}()
	w, err := world.Deploy(ctx, c, d.say)
	if err != nil {
		return err
	}
	plugins, err := kubectl.New(ctx, c)
	if err != nil {
		return err
	}
	defer func() { _ = plugins.Close() }()
	d.plugins = plugins
	d.say("waiting until the scheduler, the controllers and the clock have had their say")
	if err := w.Settle(ctx); err != nil {
		return err
	}
	if save != "" {
		r, err := plugins.Run(ctx, "ds-coverage", "snapshot", "-A", "-o", save)
		if err != nil {
			return err
		}
		if r.Code != 0 {
			return fmt.Errorf("saving a capture: %s", r.Stderr)
		}
		d.say("saved %s", save)
	}
	if err := d.tour(ctx, w); err != nil {
		return err
	}
	if err := d.rollout(ctx); err != nil {
		return err
	}
	if keep {
		fmt.Printf("\nThe control plane runs until Ctrl-C. In another terminal:\n  export KUBECONFIG=%s\n  export PATH=%s:$PATH\n", c.Kubeconfig(), plugins.Dir())
		<-ctx.Done()
	}
	return nil
}

// inRoot goes to the root of the repository, so that commands are shown as a
// user types them there, and returns where a file is then.
func inRoot(ctx context.Context, file string) (string, error) {
	root, err := cluster.FindRoot(ctx)
	if err != nil {
		return "", err
	}
	if file != "" {
		if file, err = filepath.Abs(file); err != nil {
			return "", err
		}
	}
	return file, os.Chdir(root)
}
