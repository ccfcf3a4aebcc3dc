package rollout

import (
	"context"
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-ds/kubectl-ds/test/audit"
	"github.com/kubectl-ds/kubectl-ds/test/cluster"
	"github.com/kubectl-ds/kubectl-ds/test/kubectl"
)

// shared is one cluster for all tests: each makes a world of its own in it.
var shared struct {
	cluster *cluster.Cluster
	kubectl *kubectl.Kubectl
	client  kubernetes.Interface
	log     *audit.Log
}

const contextName = "e2e"

// worldsAtOnce is how many tests run side by side: most of their time is a
// soak, and none of it is work.
const worldsAtOnce = "6"

// together sets that, unless somebody said otherwise.
func together() error {
	flag.Parse()
	said := false
	flag.Visit(func(f *flag.Flag) { said = said || f.Name == "test.parallel" })
	if said {
		return nil
	}
	if err := flag.Set("test.parallel", worldsAtOnce); err != nil {
		return fmt.Errorf("running tests side by side: %w", err)
	}
	return nil
}

func TestMain(m *testing.M) {
	// The process ends with the code of m.Run by itself. Without the cluster
	// there is none, and to return would pass.
	if err := run(m); err != nil {
		panic(err)
	}
}

func run(m *testing.M) error {
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Minute)
	defer cancel()
	c, err := cluster.Start(ctx, cluster.Options{Progress: os.Stderr, ContextName: contextName, Stages: []string{cluster.ExecOnHost}})
	if err != nil {
		return err
	}
	defer func() { _ = c.Stop() }()
	k, err := kubectl.New(ctx, c)
	if err != nil {
		return err
	}
	defer func() { _ = k.Close() }()
	client, err := kubernetes.NewForConfig(c.RESTConfig())
	if err != nil {
		return err
	}
	if err := together(); err != nil {
		return err
	}
	shared.cluster, shared.kubectl, shared.client, shared.log = c, k, client, audit.Open(c.AuditLog())
	if m.Run() != 0 && os.Getenv("KUBECTL_DS_KEEP") != "" {
		c.Keep()
	}
	return nil
}
