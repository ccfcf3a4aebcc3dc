package cli

import (
	"testing"

	"github.com/kubectl-ds/kubectl-ds/internal/kube"
)

func TestANameThatIsNotThereIsAnsweredWithTheWayOn(t *testing.T) {
	const otherwise = "list them: kubectl get daemonsets -A"
	for _, c := range []struct {
		name     string
		existing []string
		want     string
	}{
		{"agent", []string{"logging/agent"}, "; there is one in logging: -n logging"},
		{"agent", []string{"logging/agent", "ops/agent", "ops/other"}, "; there are some in logging, ops: choose with -n"},
		{"agnet", []string{"default/agent"}, ` (did you mean "default/agent"?)`},
		{"explian", nil, `; if the subcommand was meant, it is "explain"`},
		{"nothing-like-it", []string{"default/agent"}, "; " + otherwise},
	} {
		e := &kube.NotFoundError{Namespace: "default", Name: c.name, Existing: c.existing}
		err := NotFound(e, []string{"explain", "nodes"}, otherwise)
		if got := err.Error(); got != e.Error()+c.want || CodeOf(t.Context(), err) != Usage {
			t.Errorf("%s: exit %d, %s", c.name, CodeOf(t.Context(), err), got)
		}
	}
}
