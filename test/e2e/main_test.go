package e2e

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-ds/kubectl-ds/test/cluster"
	"github.com/kubectl-ds/kubectl-ds/test/kubectl"
	"github.com/kubectl-ds/kubectl-ds/test/world"
)

// shared is the cluster with the demo's world, started once: deploying it and
// letting it settle takes longer than any test that reads it.
var shared struct {
	cluster *cluster.Cluster
	world   *world.World
	kubectl *kubectl.Kubectl
	client  kubernetes.Interface
}

func TestMain(m *testing.M) {
	// The process ends with the code of m.Run by itself. Without the world there
	// is none, and to return would pass.
	if err := run(m); err != nil {
		panic(err)
	}
}

func run(m *testing.M) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Minute)
	defer cancel()
	c, err := cluster.Start(ctx, cluster.Options{Progress: os.Stderr, ContextName: "e2e"})
	if err != nil {
		return err
	}
	defer func() { _ = c.Stop() }()
	w, err := world.Deploy(ctx, c, func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) })
	if err != nil {
		return err
	}
	if err := w.Settle(ctx); err != nil {
		return err
	}
	k, err := kubectl.New(ctx, c)
	if err != nil {
		return err
	}
	defer func() { _ = k.Close() }()
	client, err := kubernetes.NewForConfig(c.RESTConfig())
	if err != nil {
		return err
	}
	shared.cluster, shared.world, shared.kubectl, shared.client = c, w, k, client
	m.Run()
	return nil
}
