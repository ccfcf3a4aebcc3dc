package coverage

import (
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-ds/kubectl-ds/internal/testkit"
	"github.com/kubectl-ds/kubectl-ds/pkg/snapshot"
)

// Where revisions cannot be read, an update that was undone leaves pods that
// are current and carry an older template generation.
func TestWithoutRevisionsOnlyWhatIsCertainIsSaid(t *testing.T) {
	const current, older = "3", "1"
	for _, c := range []struct {
		name     string
		pods     []string // hash and template generation
		updated  int32
		observed int64
		want     string // covered, outdated, unknown
	}{
		{"a pod of this generation lends its hash", []string{"a " + current, "a " + older, "b " + older}, 0, 3, "2 1 0"},
		{"undone, and status counts all as updated", []string{"a " + older, "a " + older, "a " + older}, 3, 3, "3 0 0"},
		{"status counts none as updated", []string{"a " + older, "a " + older, "a " + older}, 0, 3, "0 3 0"},
		{"status contradicts itself", []string{"a " + older, "a " + older, "a " + older}, 2, 3, "0 0 3"},
		{"status is of a generation before", []string{"a " + older, "a " + older, "a " + older}, 3, 2, "0 0 3"},
		{"undone half way", []string{"a " + older, "b 2", "b 2"}, 1, 3, "0 0 3"},
	} {
		w := testkit.NewWorld().Unread(snapshot.ResourceRevisions, "")
		d := testkit.DaemonSet("ops", "agent").Generation(3, c.observed).Status(3, 3, c.updated, 0).Build()
		w.Add(d)
		for i, p := range c.pods {
			name, f := fmt.Sprintf("n%d", i), strings.Fields(p)
			w.Add(testkit.Node(name), testkit.PodOf(d, name).Hash(f[0]).Change(func(p *corev1.Pod) { p.Labels[generationLabel] = f[1] }))
		}
		l := Analyze(w.Snapshot(), Options{Now: testkit.Now, Grace: 5 * time.Minute}).Report()
		s := &l.Summary
		if got := fmt.Sprint(s.Covered, s.Outdated, s.Unknown); got != c.want {
			t.Errorf("%s: covered, outdated, unknown are %s, want %s", c.name, got, c.want)
		}
		if s.Unknown == 0 {
			continue
		}
		if got := l.Items[0].Nodes[0].Evidence.Unread; !strings.Contains(got, "list controllerrevisions") {
			t.Errorf("%s: what was not read is %q", c.name, got)
		}
		for word, want := range map[string]Outcome{"outdated": CannotTell, "gaps": Holds} {
			if got, why := l.Check(Condition{FailOn: []string{word}}); got != want {
				t.Errorf("%s: --fail-on %s is %d (%s), want %d", c.name, word, got, why, want)
			}
		}
	}
}
