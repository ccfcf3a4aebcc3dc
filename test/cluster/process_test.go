package cluster_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-ds/kubectl-ds/test/cluster"
	"github.com/kubectl-ds/kubectl-ds/test/cluster/simnode"
)

// helperVariable turns the test binary into a program that starts a cluster,
// says so, and waits to be killed.
const helperVariable = "TEST_CLUSTER_HELPER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(helperVariable); dir != "" {
		c, err := cluster.Start(context.Background(), cluster.Options{Dir: dir})
		if err != nil {
			panic(err)
		}
		if err := json.NewEncoder(os.Stdout).Encode(c.PIDs()); err != nil {
			panic(err)
		}
		_ = c.Wait(context.Background())
		return
	}
	m.Run()
}

func noProcesses(t *testing.T, pids map[cluster.Component]int) {
	t.Helper()
	if len(pids) != 5 {
		t.Errorf("%d components ran, want 5: %v", len(pids), pids)
	}
	for component, pid := range pids {
		eventually(t, "the end of "+string(component), func() bool {
			return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
		})
	}
}

func TestKilledOwnerLeavesNoProcess(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cluster")
	helper := exec.Command(os.Args[0])
	helper.Env = append(os.Environ(), helperVariable+"="+dir)
	out, err := helper.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := helper.Start(); err != nil {
		t.Fatal(err)
	}
	pids := map[cluster.Component]int{}
	if err := json.NewDecoder(out).Decode(&pids); err != nil {
		t.Fatal(err)
	}
	if err := helper.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = helper.Wait()
	noProcesses(t, pids)
}

func TestFailedStartLeavesNothing(t *testing.T) {
	// The first to start, one that others wait for, and the last.
	for _, component := range []cluster.Component{cluster.Etcd, cluster.APIServer, cluster.KWOK} {
		t.Run(string(component), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "cluster")
			bad := map[cluster.Component][]string{component: {"--no-such-flag"}}
			if component == cluster.KWOK { // it ignores flags that it does not know
				bad[component] = []string{"--node-lease-duration-seconds=x"}
			}
			_, err := cluster.Start(t.Context(), cluster.Options{Dir: dir, ExtraArgs: bad})
			var exit *cluster.ExitError
			if !errors.As(err, &exit) || exit.Component != component {
				t.Fatalf("error = %v, want an ExitError of %s", err, component)
			}
			if !strings.Contains(exit.Log, strings.TrimPrefix(strings.Split(bad[component][0], "=")[0], "--")) {
				t.Errorf("the error does not hold the end of the log: %v", err)
			}
			if _, err := os.Stat(dir); !os.IsNotExist(err) {
				t.Errorf("folder %s is still there: %v", dir, err)
			}
		})
	}
}

// TestTwoAtOnce also takes the slow, real way of losing a node in one of them,
// and ends the other by its context.
func TestTwoAtOnce(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	type result struct {
		c   *cluster.Cluster
		err error
	}
	other := make(chan result)
	go func() {
		c, err := cluster.Start(ctx, cluster.Options{NoAudit: true})
		other <- result{c, err}
	}()
	w := start(t, cluster.Options{NodeMonitorGracePeriod: 6e9, NodeLeaseDuration: 4e9})
	second := <-other
	if second.err != nil {
		t.Fatal(second.err)
	}
	if _, err := os.Stat(second.c.AuditLog()); !os.IsNotExist(err) {
		t.Errorf("there is an audit log: %v", err)
	}
	pids := second.c.PIDs()
	cancel()
	noProcesses(t, pids)
	eventually(t, "the end of "+second.c.Dir(), func() bool {
		_, err := os.Stat(second.c.Dir())
		return os.IsNotExist(err)
	})

	if err := simnode.Create(t.Context(), w.client, simnode.Nodes("node", 3, nil)...); err != nil {
		t.Fatal(err)
	}
	w.daemonSet(t, "agent", nil)
	w.wait(t, "agent", simnode.Scheduled(3), simnode.Ready(3))
	if err := simnode.Silence(t.Context(), w.client, "node-0"); err != nil {
		t.Fatal(err)
	}
	if err := simnode.WaitLost(t.Context(), w.client, "node-0"); err != nil {
		t.Fatal(err)
	}
	w.pod(t, "agent", "node-0", func(pod corev1.Pod) bool { return !ready(pod) })
	w.counted(t, "agent", simnode.Scheduled(2), simnode.Ready(2))
	node, err := w.client.CoreV1().Nodes().Get(t.Context(), "node-1", metav1.GetOptions{})
	if err != nil || len(node.Spec.Taints) != 0 {
		t.Errorf("node-1 has taints %v (%v), want it to be well", node.Spec.Taints, err)
	}
}
