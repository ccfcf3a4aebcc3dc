//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// commandVariable turns the test binary into the command itself, supervisor
// included: it starts itself again.
const commandVariable = "TEST_LOCALCLUSTER_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(commandVariable) != "" {
		main()
		return
	}
	m.Run()
}

func command(args ...string) (*exec.Cmd, *bytes.Buffer, *bytes.Buffer) {
	var out, progress bytes.Buffer
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), commandVariable+"=1", "KUBECONFIG=/does/not/exist")
	cmd.Stdout, cmd.Stderr = &out, &progress
	return cmd, &out, &progress
}

func do(t *testing.T, args ...string) (out, progress string) {
	t.Helper()
	cmd, stdout, stderr := command(args...)
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %v\n%s", args, err, stderr)
	}
	return stdout.String(), stderr.String()
}

func names(t *testing.T) (first, second string) {
	t.Helper()
	first, second = fmt.Sprintf("test-%d-a", os.Getpid()), fmt.Sprintf("test-%d-b", os.Getpid())
	t.Cleanup(func() {
		for _, name := range []string{first, second} {
			do(t, "down", "--name", name)
			// The test's own context has ended by now.
			if dir, err := home(context.Background(), name); err == nil {
				_ = os.Remove(dir + ".lock")
			}
		}
	})
	return first, second
}

func TestUpAndDown(t *testing.T) {
	first, second := names(t)
	out, _ := do(t, "up", "--name", first, "--nodes", "3")
	kubeconfig, ok := strings.CutPrefix(strings.TrimSuffix(out, "\n"), "export KUBECONFIG=")
	if !ok || !filepath.IsAbs(kubeconfig) || strings.Contains(kubeconfig, "\n") {
		t.Fatalf("standard output = %q, want one export line", out)
	}
	again, progress := do(t, "up", "--name", first)
	if again != out || !strings.Contains(progress, "already runs") {
		t.Errorf("a second up says %q and %q, want the same line, and that it already runs", again, progress)
	}
	_, progress = do(t, "up", "--name", second)
	dir, err := home(t.Context(), second)
	if err != nil {
		t.Fatal(err)
	}
	found, err := readState(dir)
	if err != nil {
		t.Fatalf("state of the second cluster: %v\n%s", err, progress)
	}

	if err := syscall.Kill(found.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the second API server to end with its supervisor", func() bool {
		return processesUsing(t, dir) == 0
	})
	if _, progress := do(t, "down", "--name", second); !strings.Contains(progress, "does not run") {
		t.Errorf("down of a killed cluster says %q", progress)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("folder %s is still there: %v", dir, err)
	}

	do(t, "down", "--name", first)
	if _, err := os.Stat(filepath.Dir(filepath.Dir(kubeconfig))); !os.IsNotExist(err) {
		t.Errorf("the folder of %s is still there: %v", first, err)
	}
}

func TestInterruptedUpLeavesNothing(t *testing.T) {
	name, _ := names(t)
	dir, err := home(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	cmd, out, _ := command("up", "--name", name)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "etcd", func() bool { return processesUsing(t, dir) > 1 })
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil || out.Len() > 0 {
		t.Errorf("an interrupted up ends with %v and prints %q", err, out)
	}
	if n := processesUsing(t, dir); n > 0 {
		t.Errorf("%d processes are left", n)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("folder %s is still there: %v", dir, err)
	}
}

func TestRunCommand(t *testing.T) {
	out, _ := do(t, "run", "--nodes", "2", "--", "kubectl", "get", "nodes", "-o", "json")
	var list struct{ Items []json.RawMessage }
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list.Items) != 2 {
		t.Errorf("kubectl printed %d nodes (%v), want 2", len(list.Items), err)
	}
}

func TestBadArguments(t *testing.T) {
	for _, args := range [][]string{
		{}, {"sideways"}, {"up", "--name", "../x"}, {"up", "x"}, {"up", "--nodes", "many"}, {"run"},
	} {
		cmd, out, progress := command(args...)
		if err := cmd.Run(); err == nil || out.Len() > 0 || progress.Len() == 0 {
			t.Errorf("%q ends with %v, prints %q and says %q", args, err, out, progress)
		}
	}
}

// processesUsing counts processes with the folder in their command line.
func processesUsing(t *testing.T, dir string) int {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil || len(lines) == 0 {
		t.Skip("no /proc to look for processes in")
	}
	count := 0
	for _, path := range lines {
		if text, err := os.ReadFile(path); err == nil && bytes.Contains(text, []byte(dir)) {
			count++
		}
	}
	return count
}

func eventually(t *testing.T, what string, check func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for !check() {
		select {
		case <-deadline:
			t.Fatalf("gave up waiting for %s", what)
		case <-ticker.C:
		}
	}
}
