package gates

import (
	"os"
	"slices"
	"testing"

	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// TestGatesThatCanNeverPassAreFoundBefore the first pod is deleted.
func TestGatesThatCanNeverPassAreFoundBefore(t *testing.T) {
	cel := func(expr string) rollout.Probe { return rollout.Probe{CEL: expr} }
	for _, c := range []struct {
		name  string
		probe rollout.Probe
		want  []string
	}{
		{"a string", cel(`node.metadata.name`), []string{"gate g: the expression gave string instead of a bool"}},
		{"a bool that is false", cel(`node.metadata.name == "x"`), nil},
		{"a field that is not there now", cel(`node.metadata.nowhere`), nil},
		{"a DaemonSet that is not there", rollout.Probe{DaemonSet: "a/b"}, []string{"gate g: there is no DaemonSet a/b"}},
		{"a command, which may change something", rollout.Probe{Exec: []string{os.Args[0], "-test.run=("}}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld()
			p := &rollout.Policy{Gates: []rollout.Gate{{Name: "g", When: rollout.AfterNode, Probe: c.probe}}}
			q := w.question(rollout.AfterNode)
			if got := newRunner(t, p, w, Options{}).Try(t.Context(), p, q.Run, q.View, q.Node, now); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
