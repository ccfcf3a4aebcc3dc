package status

import (
	"context"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-ds/kubectl-ds/test/cluster"
)

// Environment variables: the first repeats the choices of a run, the second
// asks for the wider sweep of make soak.
const (
	seedVar = "ORACLE_SEED"
	soakVar = "KUBECTL_DS_SOAK"
)

// shared is the cluster, started by the first test that asks for it.
var shared struct {
	once    sync.Once
	cluster *cluster.Cluster
	client  kubernetes.Interface
	err     error
}

func TestMain(m *testing.M) {
	m.Run() // its code is what the process ends with
	if shared.cluster != nil {
		if err := shared.cluster.Stop(); err != nil {
			panic(err) // only returning would count as a pass
		}
	}
}

// controlPlane returns the cluster. Of the controllers that touch nodes and
// pods only the DaemonSet controller and the garbage collector of owners run:
// no taints but the test's, no evictions, and pods of deleted nodes stay.
func controlPlane(t *testing.T) (*cluster.Cluster, kubernetes.Interface) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a control plane")
	}
	shared.once.Do(func() {
		shared.cluster, shared.err = cluster.Start(context.Background(), cluster.Options{
			Progress: os.Stderr,
			NoAudit:  true,
			ExtraArgs: map[cluster.Component][]string{cluster.ControllerManager: {
				"--controllers=-node-lifecycle-controller,-taint-eviction-controller,-pod-garbage-collector-controller",
			}},
		})
		if shared.err == nil {
			shared.client, shared.err = kubernetes.NewForConfig(shared.cluster.RESTConfig())
		}
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.cluster, shared.client
}

func seed(t *testing.T) uint64 {
	t.Helper()
	s, ok := os.LookupEnv(seedVar)
	if !ok {
		return uint64(time.Now().UnixNano())
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", seedVar, err)
	}
	return n
}

// eventually polls until check is content. check says what is wrong.
func eventually(t *testing.T, within time.Duration, check func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	var err error
	for {
		now := check(ctx)
		if now == nil {
			return
		}
		// A request that the deadline cut off says less than the one before.
		if err == nil || ctx.Err() == nil {
			err = now
		}
		select {
		case <-ctx.Done():
			t.Fatalf("after %s: %v", within, err)
		case <-tick.C:
		}
	}
}
