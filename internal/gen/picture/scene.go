package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/internal/cmd/coverage"
	"github.com/kubectl-ds/kubectl-ds/internal/cmd/rollout"
)

// columns of the terminal that is drawn: those that the documents show.
const columns = 120

// scene is one picture.
type scene struct {
	file  string
	title string // of the window
	says  string // what is seen, for who does not see it
	shown func(ctx context.Context) (string, error)
}

func scenes() []scene {
	return []scene{
		{
			file: "coverage.svg", title: "kubectl ds-coverage",
			says: "A table with one row: fsx-csi-node covers 36 of 36 nodes, 100%, and has 155 suspect nodes, steady 18.8%. " +
				"Below it the cause, a startup taint that the template does not tolerate, the nodes, and the toleration to add.",
			// The command that it prints has the path of the capture, and a line of
			// a terminal is not cut in two for it.
			shown: from("docs/examples/", command("kubectl ds-coverage --from docs/examples/hidden-155-of-191.yaml")),
		},
		{
			file: "explain.svg", title: "kubectl ds-coverage explain",
			says: "Eight rules for datadog-agent on node small-1: the pod and the room for its cpu request fail, preemption finds no victims, " +
				"the others pass. Below it a change of the template that would let the pod fit.",
			shown: command("kubectl ds-coverage explain -n datadog datadog-agent small-1 --grace 0s \\\n" +
				"    --from docs/examples/demo-cluster.json"),
		},
		{
			file: "plan.svg", title: "kubectl ds-rollout plan",
			says: "The plan for cilium on 15 nodes: what changes, a ceiling of 4 of which 3 are down already, how long it takes, five checks " +
				"of which three warn, and three waves spread over zones with the first nodes of each.",
			shown: command("kubectl ds-rollout plan -n kube-system cilium --image cilium-agent=registry.example/cilium:v1.19.2 \\\n" +
				"    --waves 2,50%,100% --max-unavailable 4 --soak 2m --pause-after canary --from docs/examples/demo-cluster.json"),
		},
		{
			file: "live.svg", title: "kubectl ds-rollout start -n agents fluent-bit",
			says: "A run in the middle of its canary: 0 of 10 nodes done, a ceiling of 2 taken by two nodes in flight. The pod of arm-1 soaks, " +
				"that of general-2 is not available yet. Two more waves wait. Below them the last events, and the keys.",
			shown: canary,
		},
	}
}

// draw makes the picture.
func (s *scene) draw(ctx context.Context) ([]byte, error) {
	text, err := s.shown(ctx)
	if err != nil {
		return nil, err
	}
	lines, err := parse(text)
	if err != nil {
		return nil, err
	}
	return svg(s.title, s.says, lines)
}

// command is a prompt with a command, and what it prints.
func command(line string) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		words := strings.Fields(strings.ReplaceAll(line, "\\\n", " "))
		printed, err := perform(ctx, words[1], append(words[2:], "--color=always"))
		return "\x1b[1m$ " + strings.ReplaceAll(line, "\n", "\n\x1b[1m") + "\x1b[0m\n" + printed, err
	}
}

// from is what is shown in a folder, of what is shown above it.
func from(folder string, shown func(context.Context) (string, error)) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		text, err := shown(ctx)
		return strings.ReplaceAll(text, folder, ""), err
	}
}

// terminal is one that has a width.
type terminal struct{ bytes.Buffer }

// Columns is what the plugins ask.
func (*terminal) Columns() int { return columns }

// plugins by the name after kubectl.
var plugins = map[string]func(string) func(genericiooptions.IOStreams) (*cobra.Command, error){
	"ds-coverage": coverage.Builder, "ds-rollout": rollout.Builder,
}

// perform runs a command of a plugin on a terminal of 120 columns.
func perform(ctx context.Context, plugin string, args []string) (string, error) {
	var out terminal
	var errOut bytes.Buffer
	streams := genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &errOut}
	code := cli.Main(ctx, append([]string{"kubectl-" + strings.ReplaceAll(plugin, "-", "_")}, args...), streams, plugins[plugin]("v0.0.0"))
	if code != cli.OK || errOut.Len() > 0 {
		return "", fmt.Errorf("exit code %d: %s", code, errOut.String())
	}
	return out.String(), nil
}
