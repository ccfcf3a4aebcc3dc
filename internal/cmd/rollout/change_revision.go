package rollout

import (
	"slices"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/kubectl-ds/kubectl-ds/internal/cli"
	"github.com/kubectl-ds/kubectl-ds/pkg/rollout"
)

// theOneBefore stands for the revision before the current one.
const theOneBefore = -1

// toRevision is the change back to an older revision.
func (l *live) toRevision(number int64) (*change, error) {
	if number == theOneBefore {
		if len(l.revisions) < 2 {
			return nil, cli.Usagef("daemonset %s/%s has no older revision to go back to", l.ds.Namespace, l.ds.Name)
		}
		number = l.revisions[1].Revision // the newest stands first
	}
	i := slices.IndexFunc(l.revisions, func(r *appsv1.ControllerRevision) bool { return r.Revision == number })
	if i < 0 {
		return nil, l.noRevision(number)
	}
	t, err := rollout.TemplateOf(l.revisions[i])
	if err != nil {
		return nil, cli.Usagef("--to-revision %d: %w", number, err)
	}
	c := l.changeTo(t)
	c.hash = l.revisions[i].Labels[appsv1.DefaultDaemonSetUniqueLabelKey]
	return c, nil
}

func (l *live) noRevision(number int64) error {
	var there []int64
	for _, r := range l.revisions {
		there = append(there, r.Revision)
	}
	slices.Sort(there)
	words := make([]string, 0, len(there))
	for _, n := range there {
		words = append(words, strconv.FormatInt(n, 10))
	}
	have := "it has none"
	if len(words) > 0 {
		have = "there are " + strings.Join(words, ", ")
		if len(words) == 1 {
			have = "there is " + words[0]
		}
	}
	return cli.Usagef("daemonset %s/%s has no revision %d any more: %s", l.ds.Namespace, l.ds.Name, number, have)
}
