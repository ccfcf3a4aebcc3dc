package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
	"github.com/kubectl-ds/kubectl-ds/test/cluster"
	"github.com/kubectl-ds/kubectl-ds/test/cluster/simnode"
	"github.com/kubectl-ds/kubectl-ds/test/kubectl"
	"github.com/kubectl-ds/kubectl-ds/test/world"
)

// lateNode is a canary whose new pod takes its time, so that the two canaries
// are seen in two steps.
const lateNode = "general-2"

// recordCanary starts a run of the agent on the demo's nodes, none of its broken
// DaemonSets beside it, and writes what there is to see of it in the middle of
// the canary: a capture, the run as its Lease holds it, and its journal until then.
// internal/gen/picture draws them.
func recordCanary(ctx context.Context, dir string) (err error) {
	dir, err = inRoot(ctx, dir)
	if err != nil {
		return err
	}
	c, err := cluster.Start(ctx, cluster.Options{Progress: os.Stdout, ContextName: contextName})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Stop()) }()
	client, err := kubernetes.NewForConfig(c.RESTConfig())
	if err != nil {
		return err
	}
	if err := simnode.Create(ctx, client, append(world.Nodes(), world.Joiner(joiner))...); err != nil {
		return err
	}
	plugins, err := kubectl.New(ctx, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, plugins.Close()) }()
	scratch, err := os.MkdirTemp("", "kubectl-ds-canary-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	r := &recorder{plugins: plugins, scratch: scratch}
	files, err := r.canary(ctx)
	if err != nil {
		return err
	}
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	for name, raw := range files { // whose machine it was is nobody's business
		raw = bytes.ReplaceAll(raw, []byte("@"+host+"_"), []byte("@laptop_"))
		err = errors.Join(err, os.WriteFile(filepath.Join(dir, name), raw, 0o644))
	}
	return err
}

// recorder runs the plugins for files.
type recorder struct {
	plugins *kubectl.Kubectl
	scratch string // a folder
}

// canary starts the run, returns what is to be kept of it by file, and aborts.
func (r *recorder) canary(ctx context.Context) (map[string][]byte, error) {
	if err := r.applyLate(ctx); err != nil {
		return nil, err
	}
	journal := filepath.Join(r.scratch, "journal")
	start := r.plugins.Command(ctx, verb("start", "--image", agent+"=registry.example/"+agent+":4.0.1", "--waves", "2,5,100%",
		"--max-unavailable", "2", "--soak", "40s", "--pause-after", "canary", "--yes", "--quiet", "--journal", journal)...)
	start.Stdout, start.Stderr = os.Stdout, os.Stderr
	if err := start.Start(); err != nil {
		return nil, err
	}
	files, err := r.catch(ctx, journal)
	_, abort := r.run(ctx, verb("abort", "--yes")...)
	_ = start.Wait() // an aborted run ends with 1
	return files, errors.Join(err, abort)
}

// applyLate applies the agent with a start that is slow on one node.
func (r *recorder) applyLate(ctx context.Context) error {
	manifest, err := os.ReadFile(agentManifest)
	if err != nil {
		return err
	}
	const plain = "    metadata: {labels: {app: " + agent + "}}\n"
	late := fmt.Sprintf("    metadata: {labels: {app: %s}, annotations: {%s: %s, %s: 30s, %s: %s}}\n", agent,
		simnode.StartAnnotation, simnode.SlowReady, simnode.StartDelayAnnotation, simnode.NodesAnnotation, lateNode)
	if !bytes.Contains(manifest, []byte(plain)) {
		return fmt.Errorf("%s has another template than is known here", agentManifest)
	}
	file := filepath.Join(r.scratch, "late.yaml")
	if err := os.WriteFile(file, bytes.Replace(manifest, []byte(plain), []byte(late), 1), 0o600); err != nil {
		return err
	}
	if _, err := r.run(ctx, "apply", "-f", file); err != nil {
		return err
	}
	_, err = r.run(ctx, "rollout", "status", "-n", agentNamespace, "daemonset/"+agent, "--timeout=2m")
	return err
}

// catch waits until the first canary has soaked for a while, and reads.
func (r *recorder) catch(ctx context.Context, journal string) (map[string][]byte, error) {
	for {
		raw, err := os.ReadFile(journal)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
		if bytes.Contains(raw, []byte(rollout.EventPodReady)) {
			break
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return nil, err
		}
	}
	if err := pause(ctx, 12*time.Second); err != nil {
		return nil, err
	}
	capture := filepath.Join(r.scratch, "cluster.json")
	if _, err := r.run(ctx, "ds-coverage", "snapshot", "-n", agentNamespace, "-o", capture); err != nil {
		return nil, err
	}
	state, err := r.state(ctx)
	if err != nil {
		return nil, err
	}
	cluster, err := os.ReadFile(capture)
	if err != nil {
		return nil, err
	}
	lines, err := os.ReadFile(journal)
	if err != nil {
		return nil, err
	}
	_, lines, _ = bytes.Cut(lines, []byte("\n")) // the first is the command, with a path of this machine
	return map[string][]byte{"cluster.json": cluster, "run.json": state, "journal.ndjson": lines}, nil
}

// state is the run that the Lease holds, for people to read.
func (r *recorder) state(ctx context.Context) ([]byte, error) {
	raw, err := r.run(ctx, "get", "lease", "-n", agentNamespace, rollout.LeaseName(agent), "-o", "json")
	if err != nil {
		return nil, err
	}
	lease := &coordinationv1.Lease{}
	if err := json.Unmarshal([]byte(raw), lease); err != nil {
		return nil, err
	}
	run, err := kube.UnpackRun(lease.Annotations[rollout.RunAnnotation])
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = json.Indent(&out, run, "", "  ")
	out.WriteByte('\n')
	return out.Bytes(), err
}

// run runs a command that is to succeed.
func (r *recorder) run(ctx context.Context, args ...string) (stdout string, err error) {
	got, err := r.plugins.Run(ctx, args...)
	if err == nil && got.Code != 0 {
		err = fmt.Errorf("kubectl %s: %s", strings.Join(args, " "), got.Stderr)
	}
	return got.Stdout, err
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
