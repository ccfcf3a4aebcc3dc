package main

import "context"

// What the demo rolls out: docs/rollout.md walks through the same.
const (
	agentManifest  = "docs/examples/fluent-bit.yaml"
	agentNamespace = "agents"
	agent          = "fluent-bit"
	contextName    = "demo"
	joiner         = "general-7"
)

// rollout shows a canary rollout: one that goes through, and one that stops.
// Each command ends by itself, since there is no terminal to ask on.
func (d *demo) rollout(ctx context.Context) error {
	scenes := []struct {
		title    string
		lines    []string
		commands [][]string
	}{
		{"A new version, a canary first", []string{
			"kubectl ds-rollout replaces pods node by node. A healthy agent on ten nodes, two architectures, three zones.",
		}, [][]string{{"apply", "-f", agentManifest}, {"rollout", "status", "-n", agentNamespace, "daemonset/" + agent, "--timeout=1m"}, change("plan", "4.0.1")}},
		{"Start, and wait for somebody to look at the canary", []string{
			"A second of soak is for the demo. No terminal: it ends at the approval, and anybody can go on.",
		}, [][]string{change("start", "4.0.1", "--yes", "--quiet"), verb("status")}},
		{"It looks well: approve and go on", nil, [][]string{verb("approve"), verb("resume", "--yes", "--quiet")}},
		{"A version that crashes", []string{"One node is hurt, and no more."}, [][]string{
			verb("start", "--image", agent+"=sim/crash-loop:1", "--soak", "1s", "--node-timeout", "4s", "--yes"),
		}},
		{"Back, and nothing is left behind", nil, [][]string{
			verb("undo", "--yes"), {"get", "daemonsets,leases", "-n", agentNamespace},
		}},
	}
	for _, s := range scenes {
		d.chapter(s.title, s.lines...)
		for _, args := range s.commands {
			if err := d.run(ctx, args...); err != nil {
				return err
			}
		}
	}
	return nil
}

// verb is a command about the agent.
func verb(name string, flags ...string) []string {
	return append([]string{"ds-rollout", name, "-n", agentNamespace, agent}, flags...)
}

// change brings a version of the agent's image.
func change(name, version string, flags ...string) []string {
	return verb(name, append([]string{
		"--image", agent + "=registry.example/" + agent + ":" + version,
		"--waves", "2,5,100%", "--max-unavailable", "4", "--soak", "1s", "--pause-after", "canary",
	}, flags...)...)
}
