package cli

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/kubectl-ds/kubectl-ds/internal/kube"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
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

func TestACaptureNamesTheFirstOfWhatItHas(t *testing.T) {
	for _, c := range []struct {
		names []string
		want  string
	}{
		{nil, "the capture has no DaemonSet"},
		{[]string{"c", "a", "b"}, "the capture has ops/a, ops/b, ops/c"},
		{[]string{"e", "d", "c", "a", "b"}, "the capture has ops/a, ops/b, ops/c, +2"},
	} {
		var s snapshot.Snapshot
		for _, name := range c.names {
			d := &appsv1.DaemonSet{}
			d.Namespace, d.Name = "ops", name
			s.DaemonSets = append(s.DaemonSets, d)
		}
		if got := (&Capture{}).has(&s); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
