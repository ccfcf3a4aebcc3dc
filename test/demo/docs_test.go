package main

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-ds/kubectl-ds/test/cluster"
	"github.com/kubectl-ds/kubectl-ds/test/cluster/simnode"
	"github.com/kubectl-ds/kubectl-ds/test/kubectl"
	"github.com/kubectl-ds/kubectl-ds/test/world"
)

var updateDocs = flag.Bool("update-docs", false, "write the outputs in the documents again, where they differ")

// documents are run in this order, on one cluster.
var documents = []string{"docs/rollout.md", "docs/rollout-dies.md", "README.md"}

// TestDocumentsShowWhatHappens runs every command of the documents, in their
// order, on the demo's nodes, and compares what it prints with what they show.
func TestDocumentsShowWhatHappens(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	root, err := cluster.FindRoot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	plugins := demoNodes(ctx, t)
	manifest := filepath.Join(root, agentManifest)
	if r, err := plugins.Run(ctx, "apply", "-f", manifest); err != nil || r.Code != 0 {
		t.Fatalf("%v %s", err, r.Stderr)
	}
	if r, err := plugins.Run(ctx, "rollout", "status", "-n", agentNamespace, "daemonset/"+agent, "--timeout=1m"); err != nil || r.Code != 0 {
		t.Fatalf("%v %s", err, r.Stderr)
	}
	same := true
	next := map[string]string{}
	for _, name := range documents {
		path := filepath.Join(root, name)
		old := text(t, path)
		ran := 0
		var known runs
		next[path] = rewrite(old, func(c shown) string {
			ran++
			output, agree := perform(ctx, t, plugins, root, c, &known)
			same = same && agree
			return output
		})
		if ran == 0 {
			t.Errorf("%s shows no command", name)
		}
	}
	switch {
	case same && forward(t, root) == "":
	case !*updateDocs:
		t.Error("the documents show what does not happen; read the difference after: go test ./demo -run TestDocuments -update-docs")
	default:
		for path, now := range next {
			if err := os.WriteFile(path, []byte(now), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// demoNodes starts a control plane with the nodes of the demo as they are when
// its rollout begins, and none of its broken DaemonSets.
func demoNodes(ctx context.Context, t *testing.T) *kubectl.Kubectl {
	t.Helper()
	c, err := cluster.Start(ctx, cluster.Options{ContextName: contextName})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Stop() })
	client, err := kubernetes.NewForConfig(c.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	if err := simnode.Create(ctx, client, append(world.Nodes(), world.Joiner(joiner))...); err != nil {
		t.Fatal(err)
	}
	plugins, err := kubectl.New(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = plugins.Close() })
	return plugins
}

// perform runs one command, tells the test what differs from what is shown,
// and returns what is to be shown where anything has to be written again. All
// of it is then, since one clock goes through all commands.
func perform(ctx context.Context, t *testing.T, plugins *kubectl.Kubectl, root string, c shown, known *runs) (output string, agree bool) {
	t.Helper()
	cmd := plugins.Command(ctx, words(strings.TrimPrefix(c.command, "$ kubectl "))...)
	cmd.Dir = root
	out := &watched{after: masked(c.after), signal: c.signal}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	out.started(cmd.Process)
	_ = cmd.Wait()
	got := out.String(cmd.ProcessState.ExitCode())
	if !agrees(c.output, got) {
		if !*updateDocs {
			t.Errorf("%s\nprints:\n%s\nand not:\n%s", c.command, got, c.output)
		}
		return got, false
	}
	agree = known.same(c.output, got)
	if !agree && !*updateDocs {
		t.Errorf("%s\nshows a run by another id than before:\n%s", c.command, c.output)
	}
	return refreshed(c.output, got), agree
}
